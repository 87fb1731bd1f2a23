/** The report of a day for people and programs: the desired slots, the published slots, and the state between them. */
import { bookableStarts, type Insurance, type Service, type Slot, toIso } from '../core/index.js';
import type { Account } from '../db/tables/accounts.js';
import type { BusyTime } from '../db/tables/busy-time.js';
import type { CalendarState } from '../db/tables/calendars.js';
import type { DayError, LastReading } from '../db/tables/days.js';
import type { BookableStart } from '../docplanner/index.js';
import type { DayView } from './desired-days.js';
import { type Horizon, horizonOf } from './horizon.js';

/**
 * `in-sync`: the desired slots are published, or the date is over. `pending`: the day waits to be published. `failed`: it
 * could not be published. `held`: a change of it waits for a person's approval. `unknown`: no windows were ever sent for the
 * date, so that nothing is published, and the marketplace's slots stay as they are.
 */
export type DayState = 'in-sync' | 'pending' | 'failed' | 'held' | 'unknown';

export interface BusyReport {
  /** The PMS's appointment, also where it is linked to a booking. */
  readonly ref?: string;
  /** The visit booking id. */
  readonly booking?: string;
  /** The calendar break's id. */
  readonly break?: string;
  readonly start: string;
  readonly end: string;
}

export interface DayReport {
  readonly date: string;
  readonly state: DayState;
  readonly windows: readonly {
    readonly start: string;
    readonly end: string;
    readonly services: readonly Service[];
    readonly insurance?: Insurance;
  }[];
  /** Busy time: the PMS's appointments, the marketplace's bookings, and breaks that a doctor made there. */
  readonly busy: readonly BusyReport[];
  /** The slot configuration that the core computes. */
  readonly wanted: readonly Slot[];
  /** The slot configuration that was published last; null where none was. */
  readonly published: readonly Slot[] | null;
  readonly publishedAt: string | null;
  /** The starts that the marketplace showed when the day was last read; null where it was never read. */
  readonly shown: readonly BookableStart[] | null;
  readonly shownAt: string | null;
  readonly error: DayError | null;
}

/** @param now epoch milliseconds */
export function reportDay(view: DayView, calendar: CalendarState, account: Account, now: number): DayReport {
  const { date, day, windows, busyTime, wanted, lastReading } = view;
  const iso = (instant: Date): string => toIso(instant.getTime(), account.timeZone);
  return {
    date,
    state: stateOf(view, calendar, account, now),
    windows: windows.map(({ start, end, services, insurance }) => ({
      start: iso(start),
      end: iso(end),
      services,
      ...(insurance === undefined ? {} : { insurance }),
    })),
    busy: busyTime.map((one) => ({ ...busyOwnerOf(one), start: iso(one.start), end: iso(one.end) })),
    wanted,
    published: day?.published ?? null,
    publishedAt: day?.publishedAt?.toISOString() ?? null,
    shown: lastReading === undefined ? null : shownStarts(lastReading, account.timeZone),
    shownAt: lastReading?.shownAt.toISOString() ?? null,
    error: errorOf(view, calendar),
  };
}

/** The starts that a read showed. `services` is absent where the marketplace does not name them. */
export function shownStarts({ shown, shownAt }: LastReading, timeZone: string): readonly BookableStart[] {
  if ('starts' in shown) {
    return shown.starts.map((one) => ({ ...one, start: toIso(Date.parse(one.start), timeZone) }));
  }
  // The marketplace does not show past starts.
  return bookableStarts(shown.slots, timeZone, { cut: shown.cut }).filter(
    ({ start }) => Date.parse(start) > shownAt.getTime(),
  );
}

export function busyOwnerOf(busyTime: BusyTime): Pick<BusyReport, 'ref' | 'booking' | 'break'> {
  switch (busyTime.source) {
    case 'occupancy':
      return { ref: busyTime.ref };
    case 'booking':
      return { ...(busyTime.ref === null ? {} : { ref: busyTime.ref }), booking: busyTime.id };
    case 'break':
      return { break: busyTime.id };
  }
}

export function stateOf(view: DayView, calendar: CalendarState, account: Account, now: number): DayState {
  const horizon = horizonOf(account.timeZone, now);
  const state = publicationOf(view, calendar, horizon);
  const isAhead = view.date >= horizon.from && view.date <= horizon.to;
  return view.held && isAhead && state !== 'failed' ? 'held' : state;
}

function publicationOf({ date, day }: DayView, calendar: CalendarState, horizon: Horizon): DayState {
  if (day === undefined) return 'unknown';
  if (day.generation === day.publishedGeneration) return 'in-sync';
  if (day.failedGeneration === day.generation) return 'failed';
  // A past day cannot be published any more, and a day after the horizon cannot be published yet.
  if (date < horizon.from || date > horizon.to) return date < horizon.from ? 'in-sync' : 'pending';
  return calendar.failed === undefined ? 'pending' : 'failed';
}

function errorOf({ day }: DayView, calendar: CalendarState): DayError | null {
  if (day === undefined || day.generation === day.publishedGeneration) return null;
  if (day.error !== null && day.failedGeneration === day.generation) return day.error;
  const reason = calendar.failed?.reason ?? calendar.retrying?.reason;
  return reason === undefined ? null : { reason };
}
