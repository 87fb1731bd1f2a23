/** What failed and is not tried any more: days that the marketplace would not take, calendars that it refuses. */
import { sql } from 'kysely';
import type { DayError } from './days.js';
import type { Db } from './schema.js';

export interface FailedDay {
  readonly calendar: string;
  readonly date: string;
  readonly error: DayError;
}

export interface FailedCalendar {
  readonly calendar: string;
  readonly reason: string;
  readonly at: Date;
}

export async function failedDays(db: Db): Promise<FailedDay[]> {
  const { rows } = await sql<FailedDay>`
    SELECT calendar_id AS calendar, date, error FROM slotkeeper.days
    WHERE generation > published_generation AND failed_generation = generation
    ORDER BY calendar_id, date`.execute(db);
  return rows;
}

export async function failedCalendars(db: Db): Promise<FailedCalendar[]> {
  const rows = await db
    .selectFrom('slotkeeper.calendars')
    .select(['id', 'failed_reason', 'failed_at'])
    .where('failed_reason', 'is not', null)
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    calendar: row.id,
    reason: row.failed_reason ?? '',
    at: row.failed_at ?? new Date(0),
  }));
}

/** @returns whether there was such a failure */
export async function retryDay(db: Db, calendar: string, date: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.days SET failed_generation = NULL, error = NULL
    WHERE calendar_id = ${calendar} AND date = ${date}::date AND failed_generation = generation`.execute(db);
  return numAffectedRows === 1n;
}

/** Those of a calendar between two local dates, both included. @returns how many there were */
export async function retryDays(db: Db, calendar: string, from: string, to: string): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.days SET failed_generation = NULL, error = NULL
    WHERE calendar_id = ${calendar} AND date BETWEEN ${from}::date AND ${to}::date
      AND generation > published_generation AND failed_generation = generation`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/**
 * Takes the day out of what is wanted, until it changes again. What the marketplace shows of it is unknown.
 * @returns whether there was such a failure
 */
export async function dropDay(db: Db, calendar: string, date: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.days
    SET published_generation = generation, published = NULL, verified = false, pending_since = NULL,
        urgency = NULL, failed_generation = NULL, error = NULL
    WHERE calendar_id = ${calendar} AND date = ${date}::date AND failed_generation = generation`.execute(db);
  return numAffectedRows === 1n;
}

/** @returns whether there was such a failure */
export async function retryCalendar(db: Db, calendar: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('slotkeeper.calendars')
    .set({ failed_reason: null, failed_at: null, attempts: 0, retry_at: null, retry_reason: null })
    .where('id', '=', calendar)
    .where('failed_reason', 'is not', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/**
 * Takes what is pending of the calendar out of what is wanted; later changes are tried.
 * @returns whether there was such a failure
 */
export async function dropCalendar(db: Db, calendar: string): Promise<boolean> {
  return await db.transaction().execute(async (tx) => {
    if (!(await retryCalendar(tx, calendar))) return false;
    await sql`
      UPDATE slotkeeper.days
      SET published_generation = generation, published = NULL, verified = false, pending_since = NULL,
          urgency = NULL, failed_generation = NULL, error = NULL
      WHERE calendar_id = ${calendar} AND generation > published_generation`.execute(tx);
    return true;
  });
}
