/**
 * Fetches the bookings and breaks of a calendar from the marketplace and applies them to the database, so that changes that no
 * notification reported are found. Contract: getBookings, Breaks.
 */

import type { Span } from '../core/span.js';
import type { Db } from '../db/schema.js';
import { findBreaks, findBreaksBetween, type StoredBreak } from '../db/tables/breaks.js';
import type { StoredCalendar } from '../db/tables/calendars.js';
import { type DirtyDay, markDays } from '../db/tables/days.js';
import { deleteResolvedBlocks, type ResolvedBlocks } from '../db/tables/in-doubt.js';
import { lockCalendars } from '../db/tables/locked-calendars.js';
import type { AddressKey, Booking, DocplannerClient } from '../docplanner/index.js';
import { applyBookings, type BookingUpdate } from './apply-bookings.js';
import { applyBreaks, type BreakUpdate, orderOf } from './apply-breaks.js';
import { toBookingUpdate } from './booking-update.js';
import { fetchListedBookings } from './listed-bookings.js';
import { isOwnBreak, tagOf } from './ownership-tags.js';

export interface FetchContext {
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

/** A fetched list that was applied to the database, and the days that it changed. */
export interface IngestedList<Item> {
  readonly list: readonly Item[];
  readonly days: readonly DirtyDay[];
}

/** A fetched list, and the updates that follow from it. */
export interface FetchedList<Item, Update> {
  readonly list: readonly Item[];
  readonly updates: readonly Update[];
  /** Undefined where an item was unreadable: it may be any block in doubt. */
  readonly resolved: ResolvedBlocks | undefined;
}

/** Fetches the bookings that begin in the range, in any status, and applies them to the database. */
export async function ingestBookings(context: FetchContext, range: Range): Promise<IngestedList<Booking>> {
  const fetched = await fetchBookings(context, range);
  return { list: fetched.list, days: await applyFetched(context, { bookings: fetched }) };
}

/** Fetches the bookings that begin in the range; changes nothing in the database. */
export async function fetchBookings(
  context: FetchContext,
  range: Range,
): Promise<FetchedList<Booking, BookingUpdate>> {
  const now = context.now();
  const { listed, others, gone, isComplete } = await fetchListedBookings({
    ...context,
    ...range,
    patientsOnly: false,
    now,
  });
  const canceled = gone.map(
    ({ id, start, end }): BookingUpdate => ({
      id,
      status: 'canceled',
      start: start.getTime(),
      end: end.getTime(),
    }),
  );
  const updates = [...[...listed, ...others].map(toBookingUpdate), ...canceled];
  const [from, to] = [new Date(range.from), new Date(range.to)];
  const resolved = { kind: 'placeholder', from, to, requestedBefore: new Date(now) } as const;
  return { list: listed, updates, resolved: isComplete ? resolved : undefined };
}

export interface ListedBreak {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly till: number;
  readonly own: boolean;
  /** The stored time of an own break before this list. */
  readonly storedSpan?: Span | undefined;
}

/** Fetches the breaks that touch the range and applies them to the database. */
export async function ingestBreaks(context: FetchContext, range: Range): Promise<IngestedList<ListedBreak>> {
  const fetched = await fetchBreaks(context, range);
  return { list: fetched.list, days: await applyFetched(context, { breaks: fetched }) };
}

/** Fetches the breaks that touch the range; changes nothing in the database. */
export async function fetchBreaks(
  context: FetchContext,
  range: Range,
): Promise<FetchedList<ListedBreak, BreakUpdate>> {
  const { client, calendar, db, now } = context;
  const requestedAt = new Date(now());
  const { items, unreadable } = await client.listCalendarBreaks(calendar, range.from, range.to);
  const listed = new Set(items.map(({ id }) => id));
  const [from, to] = [new Date(range.from), new Date(range.to)];
  const known = await findBreaksBetween(db, calendar.id, from, to, requestedAt);
  const stored = await findBreaks(db, calendar.id, [...listed]);
  const observedAt = requestedAt.getTime();
  const list = items.map((one) => ({
    id: one.id,
    since: Date.parse(one.since),
    till: Date.parse(one.till),
    storedSpan: ownSpanOf(stored.get(one.id)),
    own: stored.get(one.id)?.own === true || isOwnBreak(calendar.formerOf ?? calendar.id, one),
    // A list always contains the description of a break that has one.
    tag: tagOf(one) ?? null,
  }));
  const present = list.map((one): BreakUpdate => ({ ...one, kind: 'listed', observedAt }));
  // An unreadable item is present, and without its id it may be any break.
  const unreadableIds = new Set(unreadable.map(({ id }) => id));
  const mayBePresent = (id: string): boolean => unreadableIds.has(id) || unreadableIds.has(undefined);
  const gone = known
    .filter(({ id }) => !listed.has(id) && !mayBePresent(id))
    .map(
      (one): BreakUpdate => ({
        id: one.id,
        since: one.since.getTime(),
        till: one.till.getTime(),
        kind: 'unlisted',
        observedAt,
      }),
    );
  const requestedBefore = new Date(orderOf({ kind: 'unlisted', observedAt }));
  const resolved = { kind: 'break', from, to, requestedBefore } as const;
  return {
    list,
    updates: [...present, ...gone],
    resolved: unreadable.length === 0 ? resolved : undefined,
  };
}

function ownSpanOf(known: StoredBreak | undefined): Span | undefined {
  if (known?.own !== true || known.removed || known.unlisted) return undefined;
  return { start: known.since.getTime(), end: known.till.getTime() };
}

export interface FetchedState {
  readonly bookings?: Pick<FetchedList<Booking, BookingUpdate>, 'updates' | 'resolved'> | undefined;
  readonly breaks?: Pick<FetchedList<ListedBreak, BreakUpdate>, 'updates' | 'resolved'> | undefined;
}

/** Applies fetched lists to the database, and deletes the requests in doubt that they resolve. @returns the days that changed */
export async function applyFetched(
  context: Pick<FetchContext, 'db' | 'calendar' | 'now'>,
  { bookings, breaks }: FetchedState,
): Promise<readonly DirtyDay[]> {
  const days = await applyUpdates(context, { bookings: bookings?.updates, breaks: breaks?.updates });
  for (const resolved of [bookings?.resolved, breaks?.resolved]) {
    if (resolved !== undefined) await deleteResolvedBlocks(context.db, context.calendar.id, resolved);
  }
  return days;
}

/**
 * Applies updates of bookings and breaks in one transaction and marks days dirty. No job is enqueued: the publisher of the
 * calendar reads the database again before it finishes, and other callers enqueue the job themselves.
 * @returns the days that changed
 */
export async function applyUpdates(
  { db, calendar, now }: Pick<FetchContext, 'db' | 'calendar' | 'now'>,
  {
    bookings = [],
    breaks = [],
  }: { bookings?: readonly BookingUpdate[] | undefined; breaks?: readonly BreakUpdate[] | undefined },
): Promise<readonly DirtyDay[]> {
  if (bookings.length + breaks.length === 0) return [];
  return await db.transaction().execute(async (tx) => {
    const locked = (await lockCalendars(tx, [calendar.id])).get(calendar.id);
    // Updates of a former address say nothing about the calendar's present address.
    if (locked === undefined || !isAtAddress(locked.address, calendar)) return [];
    const at = now();
    const { days: byBookings } = await applyBookings(tx, locked, bookings, at);
    const { days: byBreaks } = await applyBreaks(tx, locked, breaks, at);
    const occupancy = [...byBookings, ...byBreaks];
    await markDays(tx, { windows: [], occupancy }, new Date(at), 'marketplace');
    return occupancy;
  });
}

const isAtAddress = (a: AddressKey, b: AddressKey): boolean =>
  a.facilityId === b.facilityId && a.doctorId === b.doctorId && a.addressId === b.addressId;
