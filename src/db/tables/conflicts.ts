/** Finds double bookings: a marketplace booking and an overlapping appointment of the PMS that it is not linked to. */
import { sql } from 'kysely';
import type { AddressKey } from '../../docplanner/index.js';
import type { Db } from '../schema.js';

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
  /** The account's. */
  readonly timeZone: string;
}

/** Intervals are half-open: adjacent ones do not conflict. Appointments of every kind count, blocks included. */
const overlaps = sql`o.calendar_id = b.calendar_id
    AND o.start_at < b.end_at AND o.end_at > b.start_at AND o.ref IS DISTINCT FROM b.ref`;
const isBooked = sql`b.status = 'booked' AND NOT b.placeholder`;

const columns = sql`c.account_id AS account, b.calendar_id AS calendar, b.id AS booking, b.start_at AS "bookingStart",
      b.end_at AS "bookingEnd", o.ref, o.start_at AS start, o.end_at AS "end", a.time_zone AS "timeZone"`;

/** @returns the present conflicts of these appointments of the PMS */
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
    JOIN slotkeeper.bookings b ON ${overlaps}
    JOIN slotkeeper.calendars c ON c.id = b.calendar_id
    JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE ${isBooked}
    ORDER BY calendar, booking, ref`.execute(db);
  return rows;
}

/** A patient's booking in the marketplace. */
export interface NearbyBooking {
  readonly calendar: string;
  readonly ref: string | null;
  readonly start: Date;
  readonly end: Date;
}

/** Finds the bookings that are linked to these appointments, or that overlap an interval. */
export async function findBookingsNear(
  db: Db,
  keys: readonly {
    readonly calendar: string;
    readonly ref: string;
    readonly interval?: { readonly start: Date; readonly end: Date } | undefined;
  }[],
): Promise<NearbyBooking[]> {
  if (keys.length === 0) return [];
  const [calendars, refs, starts, ends] = [
    keys.map(({ calendar }) => calendar),
    keys.map(({ ref }) => ref),
    keys.map(({ interval }) => interval?.start ?? null),
    keys.map(({ interval }) => interval?.end ?? null),
  ];
  const { rows } = await sql<NearbyBooking>`
    SELECT b.calendar_id AS calendar, b.ref, b.start_at AS start, b.end_at AS "end"
    FROM unnest(${calendars}::text[], ${refs}::text[], ${starts}::timestamptz[], ${ends}::timestamptz[])
      AS k (calendar, ref, start, "end")
    CROSS JOIN LATERAL (
      SELECT * FROM slotkeeper.bookings b WHERE b.calendar_id = k.calendar AND b.ref = k.ref AND ${isBooked}
      UNION ALL
      SELECT * FROM slotkeeper.bookings b
      WHERE b.calendar_id = k.calendar AND b.start_at < k."end" AND b.end_at > k.start AND ${isBooked}
      OFFSET 0) b`.execute(db);
  return rows;
}

/** @returns the present conflicts of a booking */
export async function findConflictsOfBooking(db: Db, calendar: string, booking: string): Promise<Conflict[]> {
  const { rows } = await sql<Conflict>`
    SELECT ${columns}
    FROM slotkeeper.bookings b
    JOIN slotkeeper.occupancy o ON ${overlaps}
    JOIN slotkeeper.calendars c ON c.id = b.calendar_id
    JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE b.calendar_id = ${calendar} AND b.id = ${booking} AND ${isBooked}
    ORDER BY o.ref`.execute(db);
  return rows;
}

/** A half-open time interval at an address of the marketplace. */
export interface SpanAtAddress extends AddressKey {
  readonly start: Date;
  readonly end: Date;
}

/** An appointment of the PMS. */
export interface Appointment {
  readonly calendar: string;
  readonly ref: string;
  readonly start: Date;
  readonly end: Date;
  /** The account's. */
  readonly timeZone: string;
}

/**
 * Finds the appointments that overlap these intervals or the stored bookings. The query looks up each row by index: `OFFSET 0`
 * keeps the planner, which does not know how few there are, from reading whole tables.
 * @param bookings ids of stored bookings
 */
export async function findAppointments(
  db: Db,
  account: string,
  spans: readonly SpanAtAddress[],
  bookings: readonly string[],
): Promise<Appointment[]> {
  const { rows } = await sql<Appointment>`
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
    SELECT DISTINCT t.calendar, o.ref, o.start_at AS start, o.end_at AS "end",
      (SELECT time_zone FROM slotkeeper.accounts WHERE id = ${account}) AS "timeZone"
    FROM times t
    CROSS JOIN LATERAL (
      SELECT ref, start_at, end_at FROM slotkeeper.occupancy
      WHERE calendar_id = t.calendar AND start_at < t."end" AND end_at > t.start OFFSET 0) o
    ORDER BY 1, 2`.execute(db);
  return rows;
}

export interface OpenConflict extends Conflict {
  /** Stable as long as the conflict exists. */
  readonly id: string;
  /** When the later of the two was last changed. */
  readonly since: Date;
}

/** Lists the conflicts of bookings that have not ended, in order of time. */
export async function listOpenConflicts(db: Db, now: Date, limit: number): Promise<OpenConflict[]> {
  const { rows } = await sql<OpenConflict>`
    SELECT ${columns}, 'cnf_' || md5(jsonb_build_array(b.calendar_id, b.id, o.ref)::text) AS id,
      greatest(b.updated_at, o.updated_at) AS since
    FROM slotkeeper.bookings b
    JOIN slotkeeper.occupancy o ON ${overlaps}
    JOIN slotkeeper.calendars c ON c.id = b.calendar_id
    JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE ${isBooked} AND b.end_at > ${now}
    ORDER BY b.start_at, b.calendar_id, b.id, o.ref
    LIMIT ${limit}`.execute(db);
  return rows;
}

/** Counts the conflicts of bookings that have not ended. */
export async function countConflicts(db: Db, now: Date): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    SELECT count(*) FROM slotkeeper.bookings b JOIN slotkeeper.occupancy o ON ${overlaps}
    WHERE ${isBooked} AND b.end_at > ${now}`.execute(db);
  return Number(rows[0]?.count ?? 0);
}
