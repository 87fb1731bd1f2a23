/** Queries of calendars that are being closed: each is deleted once nothing of it is on sale. */
import { sql } from 'kysely';
import { retryDeadlock } from '../retry.js';
import type { Db } from '../schema.js';
import { NO_FAILURES } from './calendar-retries.js';
import { saveHistory } from './history.js';

/**
 * Starts closing a calendar; changes nothing where it is being closed already. The PMS's data of the calendar, its held changes
 * and reservations are deleted, and its bookings are no longer synced with appointments.
 * @returns whether the calendar exists
 */
export async function startClosing(db: Db, calendar: string, now: Date, actor = 'library'): Promise<boolean> {
  return await retryDeadlock(() =>
    db.transaction().execute(async (tx) => {
      const row = await tx
        .selectFrom('slotkeeper.calendars')
        .select('closing_since')
        .where('id', '=', calendar)
        .forUpdate()
        .executeTakeFirst();
      if (row === undefined || row.closing_since !== null) return row !== undefined;
      await tx
        .updateTable('slotkeeper.calendars')
        .set({ ...NO_FAILURES, closing_since: now })
        .where('id', '=', calendar)
        .execute();
      const detail = { what: 'calendar', change: 'closing' };
      await saveHistory(tx, [{ kind: 'configured', at: now, calendar, actor, detail }]);
      for (const table of [
        'windows',
        'occupancy',
        'held_changes',
        'reservations',
        'resync_calendars',
        'address_services',
      ] as const) {
        await sql`DELETE FROM ${sql.table(`slotkeeper.${table}`)} WHERE calendar_id = ${calendar}`.execute(
          tx,
        );
      }
      await sql`
        UPDATE slotkeeper.bookings SET ref_start = NULL, failed_for = NULL, failed_reason = NULL, failures = 0, retry_at = NULL
        WHERE calendar_id = ${calendar}`.execute(tx);
      await sql`
        UPDATE slotkeeper.days SET
          generation = generation + 1, failed_generation = NULL, error = NULL, failures = 0, retry_at = NULL,
          pending_since = coalesce(pending_since, ${now}::timestamptz)
        WHERE calendar_id = ${calendar}`.execute(tx);
      return true;
    }),
  );
}

/** @returns the closing calendars that the marketplace does not refuse, including former addresses */
export async function findClosingCalendars(db: Db, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('closing_since', 'is not', null)
    .where('failed_reason', 'is', null)
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** Counts all closing calendars, including former addresses and refused ones. */
export async function countClosingCalendars(db: Db): Promise<number> {
  const { rows } = await sql<{ closing: string }>`
    SELECT count(*) AS closing FROM slotkeeper.calendars WHERE closing_since IS NOT NULL`.execute(db);
  return Number(rows[0]?.closing ?? 0);
}

/** @returns the ids of the calendar's former addresses, which are being closed */
export async function findFormerAddresses(db: Db, calendar: string): Promise<string[]> {
  const rows = await db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('former_of', '=', calendar)
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Deletes a calendar that is completely closed.
 * @param since when its closing started; a calendar that was reopened meanwhile is not deleted
 */
export async function deleteClosedCalendar(db: Db, calendar: string, since: Date): Promise<void> {
  await db
    .deleteFrom('slotkeeper.calendars')
    .where('id', '=', calendar)
    .where('closing_since', '=', since)
    .execute();
}
