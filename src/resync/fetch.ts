/** Reads what the marketplace shows of a calendar, and computes the desired days before and after what was read is saved. */

import type { CalendarContext } from '../context/context.js';
import { findBookings, findPlaceholdersBetween } from '../db/tables/bookings.js';
import { findBreaks } from '../db/tables/breaks.js';
import type { DirtyDay } from '../db/tables/days.js';
import type { Booking, DocplannerClient } from '../docplanner/index.js';
import { notifyLater } from '../linked-bookings/notify-later.js';
import { type BookingUpdate, mergeBookings } from '../marketplace-state/apply-bookings.js';
import { type BreakUpdate, mergeBreaks } from '../marketplace-state/apply-breaks.js';
import {
  applyFetched,
  fetchBookings,
  fetchBreaks,
  type ListedBreak,
} from '../marketplace-state/fetch-state.js';
import { assemble, withRefs } from '../publishing/blocking/fetch-marketplace-state.js';
import type { MarketplaceState } from '../publishing/blocking/marketplace-state.js';
import { requiredBlocksOf } from '../publishing/blocking/required-blocks.js';
import { type ComputedDays, computePublishedDays } from '../publishing/desired-days.js';
import { horizonOf } from '../publishing/horizon.js';
import { rangeOf } from '../publishing/verify-publication.js';

export interface Reading {
  /** When the read began; epoch milliseconds. */
  readonly at: number;
  /** The days, computed before what was read was saved. */
  readonly before: ComputedDays;
  /** The days, computed after what was read was saved. */
  readonly known: ComputedDays;
  readonly starts: Awaited<ReturnType<ReturnType<CalendarContext['client']>['getSlots']>>;
  readonly bookings: readonly Booking[];
  /** Absent where breaks were not read. */
  readonly breaks: readonly ListedBreak[] | undefined;
  readonly marketplaceState: MarketplaceState;
  /** The same, with the references of the busy time that was known before. */
  readonly marketplaceStateBefore: MarketplaceState;
  /** Dates on which bookings or breaks of others differ from the database. */
  readonly foreign: ReadonlySet<string>;
}

/**
 * @param dryRun whether the database stays as it is
 * @param withBreaks whether breaks are read
 * @param earlier an earlier read, of which everything but the breaks is reused
 */
export async function read(
  context: CalendarContext,
  client: DocplannerClient,
  known: ComputedDays,
  dryRun: boolean,
  withBreaks: boolean,
  earlier?: Reading,
): Promise<Reading> {
  const { calendar, account, db, now } = context;
  const range = rangeOf(context, known.days);
  const at = earlier?.at ?? now();
  const reader = { db, calendar, now, client };
  const starts = earlier?.starts ?? (await client.getSlots(calendar, range.from, range.to));
  const bookings = earlier === undefined ? await fetchBookings(reader, range) : undefined;
  const breaks = withBreaks ? await fetchBreaks(reader, range) : undefined;
  const bookingList = bookings?.list ?? earlier?.bookings ?? [];
  const changed = dryRun
    ? await wouldChange(context, bookings?.updates ?? [], breaks?.updates ?? [])
    : await applyFetched(context, { bookings, breaks });
  if (!dryRun && changed.length > 0) await notifyLater(context);
  const dates = known.days.map(({ date }) => date).sort();
  const placeholders = await findPlaceholdersBetween(
    db,
    calendar.id,
    new Date(range.from),
    new Date(range.to),
  );
  const assembled = assemble(
    { from: dates[0] ?? '', to: dates.at(-1) ?? '' },
    breaks?.list ?? [],
    bookingList,
    placeholders,
  );
  // The days that the read changed are published anyway.
  const after =
    changed.length > 0 && !dryRun
      ? await computePublishedDays(db, calendar, account, horizonOf(account.timeZone, now()))
      : known;
  const before = earlier?.before ?? known;
  return {
    at,
    before,
    known: after,
    starts,
    bookings: bookingList,
    breaks: breaks?.list,
    marketplaceState: withRefs(assembled, calendar.id, requiredBlocksOf(after.busyTime, calendar)),
    marketplaceStateBefore: withRefs(assembled, calendar.id, requiredBlocksOf(before.busyTime, calendar)),
    foreign: new Set([...(earlier?.foreign ?? []), ...changed.map(({ date }) => date)]),
  };
}

/** The days that saving the read would change. */
async function wouldChange(
  { calendar, account, db, now }: CalendarContext,
  bookings: readonly BookingUpdate[],
  breaks: readonly BreakUpdate[],
): Promise<readonly DirtyDay[]> {
  const { id, bufferBefore = 0, bufferAfter = 0 } = calendar;
  const locked = { id, timeZone: account.timeZone, bufferBefore, bufferAfter };
  const idsOf = (updates: readonly { readonly id: string }[]): string[] => updates.map((one) => one.id);
  return [
    ...mergeBookings(locked, await findBookings(db, id, idsOf(bookings)), bookings, now()).days,
    ...mergeBreaks(locked, await findBreaks(db, id, idsOf(breaks)), breaks, now()).days,
  ];
}
