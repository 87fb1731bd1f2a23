/** Queries that lock the rows of `slotkeeper.calendars`, so that concurrent updates of one calendar are applied one after another. */
import { sql } from 'kysely';
import { MINUTE } from '../../core/duration.js';
import type { AddressKey } from '../../docplanner/index.js';
import type { Db } from '../schema.js';

export interface LockedCalendar {
  readonly id: string;
  readonly timeZone: string;
  readonly bufferBefore: number;
  readonly bufferAfter: number;
  /** Whether the calendar's availability is being closed. Events about it no longer change anything. */
  readonly isClosing?: boolean;
  /** When an event or a snapshot of the calendar was last received, to the minute. */
  readonly lastEventAt?: Date | null;
  /** The id of the calendar whose former address this is; absent for a calendar in its own right. */
  readonly formerOf?: string | undefined;
}

/** The id by which the clinic knows the calendar. */
export const clinicIdOf = ({ id, formerOf }: LockedCalendar): string => formerOf ?? id;

/**
 * Locks calendars until the transaction ends, so that two batches of events for one calendar are applied one after the
 * other. The rows are locked in the order of their ids, which prevents deadlocks between batches.
 */
export async function lockCalendars(
  db: Db,
  ids: readonly string[],
): Promise<Map<string, LockedCalendar & { readonly address: AddressKey }>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<LockedAddressRow>`
    SELECT ${LOCKED_COLUMNS}
    FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE c.id IN (SELECT jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))
    ORDER BY c.id
    FOR NO KEY UPDATE OF c`.execute(db);
  return new Map(
    rows.map(toLockedAddress).map(({ calendar, address }) => [calendar.id, { ...calendar, address }]),
  );
}

/** Locks calendars without waiting. @returns the calendars that were locked, and the ids of those that another transaction holds */
export async function tryLockCalendars(
  db: Db,
  ids: readonly string[],
): Promise<{
  readonly calendars: ReadonlyMap<string, LockedCalendar>;
  readonly locked: ReadonlySet<string>;
}> {
  if (ids.length === 0) return { calendars: new Map(), locked: new Set() };
  const { rows } = await sql<{ known: string } & (LockedAddressRow | { id: null })>`
    WITH requested AS (SELECT jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) AS id),
    free AS MATERIALIZED (
      SELECT ${LOCKED_COLUMNS}
      FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
      WHERE c.id IN (SELECT id FROM requested)
      ORDER BY c.id
      FOR NO KEY UPDATE OF c SKIP LOCKED)
    SELECT k.id AS known, free.*
    FROM slotkeeper.calendars k LEFT JOIN free ON free.id = k.id
    WHERE k.id IN (SELECT id FROM requested)`.execute(db);
  const calendars = new Map<string, LockedCalendar>();
  const locked = new Set<string>();
  for (const { known, ...row } of rows) {
    if (row.id === null) locked.add(known);
    else calendars.set(known, toLocked(row));
  }
  return { calendars, locked };
}

/** Records when an event or a snapshot of these calendars was last received. A row is written at most once a minute. */
export async function recordLastEvent(db: Db, calendars: Iterable<LockedCalendar>, now: Date): Promise<void> {
  const before = now.getTime() - MINUTE;
  const ids = [...calendars].filter(({ lastEventAt }) => (lastEventAt?.getTime() ?? 0) < before);
  if (ids.length === 0) return;
  await sql`
    UPDATE slotkeeper.calendars SET last_event_at = ${now}
    WHERE id = ANY(${ids.map(({ id }) => id)}::text[])`.execute(db);
}

const LOCKED_COLUMNS = sql`
  c.id, c.settings, a.time_zone, c.closing_since IS NOT NULL AS closing, c.former_of, c.facility_id AS "facilityId",
  c.doctor_id AS "doctorId", c.address_id AS "addressId", c.last_event_at AS "lastEventAt"`;

/** How many advisory locks all bookings share. The server has a limited number of locks. */
const BOOKING_LOCKS = 1_000;

export interface LockedAddress {
  readonly calendar: LockedCalendar;
  readonly address: AddressKey;
}

type LockedAddressRow = LockedRow & AddressKey;

/**
 * Locks the calendars at these addresses, and first the bookings with these ids. Another transaction that
 * locks one of the bookings waits until this one ends, also where its update is about another calendar. What the other
 * transaction wrote is visible to the next statement only.
 */
export async function lockCalendarsAtAddresses(
  db: Db,
  account: string,
  addresses: readonly AddressKey[],
  bookings: readonly string[],
): Promise<LockedAddress[]> {
  // The bookings are locked in a fixed order and before any calendar, which prevents deadlocks.
  const { rows } = await sql<LockedAddressRow>`
    WITH booking_locks AS MATERIALIZED (
      SELECT pg_advisory_xact_lock(hashtext('slotkeeper.bookings'), lock_number) FROM (
        SELECT DISTINCT hashtext(id) % ${BOOKING_LOCKS}::integer AS lock_number
        FROM jsonb_array_elements_text(${JSON.stringify(bookings)}::jsonb) AS k (id) ORDER BY lock_number) t),
    affected AS MATERIALIZED (
      SELECT DISTINCT c.id
      FROM (SELECT count(*) AS acquired FROM booking_locks) t
      CROSS JOIN jsonb_to_recordset(${JSON.stringify(addresses)}::jsonb)
        AS k ("facilityId" text, "doctorId" text, "addressId" text)
      CROSS JOIN LATERAL (
        SELECT id FROM slotkeeper.calendars
        WHERE account_id = ${account} AND facility_id = k."facilityId" AND doctor_id = k."doctorId"
          AND address_id = k."addressId" OFFSET 0) c
      WHERE t.acquired >= 0)
    SELECT ${LOCKED_COLUMNS}
    FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE c.id IN (SELECT id FROM affected)
    ORDER BY c.id
    FOR NO KEY UPDATE OF c`.execute(db);
  return rows.map(toLockedAddress);
}

function toLockedAddress({ facilityId, doctorId, addressId, ...row }: LockedAddressRow): LockedAddress {
  return { calendar: toLocked(row), address: { facilityId, doctorId, addressId } };
}

interface LockedRow {
  id: string;
  time_zone: string;
  closing: boolean;
  former_of: string | null;
  lastEventAt: Date | null;
  settings: { bufferBefore?: number; bufferAfter?: number };
}

const toLocked = (row: LockedRow): LockedCalendar => ({
  id: row.id,
  timeZone: row.time_zone,
  bufferBefore: row.settings.bufferBefore ?? 0,
  bufferAfter: row.settings.bufferAfter ?? 0,
  lastEventAt: row.lastEventAt,
  ...(row.closing ? { isClosing: true } : {}),
  ...(row.former_of === null ? {} : { formerOf: row.former_of }),
});
