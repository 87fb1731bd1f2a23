/** The marketplace's visit bookings of a calendar, as far as the record knows them, placeholders of ours among them. */
import { type RawBuilder, sql } from 'kysely';
import type { StatementPart } from '../combined-write.js';
import type { Db } from '../schema.js';

export type BookingStatus = 'booked' | 'canceled' | 'moved';

export interface StoredBooking {
  readonly calendar: string;
  /** The marketplace's visit booking id. */
  readonly id: string;
  /** Once it is not `booked` any more it never is again: a booking that moves gets another id. */
  readonly status: BookingStatus;
  readonly start: Date;
  readonly end: Date;
  /** The address service. */
  readonly service: string | null;
  readonly bookedBy: string | null;
  /** Ours, in place of the appointment `ref`. */
  readonly placeholder: boolean;
  /** The PMS's appointment that it is linked to, or that it stands for. */
  readonly ref: string | null;
  /** Where that appointment was when the booking last agreed with it; null until it was seen occupied. */
  readonly refStart: Date | null;
  /** The booking that this one became by a move, where that is known. */
  readonly movedTo: string | null;
  /** What the marketplace refused, and why: an instant to move to (ISO 8601, UTC), or `cancel`. */
  readonly failed: { readonly for: string; readonly reason: string } | null;
}

export interface BookingRow {
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

export const toBooking = (row: BookingRow): StoredBooking => ({
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

/** Those of the bookings that the record knows, whatever became of them. */
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

/** Those of a calendar that became one of these by a move. */
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
 * The bookings with these ids of all calendars of an account, and those that became one of them by a move. Each is looked up by its id, and then its calendar by its own: the planner, that
 * does not know how few they are, is kept from going through all that there are.
 */
export async function findBookingsOfAccount(
  db: Db,
  account: string,
  ids: readonly string[],
): Promise<StoredBooking[]> {
  if (ids.length === 0) return [];
  return (await findingBookings(account, ids).execute(db)).rows.map(toBooking);
}

/** The same as a statement. */
export function findingBookings(account: string, ids: readonly string[]): RawBuilder<BookingRow> {
  return sql<BookingRow>`
    SELECT ${COLUMNS_OF_B}
    FROM jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) AS k (id)
    CROSS JOIN LATERAL (
      SELECT * FROM slotkeeper.bookings WHERE id = k.id
      UNION ALL SELECT * FROM slotkeeper.bookings WHERE moved_to = k.id
      OFFSET 0) b
    WHERE (SELECT c.account_id FROM slotkeeper.calendars c WHERE c.id = b.calendar_id) = ${account}`;
}

/** The ids of those that have been as the record knows them since then, or longer. */
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
 * The bookings that stand and touch the time between two instants, earliest first.
 * @param knownBefore only what was written down before then
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

/** The placeholders that stand, by their ids. */
export async function findPlaceholdersBetween(
  db: Db,
  calendar: string,
  from: Date,
  to: Date,
): Promise<Map<string, StoredBooking>> {
  const bookings = await findBookingsBetween(db, calendar, from, to);
  return new Map(bookings.filter(({ placeholder }) => placeholder).map((one) => [one.id, one]));
}

/** Until it has an id, a placeholder that is about to be booked has one of these. */
const ANNOUNCED = 'sent ';
const announcedId = ({ start, ref }: InDoubtPlaceholder): string =>
  `${ANNOUNCED}${start.toISOString()} ${ref}`;

export const isInDoubtId = (id: string): boolean => id.startsWith(ANNOUNCED);

export interface InDoubtPlaceholder {
  readonly start: Date;
  readonly end: Date;
  readonly ref: string;
}

/**
 * Written down before a placeholder is booked: after a lost answer it is known that one may be there, also where
 * another strategy would not look for any.
 */
export async function recordInDoubtPlaceholder(
  db: Db,
  calendar: string,
  one: InDoubtPlaceholder,
  now: Date,
): Promise<void> {
  const said = { service: null, bookedBy: null, refStart: null, movedTo: null, failed: null } as const;
  const booking = {
    calendar,
    id: announcedId(one),
    status: 'booked',
    placeholder: true,
    ...one,
    ...said,
  } as const;
  await saveBookings(db, [booking], now);
}

/** It has an id now, or was refused. */
export async function deleteInDoubtPlaceholder(
  db: Db,
  calendar: string,
  one: InDoubtPlaceholder,
): Promise<void> {
  await db
    .deleteFrom('slotkeeper.bookings')
    .where('calendar_id', '=', calendar)
    .where('id', '=', announcedId(one))
    .execute();
}

/** Writes them as they now are. */
export async function saveBookings(db: Db, bookings: readonly StoredBooking[], now: Date): Promise<void> {
  await savingBookings(bookings, now)?.execute(db);
}

/** The same as a part of a statement; absent where there is nothing to write. */
export function savingBookings(bookings: readonly StoredBooking[], now: Date): StatementPart | undefined {
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

/** Whether the record knows placeholders of the calendar that are not over yet. */
export async function hasPlaceholders(db: Db, calendar: string, now: Date): Promise<boolean> {
  const row = await db
    .selectFrom('slotkeeper.bookings')
    .select('id')
    .where('calendar_id', '=', calendar)
    .where('status', '=', 'booked')
    .where('placeholder', '=', true)
    .where('end_at', '>', now)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** @returns how many of those that are long over were forgotten */
export async function deleteExpiredBookings(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.bookings')
    .where('end_at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
