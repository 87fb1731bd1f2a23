/** Reads from the marketplace what it shows of some days. */

import type { CalendarContext } from '../context/context.js';
import { addDays, type Cut, localDate, startOfDate, toIso } from '../core/index.js';
import type { Span } from '../core/span.js';
import type { DesiredDay } from './desired-days.js';
import { busyTimeBy, type DayDiff, diffDays, type SentDay } from './diff-availability.js';
import { priorityOf } from './next-action.js';

/** The instants from the first of these days to the end of the last. */
export const rangeOf = (
  context: CalendarContext,
  days: readonly { readonly date: string }[],
): { from: string; to: string } => {
  const zone = context.account.timeZone;
  const dates = days.map((day) => day.date).sort();
  const [first, last] = [dates[0] ?? '', dates.at(-1) ?? ''];
  return {
    from: toIso(startOfDate(first, zone), zone),
    to: toIso(startOfDate(addDays(last, 1), zone), zone),
  };
};

/** @returns the dates that show anything. Contract: getSlots. */
export async function fetchNonEmptyDates(
  context: CalendarContext,
  days: readonly DesiredDay[],
): Promise<Set<string>> {
  const client = context.client(priorityOf(days));
  const { from, to } = rangeOf(context, days);
  const starts = await client.getSlots(context.calendar, from, to);
  const wanted = new Set(days.map((day) => day.date));
  const dates = starts.map(({ start }) => localDate(Date.parse(start), context.account.timeZone));
  return new Set(dates.filter((date) => wanted.has(date)));
}

/**
 * Compares what the marketplace shows of days with what was published.
 * @param hidden blocked time, which must not show although the slots offer it
 * @param cut how the address cuts periods, where it is known
 * @param explains whether bookings and breaks of the marketplace are read to explain missing starts
 */
export async function verifyPublication(
  context: CalendarContext,
  days: readonly (SentDay & { readonly priority: number | null })[],
  { hidden, cut, explains }: { hidden: readonly Span[]; cut: Cut | undefined; explains: boolean },
): Promise<readonly DayDiff[]> {
  const client = context.client(priorityOf(days));
  const { from, to } = rangeOf(context, days);
  const dateOf = (ms: number): string => localDate(ms, context.account.timeZone);
  const starts = await client.getSlots(context.calendar, from, to);
  const diffs = diffDays(days, { starts, busyTime: [] }, dateOf, context.now(), hidden, cut);
  if (!explains || !diffs.some(({ difference }) => difference && difference.missing.length > 0)) return diffs;
  const busyTime = busyTimeBy(
    await client.getBookings(context.calendar, from, to),
    await client.getCalendarBreaks(context.calendar, from, to),
  );
  return diffDays(days, { starts, busyTime }, dateOf, context.now(), hidden, cut);
}
