/**
 * Queries of marketplace bookings that are linked to an appointment of the PMS and are out of sync with it: the appointment was
 * released, or its start differs from the one that the booking was last synced with. What has to be done is the result of a
 * query, so a crash loses nothing.
 */
import { sql } from 'kysely';
import { nextRetryAt } from '../retry-delay.js';
import type { Db } from '../schema.js';
import type { StoredBooking } from './bookings.js';

/** How a booking has to change: it is moved to the time of its appointment, or cancelled because that was released. */
export interface LinkedBookingChange {
  readonly booking: StoredBooking;
  /** The start and service of its appointment; absent where it was released. */
  readonly to?: { readonly start: Date; readonly service: string | null };
}

/** Bookings with their appointments, where the two are out of sync. */
const OUT_OF_SYNC = sql`
  FROM slotkeeper.bookings b
  LEFT JOIN slotkeeper.occupancy o ON o.calendar_id = b.calendar_id AND o.ref = b.ref
  WHERE b.status = 'booked' AND b.ref IS NOT NULL AND NOT b.placeholder
    AND b.ref_start IS NOT NULL AND o.start_at IS DISTINCT FROM b.ref_start`;

/** What the booking has to change to, as `failed_for` stores it: the start of the appointment, or `cancel`. */
const TARGET = sql`coalesce(to_char(o.start_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'cancel')`;
const NOT_REFUSED = sql`${OUT_OF_SYNC} AND b.failed_for IS DISTINCT FROM ${TARGET}`;
/** Includes refused changes whose retry is due. */
const dueForSync = (now: Date) =>
  sql`${OUT_OF_SYNC} AND (b.failed_for IS DISTINCT FROM ${TARGET} OR b.retry_at IS NULL OR b.retry_at <= ${now})`;

/** The value of `failed_for` for a refused cancellation. */
export const CANCEL_TARGET = 'cancel';

interface LinkedBookingChangeRow {
  calendar_id: string;
  id: string;
  status: 'booked';
  start_at: Date;
  end_at: Date;
  service: string | null;
  booked_by: string | null;
  ref: string;
  ref_start: Date | null;
  to_start: Date | null;
  to_service: string | null;
}

/** Finds the bookings of a calendar that have to be synced and were not refused, or whose retry is due; earliest first. */
export async function findBookingsToSync(
  db: Db,
  calendar: string,
  now: Date,
): Promise<LinkedBookingChange[]> {
  const { rows } = await sql<LinkedBookingChangeRow>`
    SELECT b.calendar_id, b.id, b.status, b.start_at, b.end_at, b.service, b.booked_by, b.ref, b.ref_start,
           o.start_at AS to_start, o.service AS to_service
    ${dueForSync(now)} AND b.calendar_id = ${calendar}
    ORDER BY b.start_at, b.id`.execute(db);
  return rows.map((row) => ({
    booking: {
      calendar: row.calendar_id,
      id: row.id,
      status: row.status,
      start: row.start_at,
      end: row.end_at,
      service: row.service,
      bookedBy: row.booked_by,
      placeholder: false,
      ref: row.ref,
      refStart: row.ref_start,
      movedTo: null,
      failed: null,
    },
    ...(row.to_start === null ? {} : { to: { start: row.to_start, service: row.to_service } }),
  }));
}

/** Finds the calendars that have a booking to sync or an in-doubt move; failed calendars are left out. */
export async function findCalendarsToSync(db: Db, now: Date, limit: number): Promise<string[]> {
  const { rows } = await sql<{ calendar_id: string }>`
    SELECT c.id AS calendar_id FROM slotkeeper.calendars c
    WHERE c.failed_reason IS NULL AND c.id IN (
      SELECT b.calendar_id ${dueForSync(now)}
      UNION SELECT m.calendar_id FROM slotkeeper.in_doubt m WHERE m.kind = 'move')
    LIMIT ${limit}`.execute(db);
  return rows.map((row) => row.calendar_id);
}

/**
 * Starts to sync the bookings of appointments that the PMS reported. The first report of an appointment starts it, also where
 * that releases an appointment that was never known to be occupied.
 * @returns the calendars in which a booking is out of sync
 */
export async function startSyncOfAppointments(
  db: Db,
  changed: readonly { readonly calendar: string; readonly ref: string }[],
): Promise<string[]> {
  if (changed.length === 0) return [];
  const { rows } = await sql<{ calendar: string }>`
    WITH k AS (SELECT * FROM jsonb_to_recordset(${JSON.stringify(changed)}::jsonb) AS k (calendar text, ref text)),
    started AS (
      UPDATE slotkeeper.bookings b SET ref_start = b.start_at
      FROM k
      WHERE b.calendar_id = k.calendar AND b.ref = k.ref
        AND b.status = 'booked' AND NOT b.placeholder AND b.ref_start IS NULL)
    SELECT DISTINCT b.calendar_id AS calendar
    FROM k
    JOIN slotkeeper.bookings b ON b.calendar_id = k.calendar AND b.ref = k.ref
    LEFT JOIN slotkeeper.occupancy o ON o.calendar_id = b.calendar_id AND o.ref = b.ref
    -- The update is not visible here: a booking without a start of its appointment counts as synced with its own start.
    WHERE b.status = 'booked' AND NOT b.placeholder AND o.start_at IS DISTINCT FROM coalesce(b.ref_start, b.start_at)`.execute(
    db,
  );
  return rows.map((row) => row.calendar);
}

/** Counts the bookings that have to be synced or have an in-doubt move, and those that the marketplace refused to change. */
export async function countBookingsToSync(
  db: Db,
): Promise<{ readonly pending: number; readonly failed: number }> {
  const { rows } = await sql<{ pending: string; failed: string }>`
    SELECT (SELECT count(*) FROM (
             SELECT b.calendar_id, b.id ${NOT_REFUSED}
             UNION SELECT m.calendar_id, m.subject FROM slotkeeper.in_doubt m WHERE m.kind = 'move') p) AS pending,
           (SELECT count(*) ${OUT_OF_SYNC} AND b.failed_for = ${TARGET}) AS failed`.execute(db);
  return { pending: Number(rows[0]?.pending ?? 0), failed: Number(rows[0]?.failed ?? 0) };
}

/** Records that a booking is in sync with its appointment, and clears its failure. */
export async function recordInSync(db: Db, booking: StoredBooking, start: Date): Promise<void> {
  await db
    .updateTable('slotkeeper.bookings')
    .set({ ref_start: start, failed_for: null, failed_reason: null, failures: 0, retry_at: null })
    .where('calendar_id', '=', booking.calendar)
    .where('id', '=', booking.id)
    .execute();
}

/**
 * Records that the marketplace refused to change a booking. The change is retried when the appointment changes, or after a
 * backoff.
 * @param random of the backoff's jitter, from 0 to 1
 */
export async function recordSyncRefused(
  db: Db,
  booking: StoredBooking,
  failed: { readonly for: string; readonly reason: string },
  now: Date,
  random: number,
): Promise<void> {
  const before = sql`CASE WHEN failed_for = ${failed.for} THEN failures ELSE 0 END`;
  await sql`
    UPDATE slotkeeper.bookings SET
      failed_for = ${failed.for}, failed_reason = ${failed.reason}, failures = ${before} + 1,
      retry_at = ${nextRetryAt(now, before, random)}
    WHERE calendar_id = ${booking.calendar} AND id = ${booking.id}`.execute(db);
}

export interface RefusedBooking {
  readonly calendar: string;
  readonly id: string;
  readonly reason: string;
}

/** Lists the bookings that the marketplace refused to move or cancel and whose appointment has not changed since. */
export async function listRefusedBookings(db: Db): Promise<RefusedBooking[]> {
  const { rows } = await sql<RefusedBooking>`
    SELECT b.calendar_id AS calendar, b.id, b.failed_reason AS reason
    ${OUT_OF_SYNC} AND b.failed_for = ${TARGET}
    ORDER BY b.calendar_id, b.id`.execute(db);
  return rows;
}

export interface BookingKey {
  readonly calendar: string;
  readonly id: string;
}

/** Clears the failures of these bookings, so that they are retried now. @returns those that had failed */
export async function retryRefusedBookings(db: Db, bookings: readonly BookingKey[]): Promise<BookingKey[]> {
  const { rows } = await sql<BookingKey>`
    UPDATE slotkeeper.bookings b SET failed_for = NULL, failed_reason = NULL, failures = 0, retry_at = NULL
    FROM jsonb_to_recordset(${JSON.stringify(bookings)}::jsonb) AS k (calendar text, id text)
    WHERE b.calendar_id = k.calendar AND b.id = k.id AND b.failed_for IS NOT NULL
    RETURNING b.calendar_id AS calendar, b.id`.execute(db);
  return rows;
}

/** Finds the bookings of these that the marketplace refused to move or cancel. */
export async function findRefusedBookings(db: Db, bookings: readonly BookingKey[]): Promise<BookingKey[]> {
  const { rows } = await sql<BookingKey>`
    SELECT b.calendar_id AS calendar, b.id FROM slotkeeper.bookings b
    JOIN jsonb_to_recordset(${JSON.stringify(bookings)}::jsonb) AS k (calendar text, id text)
      ON b.calendar_id = k.calendar AND b.id = k.id
    WHERE b.failed_for IS NOT NULL`.execute(db);
  return rows;
}
