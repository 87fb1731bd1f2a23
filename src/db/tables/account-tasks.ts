/**
 * What is done for an account by one process at a time, again and again: pulling its notifications, asking for failed ones
 * to be sent again. Whoever takes an errand has it until it runs out; the database's clock counts that, ours when it is
 * due.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export type AccountTaskKind = 'pull' | 'redelivery';

export interface AccountTaskLease {
  readonly account: string;
  readonly kind: AccountTaskKind;
  readonly token: string;
  /** Attempts that failed one after another. */
  readonly failures: number;
}

/** Those of the accounts for which it is due and nobody has it. One that was never run is due. */
export async function findDueAccountTasks(
  db: Db,
  kind: AccountTaskKind,
  accounts: readonly string[],
  now: Date,
): Promise<ReadonlySet<string>> {
  if (accounts.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    SELECT k.id FROM jsonb_array_elements_text(${JSON.stringify(accounts)}::jsonb) AS k (id)
    LEFT JOIN slotkeeper.account_tasks e ON e.account_id = k.id AND e.kind = ${kind}
    WHERE e.account_id IS NULL
      OR (e.next_at <= ${now} AND (e.until IS NULL OR e.until < clock_timestamp()))`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

/**
 * Takes it, where it is due and nobody has it.
 * @param nextAt when it is due again where nobody comes to say what became of it
 */
export async function acquireAccountTask(
  db: Db,
  account: string,
  kind: AccountTaskKind,
  token: string,
  milliseconds: number,
  now: Date,
  nextAt: Date = now,
): Promise<AccountTaskLease | undefined> {
  const { rows } = await sql<{ failures: number }>`
    INSERT INTO slotkeeper.account_tasks AS e (account_id, kind, token, until, next_at)
    VALUES (${account}, ${kind}, ${token}, clock_timestamp() + make_interval(secs => ${milliseconds / 1000}), ${nextAt})
    ON CONFLICT (account_id, kind) DO UPDATE SET token = excluded.token, until = excluded.until, next_at = excluded.next_at
    WHERE e.next_at <= ${now} AND (e.until IS NULL OR e.until < clock_timestamp())
    RETURNING failures`.execute(db);
  const [row] = rows;
  return row && { account, kind, token, failures: row.failures };
}

/** @returns whether it is still ours, and is now for so much longer */
export async function renewAccountTask(
  db: Db,
  task: AccountTaskLease,
  milliseconds: number,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.account_tasks SET until = clock_timestamp() + make_interval(secs => ${milliseconds / 1000})
    WHERE account_id = ${task.account} AND kind = ${task.kind} AND token = ${task.token}`.execute(db);
  return numAffectedRows === 1n;
}

/** Gives it back, to be run again then. */
export async function releaseAccountTask(
  db: Db,
  task: AccountTaskLease,
  nextAt: Date,
  failures: number,
): Promise<void> {
  await sql`
    UPDATE slotkeeper.account_tasks SET token = NULL, until = NULL, next_at = ${nextAt}, failures = ${failures}
    WHERE account_id = ${task.account} AND kind = ${task.kind} AND token = ${task.token}`.execute(db);
}

/**
 * Takes the calendar of the account whose bookings were not read for longest, and not since then; also one that has failed:
 * what it shows may still be sold.
 * @returns its id; undefined where all were read since
 */
export async function acquireCalendarToRead(
  db: Db,
  account: string,
  notSince: Date,
  now: Date,
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    UPDATE slotkeeper.calendars c SET bookings_read_at = ${now}
    WHERE c.id = (
      SELECT id FROM slotkeeper.calendars
      WHERE account_id = ${account} AND (bookings_read_at IS NULL OR bookings_read_at <= ${notSince})
      ORDER BY bookings_read_at NULLS FIRST, id
      LIMIT 1
      FOR UPDATE SKIP LOCKED)
    RETURNING c.id`.execute(db);
  return rows[0]?.id;
}

/** Has them read sooner: as if they had last been read then. */
export async function scheduleBookingsRead(db: Db, calendar: string, readAt: Date): Promise<void> {
  await db
    .updateTable('slotkeeper.calendars')
    .set({ bookings_read_at: readAt })
    .where('id', '=', calendar)
    .where('bookings_read_at', '>', readAt)
    .execute();
}
