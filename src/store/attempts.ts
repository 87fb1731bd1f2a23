/** What became of a calendar's last attempt: it counts failures for the backoff and keeps the reason in sight. */
import { sql } from 'kysely';
import type { Db } from './schema.js';

export async function attemptSucceeded(db: Db, calendar: string): Promise<void> {
  await db
    .updateTable('slotkeeper.calendars')
    .set({ attempts: 0, retry_at: null, retry_reason: null })
    .where('id', '=', calendar)
    .where('attempts', '>', 0)
    .execute();
}

/** @returns how many attempts have failed one after another, this one included */
export async function attemptFailed(db: Db, calendar: string, reason: string): Promise<number> {
  const row = await db
    .updateTable('slotkeeper.calendars')
    .set({ attempts: sql`attempts + 1`, retry_reason: reason })
    .where('id', '=', calendar)
    .returning('attempts')
    .executeTakeFirst();
  return row?.attempts ?? 1;
}

export async function retryAt(db: Db, calendar: string, at: Date): Promise<void> {
  await db.updateTable('slotkeeper.calendars').set({ retry_at: at }).where('id', '=', calendar).execute();
}

/** Gives the calendar up until it is changed or asked to. */
export async function calendarFailed(db: Db, calendar: string, reason: string, now: Date): Promise<void> {
  await db
    .updateTable('slotkeeper.calendars')
    .set({ failed_reason: reason, failed_at: now, attempts: 0, retry_at: null, retry_reason: null })
    .where('id', '=', calendar)
    .execute();
}
