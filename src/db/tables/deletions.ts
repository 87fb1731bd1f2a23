/** How much a calendar or an account has still to come, and how much of it one run has taken away so far. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface Scope {
  readonly scope: 'calendar' | 'account';
  readonly id: string;
}

export interface Amount {
  /** Covered by windows, whatever is bookable in them. */
  readonly minutes: number;
  readonly occupancies: number;
}

/** What lies ahead: windows between the two instants, occupancies that end after the first. */
export async function amountAhead(db: Db, { scope, id }: Scope, from: Date, until: Date): Promise<Amount> {
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
  /** When the run began to take away. */
  readonly total: Amount;
  readonly lost: Amount;
}

/** What a run has taken away so far; it is locked until the transaction ends. */
export async function runDeletions(
  db: Db,
  run: string,
  { scope, id }: Scope,
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
      lost: { minutes: row.minutes_deleted, occupancies: row.occupancies_deleted },
    }
  );
}

/** Adds to what the run has taken away. */
export async function addRunDeletions(
  db: Db,
  run: string,
  { scope, id }: Scope,
  total: Amount,
  lost: Amount,
  now: Date,
): Promise<void> {
  await sql`
    INSERT INTO slotkeeper.run_deletions AS r
      (run_id, scope, id, minutes, minutes_deleted, occupancies, occupancies_deleted, begun_at)
    VALUES (${run}, ${scope}, ${id}, ${total.minutes}, ${lost.minutes}, ${total.occupancies},
            ${lost.occupancies}, ${now}::timestamptz)
    ON CONFLICT (run_id, scope, id) DO UPDATE SET
      minutes_deleted = r.minutes_deleted + excluded.minutes_deleted,
      occupancies_deleted = r.occupancies_deleted + excluded.occupancies_deleted`.execute(db);
}

/** Forgets runs that began before then. */
export async function deleteExpiredRuns(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.run_deletions').where('begun_at', '<', before).execute();
}
