/** Queries of what failed and is retried after a backoff: days that the marketplace did not accept, and calendars that it refuses. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import { NO_FAILURES } from './calendar-retries.js';
import type { DayError } from './days.js';

export interface FailedDay {
  readonly calendar: string;
  readonly date: string;
  readonly error: DayError;
  /** When the retry is due. */
  readonly retryAt: Date | null;
}

export interface FailedCalendar {
  readonly calendar: string;
  readonly reason: string;
  /** Since when the calendar has failed. */
  readonly at: Date;
  /** When the retry is due. */
  readonly retryAt: Date | null;
}

export async function listFailedDays(db: Db): Promise<FailedDay[]> {
  const { rows } = await sql<FailedDay>`
    SELECT calendar_id AS calendar, date, error, retry_at AS "retryAt" FROM slotkeeper.days
    WHERE generation > published_generation AND failed_generation = generation
    ORDER BY calendar_id, date`.execute(db);
  return rows;
}

export async function listFailedCalendars(db: Db): Promise<FailedCalendar[]> {
  const rows = await db
    .selectFrom('slotkeeper.calendars')
    .select(['id', 'failed_reason', 'failed_at', 'retry_at'])
    .where('failed_reason', 'is not', null)
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    calendar: row.id,
    reason: row.failed_reason ?? '',
    at: row.failed_at ?? new Date(0),
    retryAt: row.retry_at,
  }));
}

/** Finds failed calendars whose retry is due. */
export async function findDueFailedCalendars(db: Db, now: Date, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM slotkeeper.calendars
    WHERE failed_reason IS NOT NULL AND (retry_at IS NULL OR retry_at <= ${now})
    ORDER BY retry_at NULLS FIRST LIMIT ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}

/**
 * Makes the retries of these calendars due now: of the calendars themselves, of their failed days and of their failed
 * linked bookings.
 * @returns the calendars of which anything had failed
 */
export async function retryFailures(db: Db, calendars: readonly string[], now: Date): Promise<string[]> {
  if (calendars.length === 0) return [];
  const { rows } = await sql<{ calendar: string }>`
    WITH of_calendars AS (
      UPDATE slotkeeper.calendars SET retry_at = ${now}, closing_refused_at = NULL
      WHERE id = ANY(${[...calendars]}::text[]) AND failed_reason IS NOT NULL
      RETURNING id
    ), of_days AS (
      UPDATE slotkeeper.days SET retry_at = ${now}
      WHERE calendar_id = ANY(${[...calendars]}::text[]) AND failed_generation = generation
        AND generation > published_generation
      RETURNING calendar_id
    ), of_bookings AS (
      UPDATE slotkeeper.bookings SET retry_at = ${now}
      WHERE calendar_id = ANY(${[...calendars]}::text[]) AND status = 'booked' AND failed_for IS NOT NULL
      RETURNING calendar_id
    )
    SELECT id AS calendar FROM of_calendars
    UNION SELECT calendar_id FROM of_days
    UNION SELECT calendar_id FROM of_bookings`.execute(db);
  return rows.map(({ calendar }) => calendar);
}

export interface DayKey {
  readonly calendar: string;
  /** Local date. */
  readonly date: string;
}

/** Clears the failures of these days, so that they are retried now. @returns those that had failed */
export async function retryFailedDays(db: Db, days: readonly DayKey[]): Promise<DayKey[]> {
  const { rows } = await sql<DayKey>`
    UPDATE slotkeeper.days d SET failed_generation = NULL, error = NULL, failures = 0, retry_at = NULL
    FROM jsonb_to_recordset(${JSON.stringify(days)}::jsonb) AS k (calendar text, date date)
    WHERE d.calendar_id = k.calendar AND d.date = k.date AND d.failed_generation = d.generation
    RETURNING d.calendar_id AS calendar, d.date`.execute(db);
  return rows;
}

/** Clears the failures of a calendar's days between two local dates, both included. @returns how many had failed */
export async function retryFailedDaysBetween(
  db: Db,
  calendar: string,
  from: string,
  to: string,
): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.days SET failed_generation = NULL, error = NULL, failures = 0, retry_at = NULL
    WHERE calendar_id = ${calendar} AND date BETWEEN ${from}::date AND ${to}::date
      AND generation > published_generation AND failed_generation = generation`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** Sets a day as not pending until it changes again. What the marketplace shows of it is unknown. */
const DROPPED = sql`
  published_generation = generation, published = NULL, verified = false, pending_since = NULL,
  priority = NULL, failed_generation = NULL, error = NULL, failures = 0, retry_at = NULL`;

/**
 * Drops failed days: they are published only when they change again.
 * @returns those that had failed
 */
export async function dropFailedDays(db: Db, days: readonly DayKey[]): Promise<DayKey[]> {
  const { rows } = await sql<DayKey>`
    UPDATE slotkeeper.days d SET ${DROPPED}
    FROM jsonb_to_recordset(${JSON.stringify(days)}::jsonb) AS k (calendar text, date date)
    WHERE d.calendar_id = k.calendar AND d.date = k.date AND d.failed_generation = d.generation
    RETURNING d.calendar_id AS calendar, d.date`.execute(db);
  return rows;
}

/** Clears the failures of these calendars, so that they are retried now. @returns those that had failed */
export async function retryFailedCalendars(db: Db, calendars: readonly string[]): Promise<string[]> {
  const rows = await db
    .updateTable('slotkeeper.calendars')
    .set(NO_FAILURES)
    .where('id', '=', sql<string>`ANY(${[...calendars]}::text[])`)
    .where('failed_reason', 'is not', null)
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Drops the pending days of failed calendars. Later changes are published.
 * @returns the calendars that had failed
 */
export async function dropFailedCalendars(db: Db, calendars: readonly string[]): Promise<string[]> {
  return await db.transaction().execute(async (tx) => {
    const failed = await retryFailedCalendars(tx, calendars);
    await sql`
      UPDATE slotkeeper.days SET ${DROPPED}
      WHERE calendar_id = ANY(${failed}::text[]) AND generation > published_generation`.execute(tx);
    return failed;
  });
}

/** Lists the calendars that failed or that have failed days. */
export async function listFailingCalendars(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM slotkeeper.calendars WHERE failed_reason IS NOT NULL
    UNION SELECT calendar_id FROM slotkeeper.days
    WHERE generation > published_generation AND failed_generation = generation
    ORDER BY id`.execute(db);
  return rows.map(({ id }) => id);
}
