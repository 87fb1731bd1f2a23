/**
 * The lease of a calendar: whoever has it is the only one that may write to the marketplace for it.
 * A lease that its holder could not give back runs out by itself, and it is longer than a request can take,
 * so that the next holder never meets a write of the last one in flight. The database's clock counts.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

/**
 * Takes the calendar to publish it. From here on a new change needs a new job, since this one may have read the
 * record already.
 * @returns whether the calendar is now leased under this token
 */
export async function acquireLease(
  db: Db,
  calendar: string,
  token: string,
  milliseconds: number,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.calendars
    SET lease_token = ${token}, lease_until = clock_timestamp() + make_interval(secs => ${milliseconds / 1000}),
        queued_priority = NULL
    WHERE id = ${calendar} AND (lease_until IS NULL OR lease_until < clock_timestamp())`.execute(db);
  return numAffectedRows === 1n;
}

/** @returns whether the calendar is still leased under this token, and is now for so much longer */
export async function renewLease(
  db: Db,
  calendar: string,
  token: string,
  milliseconds: number,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.calendars
    SET lease_until = clock_timestamp() + make_interval(secs => ${milliseconds / 1000})
    WHERE id = ${calendar} AND lease_token = ${token}`.execute(db);
  return numAffectedRows === 1n;
}

/** Gives it back, unless it has run out and somebody else has it. Where the calendar has left its address, that is leased. */
export async function releaseLease(db: Db, calendar: string, token: string): Promise<void> {
  await db
    .updateTable('slotkeeper.calendars')
    .set({ lease_token: null, lease_until: null })
    .where((eb) => eb.or([eb('id', '=', calendar), eb('former_of', '=', calendar)]))
    .where('lease_token', '=', token)
    .execute();
}
