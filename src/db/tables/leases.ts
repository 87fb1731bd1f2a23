/**
 * Queries of a calendar's lease. Only the holder of the lease may write to the marketplace for the calendar. A lease that was
 * not released expires. It lasts longer than a request can take, so that no write of the previous holder is in flight when
 * the next one acquires it. The database's clock applies.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

/**
 * Acquires the lease to publish the calendar, and clears `queued_priority`: from here on a new change needs a new job,
 * because this job may have read the database already.
 * @returns whether the lease was acquired under this token
 */
export async function acquireLease(
  db: Db,
  calendar: string,
  token: string,
  durationMs: number,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.calendars
    SET lease_token = ${token}, lease_until = clock_timestamp() + make_interval(secs => ${durationMs / 1000}),
        queued_priority = NULL
    WHERE id = ${calendar} AND (lease_until IS NULL OR lease_until < clock_timestamp())`.execute(db);
  return numAffectedRows === 1n;
}

/** @returns whether the lease was still held under this token and was extended */
export async function renewLease(
  db: Db,
  calendar: string,
  token: string,
  durationMs: number,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.calendars
    SET lease_until = clock_timestamp() + make_interval(secs => ${durationMs / 1000})
    WHERE id = ${calendar} AND lease_token = ${token}`.execute(db);
  return numAffectedRows === 1n;
}

/**
 * Releases the lease, unless it has expired and another holder has it. Where the calendar has changed its address, the lease is
 * that of the former address.
 */
export async function releaseLease(db: Db, calendar: string, token: string): Promise<void> {
  await db
    .updateTable('slotkeeper.calendars')
    .set({ lease_token: null, lease_until: null })
    .where((eb) => eb.or([eb('id', '=', calendar), eb('former_of', '=', calendar)]))
    .where('lease_token', '=', token)
    .execute();
}
