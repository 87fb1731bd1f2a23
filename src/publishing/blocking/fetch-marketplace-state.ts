/** Reads the bookings and breaks of the pending days, and separates our own from those of others. */

import type { CalendarContext } from '../../context/context.js';
import type { Span } from '../../core/span.js';
import { findPlaceholdersBetween, hasPlaceholders, type StoredBooking } from '../../db/tables/bookings.js';
import { hasOwnBreaks } from '../../db/tables/breaks.js';
import type { Booking } from '../../docplanner/index.js';
import { notifyLater } from '../../linked-bookings/notify-later.js';
import { toBookingUpdate } from '../../marketplace-state/booking-update.js';
import {
  type IngestedList,
  ingestBookings,
  ingestBreaks,
  type ListedBreak,
} from '../../marketplace-state/fetch-state.js';
import { isPlaceholder, placeholderTag } from '../../marketplace-state/ownership-tags.js';
import type { DesiredDay } from '../desired-days.js';
import { priorityOf } from '../next-action.js';
import { rangeOf } from '../verify-publication.js';
import type { MarketplaceState, Placeholder } from './marketplace-state.js';
import type { RequiredBlock } from './required-blocks.js';

/** A placeholder whose appointment may only be known by its tag. */
export interface TaggedPlaceholder extends Placeholder {
  readonly mark: string;
}

export interface TaggedState extends Omit<MarketplaceState, 'placeholders'> {
  readonly placeholders: readonly TaggedPlaceholder[];
}

export interface Reading extends TaggedState {
  /** Whether the read changed the database. */
  readonly changedDatabase: boolean;
  /** Where the own breaks that were read had been before, according to the database. */
  readonly known: readonly Span[];
}

const NOTHING = { list: [], days: [] } as const;

/** Reads breaks and bookings, each only where the strategy uses them, or the database has some that are left. */
export async function fetchMarketplaceState(
  context: CalendarContext,
  days: readonly DesiredDay[],
): Promise<Reading> {
  const { calendar, db, now } = context;
  const range = rangeOf(context, days);
  const reader = { db, calendar, now, client: context.client(priorityOf(days)) };
  const at = new Date(now());
  const wantsBreaks = calendar.strategy !== 'slots' || (await hasOwnBreaks(db, calendar.id, at));
  const wantsBookings = calendar.strategy === 'book' || (await hasPlaceholders(db, calendar.id, at));
  const breaks: IngestedList<ListedBreak> = wantsBreaks ? await ingestBreaks(reader, range) : NOTHING;
  const bookings: IngestedList<Booking> = wantsBookings ? await ingestBookings(reader, range) : NOTHING;
  if (bookings.days.length > 0) await notifyLater(context);
  const known = await findPlaceholdersBetween(db, calendar.id, new Date(range.from), new Date(range.to));

  const dates = days.map((day) => day.date).sort();
  return {
    ...assemble({ from: dates[0] ?? '', to: dates.at(-1) ?? '' }, breaks.list, bookings.list, known),
    known: breaks.list.flatMap(({ storedSpan }) => storedSpan ?? []),
    changedDatabase: breaks.days.length + bookings.days.length > 0,
  };
}

/** Combines what was read into our own and others' breaks and bookings. */
export function assemble(
  dates: { readonly from: string; readonly to: string },
  breaks: readonly ListedBreak[],
  bookings: readonly Booking[],
  known: ReadonlyMap<string, StoredBooking>,
): TaggedState {
  const standing = bookings.filter((one) => toBookingUpdate(one).status === 'booked');
  const isOurs = (booking: Booking): boolean => known.has(booking.id) || isPlaceholder(booking);
  return {
    ...dates,
    breaks: breaks.filter(({ own }) => own).map(({ id, since, till }) => ({ id, start: since, end: till })),
    placeholders: standing.filter(isOurs).map((one) => ({
      id: one.id,
      ref: known.get(one.id)?.ref ?? null,
      mark: typeof one.comment === 'string' ? one.comment : '',
      ...spanOf(one),
    })),
    others: [
      ...standing.filter((one) => !isOurs(one)).map(spanOf),
      ...breaks.filter(({ own }) => !own).map(({ since, till }) => ({ start: since, end: till })),
    ],
  };
}

/** Adds the appointments of placeholders, also where only the tags tell them. */
export function withRefs(
  marketplaceState: TaggedState,
  calendar: string,
  requiredBlocks: readonly RequiredBlock[],
): MarketplaceState {
  const refs = new Map(
    requiredBlocks.flatMap(({ ref }) =>
      ref === null ? [] : [[placeholderTag(calendar, ref), ref] as const],
    ),
  );
  return {
    ...marketplaceState,
    placeholders: marketplaceState.placeholders.map(({ mark, ...one }) => ({
      ...one,
      ref: one.ref ?? refs.get(mark) ?? null,
    })),
  };
}

const spanOf = ({ start_at: start, end_at: end }: Booking): Span => ({
  start: Date.parse(start),
  end: Date.parse(end),
});
