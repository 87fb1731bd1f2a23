/** The ids of the events that were taken in, so that one sent again changes nothing. */
import { type RawBuilder, sql } from 'kysely';
import { MINUTE } from '../../core/duration.js';
import type { Db } from '../schema.js';

export interface RecordedEvents {
  /** The ids that are new. */
  readonly unseen: Set<string>;
  /** What was said under the others, as hashes; null where that is not known. */
  readonly contents: ReadonlyMap<string, string | null>;
}

/**
 * Remembers events, and says which of them are new.
 * @param events each id once, with a hash of what it says
 */
export async function recordEvents(
  db: Db,
  events: readonly { readonly id: string; readonly content: string }[],
  now: Date,
): Promise<RecordedEvents> {
  if (events.length === 0) return { unseen: new Set(), contents: new Map() };
  const given = events.map(({ id, content }) => ({ id, content }));
  const { rows } = await sql<{ id: string }>`
    INSERT INTO slotkeeper.events (id, content, received_at)
    SELECT id, content, ${now}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(given)}::jsonb) AS k (id text, content text)
    ON CONFLICT (id) DO NOTHING
    RETURNING id`.execute(db);
  const unseen = new Set(rows.map(({ id }) => id));
  const seen = events.flatMap(({ id }) => (unseen.has(id) ? [] : [id]));
  return { unseen, contents: await contentsOf(db, seen) };
}

async function contentsOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ id: string; content: string | null }>`
    SELECT id, content FROM slotkeeper.events WHERE id = ANY(${ids}::text[])`.execute(db);
  return new Map(rows.map(({ id, content }) => [id, content]));
}

/** @returns how many were forgotten */
export async function deleteExpiredEvents(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.events')
    .where('received_at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}

export interface LockedCalendar {
  readonly id: string;
  readonly timeZone: string;
  readonly bufferBefore: number;
  readonly bufferAfter: number;
  /** Whether what it has on sale is being closed: the clinic's word of it counts no more. */
  readonly isClosing?: boolean;
  /** When an event or a snapshot of it last came, to the minute. */
  readonly lastEventAt?: Date | null;
  /** Where it is only a former address of this calendar. */
  readonly formerOf?: string | undefined;
}

/** The calendar by which the clinic knows it. */
export const nameOf = ({ id, formerOf }: LockedCalendar): string => formerOf ?? id;

/**
 * The calendars that events are about, locked until the transaction ends, so that two batches about one
 * calendar come one after the other. Locked in the order of their ids: two batches cannot wait for each other.
 */
export async function lockCalendars(
  db: Db,
  ids: readonly string[],
): Promise<Map<string, LockedCalendar & { readonly place: PlaceOfCalendar }>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<LockedPlaceRow>`
    SELECT ${LOCKED_COLUMNS}
    FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE c.id IN (SELECT jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))
    ORDER BY c.id
    FOR NO KEY UPDATE OF c`.execute(db);
  return new Map(rows.map(toLockedPlace).map(({ calendar, place }) => [calendar.id, { ...calendar, place }]));
}

/** The same, but no calendar that another transaction has locked is waited for. @returns those that are locked by others */
export async function lockFreeCalendars(
  db: Db,
  ids: readonly string[],
): Promise<{
  readonly calendars: ReadonlyMap<string, LockedCalendar>;
  readonly locked: ReadonlySet<string>;
}> {
  if (ids.length === 0) return { calendars: new Map(), locked: new Set() };
  const { rows } = await sql<{ known: string } & (LockedPlaceRow | { id: null })>`
    WITH asked AS (SELECT jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) AS id),
    free AS MATERIALIZED (
      SELECT ${LOCKED_COLUMNS}
      FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
      WHERE c.id IN (SELECT id FROM asked)
      ORDER BY c.id
      FOR NO KEY UPDATE OF c SKIP LOCKED)
    SELECT k.id AS known, free.*
    FROM slotkeeper.calendars k LEFT JOIN free ON free.id = k.id
    WHERE k.id IN (SELECT id FROM asked)`.execute(db);
  const calendars = new Map<string, LockedCalendar>();
  const locked = new Set<string>();
  for (const { known, ...row } of rows) {
    if (row.id === null) locked.add(known);
    else calendars.set(known, toLocked(row));
  }
  return { calendars, locked };
}

/** Records when an event or a snapshot of these calendars last came. A calendar's row is written once a minute at most. */
export async function recordLastEvent(db: Db, calendars: Iterable<LockedCalendar>, now: Date): Promise<void> {
  const before = now.getTime() - MINUTE;
  const ids = [...calendars].filter(({ lastEventAt }) => (lastEventAt?.getTime() ?? 0) < before);
  if (ids.length === 0) return;
  await sql`
    UPDATE slotkeeper.calendars SET last_event_at = ${now}
    WHERE id = ANY(${ids.map(({ id }) => id)}::text[])`.execute(db);
}

export interface PlaceOfCalendar {
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
}

const LOCKED_COLUMNS = sql`
  c.id, c.settings, a.time_zone, c.closing_since IS NOT NULL AS closing, c.former_of, c.facility_id AS "facilityId",
  c.doctor_id AS "doctorId", c.address_id AS "addressId", c.last_event_at AS "lastEventAt"`;

/** Bookings share so many locks, since a server has only so many. */
const TURNS = 1_000;

export interface LockedPlace {
  readonly calendar: LockedCalendar;
  readonly place: PlaceOfCalendar;
}

/** What it answers with. */
export type LockedPlaceRow = LockedRow & PlaceOfCalendar;

/**
 * The same for calendars that are known by their places, as a statement; and who else speaks of one of the bookings waits
 * until the transaction ends, also where it is about another calendar. What both wrote is seen by the next statement only.
 */
export function lockingPlaces(
  account: string,
  places: readonly PlaceOfCalendar[],
  bookings: readonly string[],
): RawBuilder<LockedPlaceRow> {
  // In the order of their turns, and before any calendar: none waits for another that waits for it.
  return sql<LockedPlaceRow>`
    WITH turns AS MATERIALIZED (
      SELECT pg_advisory_xact_lock(hashtext('slotkeeper.bookings'), turn) FROM (
        SELECT DISTINCT hashtext(id) % ${TURNS}::integer AS turn
        FROM jsonb_array_elements_text(${JSON.stringify(bookings)}::jsonb) AS k (id) ORDER BY turn) t),
    concerned AS MATERIALIZED (
      SELECT DISTINCT c.id
      FROM (SELECT count(*) AS taken FROM turns) t
      CROSS JOIN jsonb_to_recordset(${JSON.stringify(places)}::jsonb)
        AS k ("facilityId" text, "doctorId" text, "addressId" text)
      CROSS JOIN LATERAL (
        SELECT id FROM slotkeeper.calendars
        WHERE account_id = ${account} AND facility_id = k."facilityId" AND doctor_id = k."doctorId"
          AND address_id = k."addressId" OFFSET 0) c
      WHERE t.taken >= 0)
    SELECT ${LOCKED_COLUMNS}
    FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE c.id IN (SELECT id FROM concerned)
    ORDER BY c.id
    FOR NO KEY UPDATE OF c`;
}

export function toLockedPlace({ facilityId, doctorId, addressId, ...row }: LockedPlaceRow): LockedPlace {
  return { calendar: toLocked(row), place: { facilityId, doctorId, addressId } };
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
