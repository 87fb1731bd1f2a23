/**
 * Queries of the deletion guard: how much upcoming availability and occupancy a calendar or an account has, and how much of it
 * one run of an import or a source has deleted so far (`slotkeeper.run_deletions`).
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface DeletionScope {
  readonly scope: 'calendar' | 'account';
  readonly id: string;
}

export interface UpcomingAmount {
  /** Minutes that windows cover, whichever services they offer. */
  readonly minutes: number;
  readonly occupancies: number;
}

/** Counts the minutes of windows between two instants, and the occupancies that end after the first. */
export async function countUpcoming(
  db: Db,
  { scope, id }: DeletionScope,
  from: Date,
  until: Date,
): Promise<UpcomingAmount> {
  const calendars =
    scope === 'calendar'
      ? sql`(SELECT ${id}::text AS id)`
      : sql`(SELECT id FROM slotkeeper.calendars WHERE account_id = ${id})`;
  const { rows } = await sql<{ minutes: number; occupancies: string }>`
    SELECT
      (SELECT coalesce(sum(extract(epoch FROM upper(r.covered) - lower(r.covered))) / 60, 0)::double precision
       FROM (
         SELECT unnest(range_agg(tstzrange(
           greatest(w.start_at, ${from}::timestamptz), least(w.end_at, ${until}::timestamptz)))) AS covered
         FROM slotkeeper.windows w JOIN ${calendars} c ON c.id = w.calendar_id
         WHERE w.end_at > ${from}::timestamptz AND w.start_at < ${until}::timestamptz
         GROUP BY w.calendar_id
       ) r) AS minutes,
      (SELECT count(*) FROM slotkeeper.occupancy o JOIN ${calendars} c ON c.id = o.calendar_id
       WHERE o.end_at > ${from}::timestamptz) AS occupancies`.execute(db);
  return { minutes: rows[0]?.minutes ?? 0, occupancies: Number(rows[0]?.occupancies ?? 0) };
}

export interface RunDeletions {
  /** What there was when the run first deleted something. */
  readonly total: UpcomingAmount;
  readonly deleted: UpcomingAmount;
}

/** Reads what a run has deleted so far, and locks the row until the transaction ends. */
export async function lockRunDeletions(
  db: Db,
  run: string,
  { scope, id }: DeletionScope,
): Promise<RunDeletions | undefined> {
  const row = await db
    .selectFrom('slotkeeper.run_deletions')
    .selectAll()
    .where('run_id', '=', run)
    .where('scope', '=', scope)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  return (
    row && {
      total: { minutes: row.minutes, occupancies: row.occupancies },
      deleted: { minutes: row.minutes_deleted, occupancies: row.occupancies_deleted },
    }
  );
}

/** Adds to what a run has deleted. @param total applies only to the first record of a run */
export async function recordRunDeletions(
  db: Db,
  run: string,
  { scope, id }: DeletionScope,
  total: UpcomingAmount,
  deleted: UpcomingAmount,
  now: Date,
): Promise<void> {
  await sql`
    INSERT INTO slotkeeper.run_deletions AS r
      (run_id, scope, id, minutes, minutes_deleted, occupancies, occupancies_deleted, begun_at)
    VALUES (${run}, ${scope}, ${id}, ${total.minutes}, ${deleted.minutes}, ${total.occupancies},
            ${deleted.occupancies}, ${now}::timestamptz)
    ON CONFLICT (run_id, scope, id) DO UPDATE SET
      minutes_deleted = r.minutes_deleted + excluded.minutes_deleted,
      occupancies_deleted = r.occupancies_deleted + excluded.occupancies_deleted`.execute(db);
}

/** Deletes the counts of runs that began before an instant. */
export async function deleteExpiredRunDeletions(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.run_deletions').where('begun_at', '<', before).execute();
}
