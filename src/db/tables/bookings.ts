/** Queries of the marketplace's visit bookings, including the placeholders that the engine made. */
import { sql } from 'kysely';
import type { StatementPart } from '../combined-write.js';
import type { Db } from '../schema.js';

export type BookingStatus = 'booked' | 'canceled' | 'moved';

export interface StoredBooking {
  readonly calendar: string;
  /** The marketplace's visit booking id. */
  readonly id: string;
  /** A canceled or moved booking never becomes `booked` again: a booking that moves gets a new id. */
  readonly status: BookingStatus;
  readonly start: Date;
  readonly end: Date;
  /** The address service id. */
  readonly service: string | null;
  readonly bookedBy: string | null;
  /** Whether the engine made it to block the time of the appointment `ref`. */
  readonly placeholder: boolean;
  /** The PMS's appointment that the booking is linked to, or that the placeholder blocks. */
  readonly ref: string | null;
  /** The appointment's start when both last had the same time; null until the appointment was occupied. */
  readonly refStart: Date | null;
  /** The new id after a move, where it is known. */
  readonly movedTo: string | null;
  /** The change that the marketplace refused, and why: the instant to move to (ISO 8601, UTC), or `cancel`. */
  readonly failed: { readonly for: string; readonly reason: string } | null;
}

interface BookingRow {
  calendar_id: string;
  id: string;
  status: BookingStatus;
  start_at: Date;
  end_at: Date;
  service: string | null;
  booked_by: string | null;
  placeholder: boolean;
  ref: string | null;
  ref_start: Date | null;
  moved_to: string | null;
  failed_for: string | null;
  failed_reason: string | null;
}

const toBooking = (row: BookingRow): StoredBooking => ({
  calendar: row.calendar_id,
  id: row.id,
  status: row.status,
  start: row.start_at,
  end: row.end_at,
  service: row.service,
  bookedBy: row.booked_by,
  placeholder: row.placeholder,
  ref: row.ref,
  refStart: row.ref_start,
  movedTo: row.moved_to,
  failed: row.failed_for === null ? null : { for: row.failed_for, reason: row.failed_reason ?? '' },
});

const COLUMNS = [
  'calendar_id',
  'id',
  'status',
  'start_at',
  'end_at',
  'service',
  'booked_by',
  'placeholder',
  'ref',
  'ref_start',
  'moved_to',
  'failed_for',
  'failed_reason',
] as const;
const COLUMNS_OF_B = sql.raw(COLUMNS.map((column) => `b.${column}`).join());

/** @returns the stored bookings with these ids, of any status, by id */
export async function findBookings(
  db: Db,
  calendar: string,
  ids: readonly string[],
): Promise<Map<string, StoredBooking>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('slotkeeper.bookings')
    .select(COLUMNS)
    .where('calendar_id', '=', calendar)
    .where('id', 'in', [...ids])
    .execute();
  return new Map(rows.map((row) => [row.id, toBooking(row)]));
}

/** @returns the calendar's bookings that a move turned into one of these */
export async function findBookingsMovedTo(
  db: Db,
  calendar: string,
  ids: readonly string[],
): Promise<StoredBooking[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('slotkeeper.bookings')
    .select(COLUMNS)
    .where('calendar_id', '=', calendar)
    .where('moved_to', 'in', [...ids])
    .execute();
  return rows.map(toBooking);
}

/**
 * Finds the bookings with these ids in all calendars of an account, and those that a move turned into one of them. The query
 * looks up each booking by id, and then its calendar by primary key: `OFFSET 0` keeps the planner, which does not know how few
 * ids there are, from reading the whole table.
 */
export async function findBookingsOfAccount(
  db: Db,
  account: string,
  ids: readonly string[],
): Promise<StoredBooking[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<BookingRow>`
    SELECT ${COLUMNS_OF_B}
    FROM jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) AS k (id)
    CROSS JOIN LATERAL (
      SELECT * FROM slotkeeper.bookings WHERE id = k.id
      UNION ALL SELECT * FROM slotkeeper.bookings WHERE moved_to = k.id
      OFFSET 0) b
    WHERE (SELECT c.account_id FROM slotkeeper.calendars c WHERE c.id = b.calendar_id) = ${account}`.execute(
    db,
  );
  return rows.map(toBooking);
}

/** @returns the ids of the bookings whose rows did not change after `since` */
export async function findBookingsUnchangedSince(
  db: Db,
  calendar: string,
  ids: readonly string[],
  since: Date,
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .selectFrom('slotkeeper.bookings')
    .select('id')
    .where('calendar_id', '=', calendar)
    .where('id', 'in', [...ids])
    .where('updated_at', '<=', since)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/**
 * Finds the booked bookings that overlap the time between two instants, earliest first.
 * @param knownBefore only rows that were written before this instant
 */
export async function findBookingsBetween(
  db: Db,
  calendar: string,
  from: Date,
  to: Date,
  knownBefore?: Date,
): Promise<StoredBooking[]> {
  const rows = await db
    .selectFrom('slotkeeper.bookings')
    .select(COLUMNS)
    .where('calendar_id', '=', calendar)
    .where('status', '=', 'booked')
    .where('end_at', '>', from)
    .where('start_at', '<', to)
    .$if(knownBefore !== undefined, (query) => query.where('updated_at', '<', knownBefore ?? to))
    .orderBy('start_at')
    .orderBy('id')
    .execute();
  return rows.map(toBooking);
}

/** @returns the booked placeholders that overlap the time, by id */
export async function findPlaceholdersBetween(
  db: Db,
  calendar: string,
  from: Date,
  to: Date,
): Promise<Map<string, StoredBooking>> {
  const bookings = await findBookingsBetween(db, calendar, from, to);
  return new Map(bookings.filter(({ placeholder }) => placeholder).map((one) => [one.id, one]));
}

/** @returns the statement that inserts or replaces the bookings; undefined where there are none */
export function upsertBookings(bookings: readonly StoredBooking[], now: Date): StatementPart | undefined {
  if (bookings.length === 0) return undefined;
  return sql`
    INSERT INTO slotkeeper.bookings
      (calendar_id, id, status, start_at, end_at, service, booked_by, placeholder, ref, ref_start,
       moved_to, failed_for, failed_reason, updated_at)
    SELECT k.calendar, k.id, k.status, k.start, k."end", k.service, k."bookedBy", k.placeholder, k.ref, k."refStart",
           k."movedTo", k.failed->>'for', k.failed->>'reason', ${now}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(bookings)}::jsonb)
      AS k (calendar text, id text, status text, start timestamptz, "end" timestamptz, service text,
            "bookedBy" text, placeholder boolean, ref text, "refStart" timestamptz, "movedTo" text, failed jsonb)
    ON CONFLICT (calendar_id, id) DO UPDATE SET
      status = excluded.status, start_at = excluded.start_at, end_at = excluded.end_at,
      service = excluded.service, booked_by = excluded.booked_by, placeholder = excluded.placeholder,
      ref = excluded.ref, ref_start = excluded.ref_start, moved_to = excluded.moved_to, failed_for = excluded.failed_for,
      failed_reason = excluded.failed_reason, updated_at = excluded.updated_at`;
}

/** Whether the calendar has placeholders, or may have some, that end after `now`. */
export async function hasPlaceholders(db: Db, calendar: string, now: Date): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    SELECT EXISTS (SELECT FROM slotkeeper.bookings
                   WHERE calendar_id = ${calendar} AND status = 'booked' AND placeholder AND end_at > ${now})
        OR EXISTS (SELECT FROM slotkeeper.in_doubt
                   WHERE calendar_id = ${calendar} AND kind = 'placeholder' AND end_at > ${now}) AS has`.execute(
    db,
  );
  return rows[0]?.has === true;
}

/** @returns how many bookings that ended before the instant were deleted */
export async function deleteExpiredBookings(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.bookings')
    .where('end_at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** The ids of the bookings that cover an instant, also of those that have ended. */
export async function findBookingIdsAt(db: Db, calendar: string, at: Date): Promise<string[]> {
  const rows = await db
    .selectFrom('slotkeeper.bookings')
    .select('id')
    .where('calendar_id', '=', calendar)
    .where('start_at', '<=', at)
    .where('end_at', '>', at)
    .execute();
  return rows.map(({ id }) => id);
}
