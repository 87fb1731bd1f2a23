/** Trust, then verify: what the marketplace shows of some days, held against what was sent. */
import { bookableStarts, type Slot } from '../core/index.js';
import type { BookableStart, Booking, CalendarBreak } from '../docplanner/index.js';

/** What one day was told. */
export interface SentDay {
  readonly date: string;
  readonly slots: readonly Slot[];
}

/** Half-open, epoch milliseconds. */
interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Difference {
  readonly date: string;
  /** Starts that should be bookable and are not. */
  readonly missing: readonly Start[];
  /** Starts that are bookable and should not be. */
  readonly extra: readonly Start[];
  /** All that should be bookable, and all that are. */
  readonly expected: readonly Start[];
  readonly shown: readonly Start[];
}

/** A start for one service, half-open. */
export interface Start {
  readonly at: number;
  readonly end: number;
  /** Absent where the marketplace does not say for which services. */
  readonly service?: string;
}

export interface Reading {
  readonly starts: readonly BookableStart[];
  /** Time that the marketplace keeps to itself: its bookings and breaks. */
  readonly taken: readonly Span[];
}

/** A booking of these statuses holds its time no longer. */
const OVER = new Set(['canceled', 'moved']);

export const takenBy = (bookings: readonly Booking[], breaks: readonly CalendarBreak[]): Reading['taken'] => [
  ...bookings
    .filter((booking) => !OVER.has(booking.status))
    .map((booking) => ({ start: Date.parse(booking.start_at), end: Date.parse(booking.end_at) })),
  ...breaks.map((one) => ({ start: Date.parse(one.since), end: Date.parse(one.till) })),
];

/**
 * The days that show something else than they were told. Starts that are over do not count, nor those that the
 * marketplace's own bookings and breaks hide.
 * @param dateOf the local date of an instant
 * @param now epoch milliseconds
 * @param hidden time in which nothing may be bookable, although the slots offer it
 */
export function differences(
  sent: readonly SentDay[],
  reading: Reading,
  dateOf: (ms: number) => string,
  now: number,
  hidden: readonly Span[] = [],
): Difference[] {
  // Where the marketplace does not tell services apart, neither can we.
  const byService = reading.starts.every((start) => start.services !== undefined);
  const shown = new Map<string, Map<string, Start>>();
  for (const { start, services } of reading.starts) {
    const at = Date.parse(start);
    const day = shown.get(dateOf(at)) ?? new Map<string, Start>();
    shown.set(dateOf(at), day);
    for (const service of byService ? (services ?? []) : [undefined]) {
      const one: Start = { at, end: at, ...(service === undefined ? {} : { service }) };
      day.set(keyOf(one), one);
    }
  }

  return sent.flatMap(({ date, slots }): Difference[] => {
    const counts = (start: Start): boolean => start.at > now;
    const isIn = (spans: readonly Span[], start: Start): boolean =>
      spans.some((span) => span.start < start.end && span.end > start.at);
    const day = shown.get(date) ?? new Map<string, Start>();
    const offered = startsOf(slots, byService).filter((start) => !isIn(hidden, start));
    const all = new Map(offered.map((start) => [keyOf(start), start]));
    const expected = offered.filter((start) => counts(start) && !isIn(reading.taken, start));
    const seen = [...day.values()].filter(counts);
    const missing = expected.filter((start) => !day.has(keyOf(start)));
    const extra = seen.filter((start) => !all.has(keyOf(start)));
    return missing.length + extra.length > 0 ? [{ date, missing, extra, expected, shown: seen }] : [];
  });
}

const keyOf = (start: Start): string => `${start.at} ${start.service ?? ''}`;

/** Each entry cut for each service; without services, the shortest appointment at a start decides how long it is. */
function startsOf(slots: readonly Slot[], byService: boolean): Start[] {
  const starts = new Map<string, Start>();
  for (const slot of slots) {
    for (const { address_service_id: service, duration } of slot.address_services) {
      for (const { start } of bookableStarts([
        { ...slot, address_services: [{ address_service_id: service, duration }] },
      ])) {
        const at = Date.parse(start);
        const one: Start = { at, end: at + duration * 60_000, ...(byService ? { service } : {}) };
        const known = starts.get(keyOf(one));
        if (known === undefined || one.end < known.end) starts.set(keyOf(one), one);
      }
    }
  }
  return [...starts.values()];
}
