/**
 * Marketplace bookings that are linked to an appointment of the PMS and have to follow it: it was released, or it is
 * somewhere else than when the two last agreed. What is to be done is a query, so a crash in between loses nothing.
 */
import { sql } from 'kysely';
import { nextRetryAt } from '../retry-delay.js';
import type { Db } from '../schema.js';
import type { StoredBooking } from './bookings.js';

/** What the booking has to do: be moved to where its appointment is, or be cancelled because that is gone. */
export interface LinkedBookingChange {
  readonly booking: StoredBooking;
  /** Where its appointment is; absent where it was released. */
  readonly to?: { readonly start: Date; readonly service: string | null };
}

/** Bookings with their appointments; the condition says which of them differ. */
const joined = sql`
  FROM slotkeeper.bookings b
  LEFT JOIN slotkeeper.occupancy o ON o.calendar_id = b.calendar_id AND o.ref = b.ref
  WHERE b.status = 'booked' AND b.ref IS NOT NULL AND NOT b.placeholder
    AND b.ref_start IS NOT NULL AND o.start_at IS DISTINCT FROM b.ref_start`;

/** How the target is written in `failed_for`. */
const target = sql`coalesce(to_char(o.start_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'cancel')`;
const wanted = sql`${joined} AND b.failed_for IS DISTINCT FROM ${target}`;
/** What was refused is wanted again after its pause. */
const due = (now: Date) =>
  sql`${joined} AND (b.failed_for IS DISTINCT FROM ${target} OR b.retry_at IS NULL OR b.retry_at <= ${now})`;

export const CANCEL = 'cancel';

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

/** Those of a calendar that were not refused, or are due again, earliest first. */
export async function findBookingsToSync(
  db: Db,
  calendar: string,
  now: Date,
): Promise<LinkedBookingChange[]> {
  const { rows } = await sql<LinkedBookingChangeRow>`
    SELECT b.calendar_id, b.id, b.status, b.start_at, b.end_at, b.service, b.booked_by, b.ref, b.ref_start,
           o.start_at AS to_start, o.service AS to_service
    ${due(now)} AND b.calendar_id = ${calendar}
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

/** The calendars in which a booking has to follow, or a move was not answered; failed ones left out. */
export async function findCalendarsToSync(db: Db, now: Date, limit: number): Promise<string[]> {
  const { rows } = await sql<{ calendar_id: string }>`
    SELECT c.id AS calendar_id FROM slotkeeper.calendars c
    WHERE c.failed_reason IS NULL AND c.id IN (
      SELECT b.calendar_id ${due(now)}
      UNION SELECT m.calendar_id FROM slotkeeper.in_doubt_moves m)
    LIMIT ${limit}`.execute(db);
  return rows.map((row) => row.calendar_id);
}

/**
 * After the PMS spoke of these appointments: from the first time that it does, their bookings follow them, also where that
 * is to say that one is released, and it was never known to be occupied.
 * @returns the calendars in which a booking has to
 */
export async function beginSyncOfAppointments(
  db: Db,
  changed: readonly { readonly calendar: string; readonly ref: string }[],
): Promise<string[]> {
  if (changed.length === 0) return [];
  const { rows } = await sql<{ calendar: string }>`
    WITH k AS (SELECT * FROM jsonb_to_recordset(${JSON.stringify(changed)}::jsonb) AS k (calendar text, ref text)),
    begun AS (
      UPDATE slotkeeper.bookings b SET ref_start = b.start_at
      FROM k
      WHERE b.calendar_id = k.calendar AND b.ref = k.ref
        AND b.status = 'booked' AND NOT b.placeholder AND b.ref_start IS NULL)
    SELECT DISTINCT b.calendar_id AS calendar
    FROM k
    JOIN slotkeeper.bookings b ON b.calendar_id = k.calendar AND b.ref = k.ref
    LEFT JOIN slotkeeper.occupancy o ON o.calendar_id = b.calendar_id AND o.ref = b.ref
    -- The update is not seen here: a booking without a start of its appointment follows from where it is.
    WHERE b.status = 'booked' AND NOT b.placeholder AND o.start_at IS DISTINCT FROM coalesce(b.ref_start, b.start_at)`.execute(
    db,
  );
  return rows.map((row) => row.calendar);
}

/** How many have to follow, or may have moved, nobody knows; and how many were refused. */
export async function countBookingsToSync(
  db: Db,
): Promise<{ readonly pending: number; readonly failed: number }> {
  const { rows } = await sql<{ pending: string; failed: string }>`
    SELECT (SELECT count(*) FROM (
             SELECT b.calendar_id, b.id ${wanted}
             UNION SELECT m.calendar_id, m.booking_id FROM slotkeeper.in_doubt_moves m) p) AS pending,
           (SELECT count(*) ${joined} AND b.failed_for = ${target}) AS failed`.execute(db);
  return { pending: Number(rows[0]?.pending ?? 0), failed: Number(rows[0]?.failed ?? 0) };
}

/** That a booking belongs to an appointment of the PMS, or to none. */
export interface Link {
  readonly calendar: string;
  readonly booking: string;
  readonly ref: string | null;
}

/** A booking as all links of a batch leave it. */
interface Linked extends Link {
  /** Whether a later link gives its appointment to another booking. */
  readonly isGivenOn: boolean;
}

/** A time that something else hides since, or has to. */
export interface Relinked {
  readonly calendar: string;
  readonly start: Date;
  readonly end: Date;
  /** The appointment whose time it is; null where it is that of the booking. */
  readonly ref: string | null;
}

/**
 * Ties bookings to appointments of the PMS, or unties them. From where its appointment is now a booking follows it;
 * linking alone moves nothing, and cancels nothing. An appointment has one booking at most: one that was linked to it before
 * is so no longer.
 * @param links in their order: of a booking, and of an appointment, the last one counts
 * @returns the times of the bookings and appointments of which that is news
 */
export async function linkBookings(db: Db, links: readonly Link[]): Promise<readonly Relinked[]> {
  if (links.length === 0) return [];
  const { rows } = await sql<Relinked>`
    WITH links AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(lastOfEach(links))}::jsonb)
        AS k (calendar text, booking text, ref text, "isGivenOn" boolean)
    ), named AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(links)}::jsonb) AS k (calendar text, ref text)
    ), untied AS (
      UPDATE slotkeeper.bookings b SET ref = NULL, ref_start = NULL
      WHERE b.status = 'booked' AND NOT b.placeholder
        AND EXISTS (SELECT FROM named n WHERE n.calendar = b.calendar_id AND n.ref = b.ref)
        AND NOT EXISTS (SELECT FROM links k WHERE k.calendar = b.calendar_id AND k.booking = b.id)
      RETURNING b.calendar_id, b.start_at, b.end_at
    ), tied AS (
      UPDATE slotkeeper.bookings b SET
        ref = l.ref, failed_for = NULL, failed_reason = NULL, failures = 0, retry_at = NULL,
        ref_start = CASE WHEN b.ref IS NOT DISTINCT FROM l.ref THEN b.ref_start ELSE (
          SELECT o.start_at FROM slotkeeper.occupancy o WHERE o.calendar_id = l.calendar AND o.ref = l.ref
        ) END
      FROM (
        SELECT k.calendar, k.booking, known.ref AS before,
          CASE WHEN k."isGivenOn" AND known.status = 'booked' THEN NULL ELSE k.ref END AS ref
        FROM links k JOIN slotkeeper.bookings known ON known.calendar_id = k.calendar AND known.id = k.booking
      ) l
      WHERE b.calendar_id = l.calendar AND b.id = l.booking AND NOT b.placeholder
      RETURNING b.calendar_id, b.start_at, b.end_at, l.before, l.ref
    ), changed AS (SELECT * FROM tied WHERE before IS DISTINCT FROM ref)
    SELECT calendar_id AS calendar, start_at AS start, end_at AS "end", NULL AS ref FROM untied
    UNION SELECT calendar_id, start_at, end_at, NULL FROM changed
    UNION SELECT o.calendar_id, o.start_at, o.end_at, o.ref
    FROM changed c JOIN slotkeeper.occupancy o ON o.calendar_id = c.calendar_id AND o.ref IN (c.before, c.ref)
    WHERE o.start_at IS NOT NULL`.execute(db);
  return rows;
}

function lastOfEach(links: readonly Link[]): Linked[] {
  const [bookings, given] = [new Map<string, Linked>(), new Map<string, string>()];
  for (const link of links.toReversed()) {
    const { calendar, booking, ref } = link;
    const key = JSON.stringify([calendar, booking]);
    const appointment = JSON.stringify([calendar, ref]);
    const last = given.get(appointment) ?? booking;
    given.set(appointment, last);
    if (!bookings.has(key)) bookings.set(key, { ...link, isGivenOn: ref !== null && last !== booking });
  }
  return [...bookings.values()];
}

/** They are at the same time again, whoever saw to it. */
export async function agreeWithAppointment(db: Db, booking: StoredBooking, start: Date): Promise<void> {
  await db
    .updateTable('slotkeeper.bookings')
    .set({ ref_start: start, failed_for: null, failed_reason: null, failures: 0, retry_at: null })
    .where('calendar_id', '=', booking.calendar)
    .where('id', '=', booking.id)
    .execute();
}

/**
 * The marketplace would not do it; it is tried again when the appointment changes, or after a pause that grows.
 * @param random from 0 to 1
 */
export async function bookingRefused(
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

/** Those that the marketplace refused to move or cancel, as long as their appointment has not changed since. */
export async function refusedBookings(db: Db): Promise<RefusedBooking[]> {
  const { rows } = await sql<RefusedBooking>`
    SELECT b.calendar_id AS calendar, b.id, b.failed_reason AS reason
    ${joined} AND b.failed_for = ${target}
    ORDER BY b.calendar_id, b.id`.execute(db);
  return rows;
}

export interface BookingKey {
  readonly calendar: string;
  readonly id: string;
}

/** @returns those of which there was such a failure */
export async function retryBookings(db: Db, bookings: readonly BookingKey[]): Promise<BookingKey[]> {
  const { rows } = await sql<BookingKey>`
    UPDATE slotkeeper.bookings b SET failed_for = NULL, failed_reason = NULL, failures = 0, retry_at = NULL
    FROM jsonb_to_recordset(${JSON.stringify(bookings)}::jsonb) AS k (calendar text, id text)
    WHERE b.calendar_id = k.calendar AND b.id = k.id AND b.failed_for IS NOT NULL
    RETURNING b.calendar_id AS calendar, b.id`.execute(db);
  return rows;
}

/** Those of these that the marketplace refused to have follow their appointments. */
export async function refusedAmong(db: Db, bookings: readonly BookingKey[]): Promise<BookingKey[]> {
  const { rows } = await sql<BookingKey>`
    SELECT b.calendar_id AS calendar, b.id FROM slotkeeper.bookings b
    JOIN jsonb_to_recordset(${JSON.stringify(bookings)}::jsonb) AS k (calendar text, id text)
      ON b.calendar_id = k.calendar AND b.id = k.id
    WHERE b.failed_for IS NOT NULL`.execute(db);
  return rows;
}
