/**
 * Reads the bookings and breaks that the marketplace holds of a calendar, and takes them into the record, so that what
 * no notification brought is found. Contract: getBookings, Breaks.
 */

import type { Span } from '../core/span.js';
import type { Db } from '../db/schema.js';
import { findBreaks, findBreaksBetween, isInDoubtBreakId, type StoredBreak } from '../db/tables/breaks.js';
import type { StoredCalendar } from '../db/tables/calendars.js';
import { type DirtyDay, markDays } from '../db/tables/days.js';
import { lockCalendars, type PlaceOfCalendar } from '../db/tables/events.js';
import type { Booking, DocplannerClient } from '../docplanner/index.js';
import { applyBookings, type BookingUpdate } from './apply-bookings.js';
import { applyBreaks, type BreakUpdate } from './apply-breaks.js';
import { said } from './booking-update.js';
import { listBookings } from './listed-bookings.js';
import { isOwnBreak, tagOf } from './ownership-tags.js';

export interface Reader {
  readonly db: Db;
  readonly calendar: StoredCalendar;
  readonly client: DocplannerClient;
  readonly now: () => number;
}

/** Instants, ISO 8601. */
export interface Range {
  readonly from: string;
  readonly to: string;
}

/** What was read, and the days that changed by it. */
export interface Found<Item> {
  readonly list: readonly Item[];
  readonly days: readonly DirtyDay[];
}

/** What was read, and what it says that the record has to know. */
export interface Asked<Item, Said> {
  readonly list: readonly Item[];
  readonly said: readonly Said[];
}

/** The bookings that begin in the range, whatever became of them, taken into the record. */
export async function readBookings(reader: Reader, range: Range): Promise<Found<Booking>> {
  const { list, said } = await requestBookings(reader, range);
  return { list, days: await ingest(reader, { bookings: said }) };
}

/** The bookings that begin in the range; the record stays as it is. */
export async function requestBookings(reader: Reader, range: Range): Promise<Asked<Booking, BookingUpdate>> {
  const { listed, others, gone } = await listBookings({
    ...reader,
    ...range,
    ofPatients: false,
    now: reader.now(),
  });
  const over = gone.map(
    ({ id, start, end }): BookingUpdate => ({
      id,
      status: 'canceled',
      start: start.getTime(),
      end: end.getTime(),
    }),
  );
  return { list: listed, said: [...[...listed, ...others].map(said), ...over] };
}

export interface FoundBreak {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly till: number;
  readonly own: boolean;
  /** Where one of ours was, as far as the record knew. */
  readonly was?: Span | undefined;
}

/** The breaks that touch the range, taken into the record. */
export async function readBreaks(reader: Reader, range: Range): Promise<Found<FoundBreak>> {
  const { list, said } = await requestBreaks(reader, range);
  return { list, days: await ingest(reader, { breaks: said }) };
}

/** The breaks that touch the range; the record stays as it is. */
export async function requestBreaks(reader: Reader, range: Range): Promise<Asked<FoundBreak, BreakUpdate>> {
  const { client, calendar, db, now } = reader;
  const asked = new Date(now());
  const { items, unread } = await client.listCalendarBreaks(calendar, range.from, range.to);
  const listed = new Set(items.map(({ id }) => id));
  const known = await findBreaksBetween(db, calendar.id, new Date(range.from), new Date(range.to), asked);
  const before = await findBreaks(db, calendar.id, [...listed]);
  const at = asked.getTime();
  const list = items.map((one) => ({
    id: one.id,
    since: Date.parse(one.since),
    till: Date.parse(one.till),
    was: ownPlaceOf(before.get(one.id)),
    own: before.get(one.id)?.own === true || isOwnBreak(calendar.formerOf ?? calendar.id, one),
    // In a list the description is always there, if it has one.
    mark: tagOf(one) ?? null,
  }));
  const there = list.map((one): BreakUpdate => ({ ...one, word: 'listed', at }));
  // One that cannot be read is there, and without its id it may be any; one that we await may be any of them.
  const unreadIds = new Set(unread.map(({ id }) => id));
  const mayBe = (id: string): boolean =>
    unreadIds.has(id) || unreadIds.has(undefined) || (unread.length > 0 && isInDoubtBreakId(id));
  const gone = known
    .filter(({ id }) => !listed.has(id) && !mayBe(id))
    .map(
      (one): BreakUpdate => ({
        id: one.id,
        since: one.since.getTime(),
        till: one.till.getTime(),
        word: 'unlisted',
        at,
      }),
    );
  return { list, said: [...there, ...gone] };
}

function ownPlaceOf(known: StoredBreak | undefined): Span | undefined {
  if (known?.own !== true || known.removed || known.unlisted) return undefined;
  return { start: known.since.getTime(), end: known.till.getTime() };
}

/**
 * What was said of bookings and breaks goes into the record in one transaction, and marks days. Nobody is woken: whoever
 * publishes the calendar reads the record again before he is done, and others wake it themselves.
 * @returns the days that changed by it
 */
export async function ingest(
  { db, calendar, now }: Pick<Reader, 'db' | 'calendar' | 'now'>,
  { bookings = [], breaks = [] }: { bookings?: readonly BookingUpdate[]; breaks?: readonly BreakUpdate[] },
): Promise<readonly DirtyDay[]> {
  if (bookings.length + breaks.length === 0) return [];
  return await db.transaction().execute(async (tx) => {
    const locked = (await lockCalendars(tx, [calendar.id])).get(calendar.id);
    // Where it is at another address by now, this is no word of that.
    if (locked === undefined || !isAtAddress(locked.place, calendar)) return [];
    const at = now();
    const { days: byBookings } = await applyBookings(tx, locked, bookings, at);
    const { days: byBreaks } = await applyBreaks(tx, locked, breaks, at);
    const occupancy = [...byBookings, ...byBreaks];
    await markDays(tx, { windows: [], occupancy }, new Date(at));
    return occupancy;
  });
}

const isAtAddress = (a: PlaceOfCalendar, b: PlaceOfCalendar): boolean =>
  a.facilityId === b.facilityId && a.doctorId === b.doctorId && a.addressId === b.addressId;
