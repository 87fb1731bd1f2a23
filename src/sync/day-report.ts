/** A day as it is told to people and programs: what is wanted, what is published, and how it stands between them. */
import { type Insurance, type Service, type Slot, toIso } from '../core/index.js';
import type { Account } from '../store/accounts.js';
import type { CalendarState } from '../store/calendars.js';
import type { DayError } from '../store/days.js';
import { horizonOf } from './horizon.js';
import type { DayView } from './snapshot.js';

export type DayState = 'in-sync' | 'pending' | 'failed' | 'held';

export interface DayReport {
  readonly date: string;
  readonly state: DayState;
  readonly windows: readonly {
    readonly start: string;
    readonly end: string;
    readonly services: readonly Service[];
    readonly insurance?: Insurance;
  }[];
  readonly busy: readonly { readonly ref: string; readonly start: string; readonly end: string }[];
  /** The slot configuration that the core computes. */
  readonly wanted: readonly Slot[];
  /** The one that the marketplace was told last; null when it never was. */
  readonly published: readonly Slot[] | null;
  readonly publishedAt: string | null;
  readonly error: DayError | null;
}

/** @param now epoch milliseconds */
export function reportDay(view: DayView, calendar: CalendarState, account: Account, now: number): DayReport {
  const { date, day, windows, busy, wanted } = view;
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
    busy: busy.map(({ ref, start, end }) => ({ ref, start: iso(start), end: iso(end) })),
    wanted,
    published: day?.published ?? null,
    publishedAt: day?.publishedAt?.toISOString() ?? null,
    error: errorOf(view, calendar),
  };
}

function stateOf({ date, day }: DayView, calendar: CalendarState, account: Account, now: number): DayState {
  if (day === undefined || day.generation === day.publishedGeneration) return 'in-sync';
  if (day.failedGeneration === day.generation) return 'failed';
  const horizon = horizonOf(account.timeZone, now);
  // What is over cannot be published any more, and what is far away not yet.
  if (date < horizon.from || date > horizon.to) return date < horizon.from ? 'in-sync' : 'pending';
  return calendar.failed === undefined ? 'pending' : 'failed';
}

function errorOf({ day }: DayView, calendar: CalendarState): DayError | null {
  if (day === undefined || day.generation === day.publishedGeneration) return null;
  if (day.error !== null && day.failedGeneration === day.generation) return day.error;
  const reason = calendar.failed?.reason ?? calendar.retrying?.reason;
  return reason === undefined ? null : { reason };
}
