/** Calendars that are being closed: nothing of theirs is to stay on sale, and then they are removed. */
import { sql } from 'kysely';
import { retryDeadlock } from '../retry.js';
import type { Db } from '../schema.js';
import { NO_FAILURES } from './calendar-retries.js';

/**
 * Begins to close a calendar, or finds that it is being closed. What the clinic said of it is forgotten: its bookings
 * follow no appointment any more, and nothing of it is held.
 * @returns whether there is such a calendar
 */
export async function startClosing(db: Db, calendar: string, now: Date): Promise<boolean> {
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

/** Those that can be tried, former addresses among them. */
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

/** How many are being closed, former addresses and failed ones among them. */
export async function countClosingCalendars(db: Db): Promise<number> {
  const { rows } = await sql<{ closing: string }>`
    SELECT count(*) AS closing FROM slotkeeper.calendars WHERE closing_since IS NOT NULL`.execute(db);
  return Number(rows[0]?.closing ?? 0);
}

/** The former addresses of a calendar that are being closed. */
export async function findFormerAddresses(db: Db, calendar: string): Promise<string[]> {
  const rows = await db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('former_of', '=', calendar)
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Removes a calendar of which everything is closed.
 * @param since when its closing began: where it is no longer that one, it stays
 */
export async function deleteClosedCalendar(db: Db, calendar: string, since: Date): Promise<void> {
  await db
    .deleteFrom('slotkeeper.calendars')
    .where('id', '=', calendar)
    .where('closing_since', '=', since)
    .execute();
}
