/** Times that were sold twice: a marketplace booking, and an appointment of the PMS that it is not linked to. */
import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../schema.js';
import type { PlaceOfCalendar } from './events.js';

export interface Conflict {
  readonly account: string;
  readonly calendar: string;
  /** The visit booking id. */
  readonly booking: string;
  readonly bookingStart: Date;
  readonly bookingEnd: Date;
  readonly ref: string;
  readonly start: Date;
  readonly end: Date;
}

/** Half-open intervals: what only touches is no conflict. An appointment of any kind counts, also a block. */
const overlap = sql`o.calendar_id = b.calendar_id
    AND o.start_at < b.end_at AND o.end_at > b.start_at AND o.ref IS DISTINCT FROM b.ref`;
const isSold = sql`b.status = 'booked' AND NOT b.placeholder`;

const columns = sql`c.account_id AS account, b.calendar_id AS calendar, b.id AS booking, b.start_at AS "bookingStart",
      b.end_at AS "bookingEnd", o.ref, o.start_at AS start, o.end_at AS "end"`;

/** The conflicts of these appointments of the PMS, as they stand now. */
export async function findConflictsOfAppointments(
  db: Db,
  appointments: readonly { readonly calendar: string; readonly ref: string }[],
): Promise<Conflict[]> {
  if (appointments.length === 0) return [];
  const { rows } = await sql<Conflict>`
    SELECT DISTINCT ${columns}
    FROM jsonb_to_recordset(${JSON.stringify(appointments)}::jsonb) AS k (calendar text, ref text)
    CROSS JOIN LATERAL (
      SELECT * FROM slotkeeper.occupancy WHERE calendar_id = k.calendar AND ref = k.ref OFFSET 0) o
    JOIN slotkeeper.bookings b ON ${overlap}
    JOIN slotkeeper.calendars c ON c.id = b.calendar_id
    WHERE ${isSold}
    ORDER BY calendar, booking, ref`.execute(db);
  return rows;
}

/** The conflicts of a booking, as they stand now. */
export async function findConflictsOfBooking(db: Db, calendar: string, booking: string): Promise<Conflict[]> {
  const { rows } = await sql<Conflict>`
    SELECT ${columns}
    FROM slotkeeper.bookings b
    JOIN slotkeeper.occupancy o ON ${overlap}
    JOIN slotkeeper.calendars c ON c.id = b.calendar_id
    WHERE b.calendar_id = ${calendar} AND b.id = ${booking} AND ${isSold}
    ORDER BY o.ref`.execute(db);
  return rows;
}

/** A time at an address of the marketplace. Half-open. */
export interface SpanAtAddress extends PlaceOfCalendar {
  readonly start: Date;
  readonly end: Date;
}

/** An appointment of the PMS. */
export interface Appointment {
  readonly calendar: string;
  readonly ref: string;
  readonly start: Date;
  readonly end: Date;
}

/**
 * The appointments that touch any of these times, or those of bookings that are known, as a statement. Each is looked up
 * by itself, whatever the planner thinks of how many there are.
 * @param bookings their ids
 */
export function findingAppointments(
  account: string,
  spans: readonly SpanAtAddress[],
  bookings: readonly string[],
): RawBuilder<Appointment> {
  return sql<Appointment>`
    WITH times AS (
      SELECT c.id AS calendar, k.start, k."end"
      FROM jsonb_to_recordset(${JSON.stringify(spans)}::jsonb)
        AS k ("facilityId" text, "doctorId" text, "addressId" text, start timestamptz, "end" timestamptz)
      CROSS JOIN LATERAL (
        SELECT id FROM slotkeeper.calendars
        WHERE account_id = ${account} AND facility_id = k."facilityId" AND doctor_id = k."doctorId"
          AND address_id = k."addressId" OFFSET 0) c
      UNION ALL
      SELECT b.calendar_id, b.start_at, b.end_at
      FROM jsonb_array_elements_text(${JSON.stringify(bookings)}::jsonb) AS k (id)
      CROSS JOIN LATERAL (SELECT * FROM slotkeeper.bookings WHERE id = k.id OFFSET 0) b)
    SELECT DISTINCT t.calendar, o.ref, o.start_at AS start, o.end_at AS "end"
    FROM times t
    CROSS JOIN LATERAL (
      SELECT ref, start_at, end_at FROM slotkeeper.occupancy
      WHERE calendar_id = t.calendar AND start_at < t."end" AND end_at > t.start OFFSET 0) o
    ORDER BY 1, 2`;
}

export interface OpenConflict extends Conflict {
  /** The same for as long as it lasts. */
  readonly id: string;
  /** When the later of the two became known as it is. */
  readonly since: Date;
  readonly timeZone: string;
}

/** Those that are not over yet, by time. */
export async function listOpenConflicts(db: Db, now: Date, limit: number): Promise<OpenConflict[]> {
  const { rows } = await sql<OpenConflict>`
    SELECT ${columns}, 'cnf_' || md5(jsonb_build_array(b.calendar_id, b.id, o.ref)::text) AS id,
      greatest(b.updated_at, o.updated_at) AS since, a.time_zone AS "timeZone"
    FROM slotkeeper.bookings b
    JOIN slotkeeper.occupancy o ON ${overlap}
    JOIN slotkeeper.calendars c ON c.id = b.calendar_id
    JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE ${isSold} AND b.end_at > ${now}
    ORDER BY b.start_at, b.calendar_id, b.id, o.ref
    LIMIT ${limit}`.execute(db);
  return rows;
}

/** How many there are that are not over yet. */
export async function countConflicts(db: Db, now: Date): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    SELECT count(*) FROM slotkeeper.bookings b JOIN slotkeeper.occupancy o ON ${overlap}
    WHERE ${isSold} AND b.end_at > ${now}`.execute(db);
  return Number(rows[0]?.count ?? 0);
}
