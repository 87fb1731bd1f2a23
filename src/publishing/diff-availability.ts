/** Compares what the marketplace shows of some days with what was published. */

import { MINUTE } from '../core/duration.js';
import { bookableStarts, type Cut, type Slot } from '../core/index.js';
import type { Span } from '../core/span.js';
import type { ShownAs } from '../db/tables/days.js';
import type { BookableStart, Booking, CalendarBreak } from '../docplanner/index.js';

/** What was published of one day. */
export interface SentDay {
  readonly date: string;
  readonly slots: readonly Slot[];
}

export interface Difference {
  readonly date: string;
  /** Whether a start is bookable whose booking would reach into time that is busy or not offered. */
  readonly oversells: boolean;
  /** The other cut, where the day shows exactly what that cut makes of the same slots. */
  readonly otherCut?: Cut;
  /** Starts that should be bookable and are not. */
  readonly missing: readonly Start[];
  /** Starts that are bookable and should not be. */
  readonly extra: readonly Start[];
  /** All starts that should be bookable, and all that are. */
  readonly expected: readonly Start[];
  readonly shown: readonly Start[];
}

/** A start for one service, half-open. */
export interface Start {
  readonly at: number;
  readonly end: number;
  /** Absent where the marketplace does not name the services of a start. */
  readonly service?: string;
}

export interface Reading {
  readonly starts: readonly BookableStart[];
  /** Time that the marketplace blocks by itself: its bookings and breaks. */
  readonly busyTime: readonly Span[];
}

/** Bookings of these statuses block no time any more. */
const OVER = new Set(['canceled', 'moved']);

export const busyTimeBy = (
  bookings: readonly Booking[],
  breaks: readonly CalendarBreak[],
): Reading['busyTime'] => [
  ...bookings
    .filter((booking) => !OVER.has(booking.status))
    .map((booking) => ({ start: Date.parse(booking.start_at), end: Date.parse(booking.end_at) })),
  ...breaks.map((one) => ({ start: Date.parse(one.since), end: Date.parse(one.till) })),
];

/** The comparison of one day. */
export interface DayDiff {
  readonly date: string;
  /** Absent where the day shows what was published. */
  readonly difference?: Difference;
  /** The only cut that explains what the day shows, where the other cut would show something else. */
  readonly cut?: Cut;
  readonly shown: ShownAs;
}

/** The days that show something else than was published, see {@link diffDays}. */
export function differences(...of: Parameters<typeof diffDays>): Difference[] {
  return diffDays(...of).flatMap(({ difference }) => difference ?? []);
}

/**
 * Compares each day with what was published. Past starts do not count, nor those that the marketplace's own bookings and
 * breaks block.
 * @param dateOf the local date of an instant
 * @param now epoch milliseconds
 * @param hidden blocked time, in which nothing may be bookable although the slots offer it
 * @param cut how the address cuts periods; while that is unknown, either cut is accepted
 */
export function diffDays(
  sent: readonly SentDay[],
  reading: Reading,
  dateOf: (ms: number) => string,
  now: number,
  hidden: readonly Span[] = [],
  cut?: Cut,
): DayDiff[] {
  // Where the marketplace does not name the services, starts are compared without them.
  const byService = reading.starts.every((start) => start.services !== undefined);
  const shown = new Map<string, ShownStarts>();
  for (const one of reading.starts) {
    const { start, services } = one;
    const at = Date.parse(start);
    const date = dateOf(at);
    const day = shown.get(date) ?? NOTHING_SHOWN();
    shown.set(date, day);
    day.list.push(one);
    for (const service of byService ? (services ?? []) : [undefined]) {
      const start: Start = { at, end: at, ...(service === undefined ? {} : { service }) };
      day.starts.set(keyOf(start), start);
    }
  }

  return sent.map(({ date, slots }): DayDiff => {
    const { list: starts, starts: day } = shown.get(date) ?? NOTHING_SHOWN();
    const diffWith = (how: Cut): Compared =>
      compareDay({ date, slots }, how, day, byService, reading.busyTime, hidden, now);
    const assumed = cut ?? 'duration';
    const first = diffWith(assumed);
    const byAssumed: ShownAs = first.isComplete ? { cut: assumed } : { starts };
    if (!slots.some(hasDurations)) return { date, ...withDifference(first), shown: byAssumed };
    const other: Cut = cut === 'divisor' ? 'duration' : 'divisor';
    const second = diffWith(other);
    if (first.difference === undefined) {
      return { date, ...(second.difference && { cut: assumed }), shown: byAssumed };
    }
    if (second.difference !== undefined) {
      const isNearer = cut === undefined && countOf(second.difference) < countOf(first.difference);
      return { date, difference: isNearer ? second.difference : first.difference, shown: { starts } };
    }
    const byOther: ShownAs = second.isComplete ? { cut: other } : { starts };
    return cut === undefined
      ? { date, cut: other, shown: byOther }
      : { date, difference: { ...first.difference, otherCut: other }, shown: byOther };
  });
}

/** The starts of one day as they were read, and each of them by its key. */
interface ShownStarts {
  readonly list: BookableStart[];
  readonly starts: Map<string, Start>;
}

const NOTHING_SHOWN = (): ShownStarts => ({ list: [], starts: new Map() });

const withDifference = ({ difference }: Compared) => (difference === undefined ? {} : { difference });

const hasDurations = ({ address_services: [first, ...others] }: Slot): boolean =>
  others.some(({ duration }) => duration !== first?.duration);

const countOf = ({ missing, extra }: Difference): number => missing.length + extra.length;

const isIn = (spans: readonly Span[], start: Start): boolean =>
  spans.some((span) => span.start < start.end && span.end > start.at);

interface Compared {
  readonly difference: Difference | undefined;
  /** Whether the day shows every start of the slots, blocked or not, and no other. */
  readonly isComplete: boolean;
}

function compareDay(
  { date, slots }: SentDay,
  cut: Cut,
  day: ReadonlyMap<string, Start>,
  byService: boolean,
  busyTime: readonly Span[],
  hidden: readonly Span[],
  now: number,
): Compared {
  const counts = (start: Start): boolean => start.at > now;
  const sent = startsOf(slots, byService, cut);
  const offered = sent.filter((start) => !isIn(hidden, start));
  const all = new Map(offered.map((start) => [keyOf(start), start]));
  const expected = offered.filter((start) => counts(start) && !isIn(busyTime, start));
  const counted = [...day.values()].filter(counts);
  const missing = expected.filter((start) => !day.has(keyOf(start)));
  const extra = counted.filter((start) => !all.has(keyOf(start)));
  if (missing.length + extra.length === 0) {
    return { difference: undefined, isComplete: counted.length === sent.filter(counts).length };
  }
  const oversells = extra.some((start) => !isOffered(start, slots, hidden));
  return {
    difference: { date, oversells, missing, extra, expected, shown: counted },
    isComplete: false,
  };
}

/** Whether the whole booking lies in time that is offered for its service, also where it begins at another start. */
const isOffered = ({ at, service }: Start, slots: readonly Slot[], hidden: readonly Span[]): boolean =>
  slots.some(({ start, end, address_services: services }) =>
    services.some((one) => {
      const visit = { at, end: at + one.duration * MINUTE };
      const isInside = Date.parse(start) <= at && visit.end <= Date.parse(end);
      return (
        isInside && (service ?? one.address_service_id) === one.address_service_id && !isIn(hidden, visit)
      );
    }),
  );

const keyOf = (start: Start): string => `${start.at} ${start.service ?? ''}`;

/** Every start of the slots. Without services, the shortest appointment at a start decides its end. */
function startsOf(slots: readonly Slot[], byService: boolean, cut: Cut): Start[] {
  const starts = new Map<string, Start>();
  for (const slot of slots) {
    const durations = new Map(slot.address_services.map((one) => [one.address_service_id, one.duration]));
    for (const { start, services } of bookableStarts([slot], undefined, { cut })) {
      for (const service of services) {
        const at = Date.parse(start);
        const end = at + (durations.get(service) ?? 0) * MINUTE;
        const one: Start = { at, end, ...(byService ? { service } : {}) };
        const known = starts.get(keyOf(one));
        if (known === undefined || one.end < known.end) starts.set(keyOf(one), one);
      }
    }
  }
  return [...starts.values()];
}
