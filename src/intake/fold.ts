/**
 * Folds a batch of events over what the record knows, in the order they came, into what the record is to
 * become and which days changed. Pure: the transaction around it reads before and writes after.
 */
import { isDeepStrictEqual } from 'node:util';
import { datesOf, urgency } from '../core/index.js';
import type { DayChange } from '../store/days.js';
import type { LockedCalendar } from '../store/events.js';
import type { Occupancy } from '../store/occupancy.js';
import type { StoredWindow, WindowsOfDate } from '../store/windows.js';
import type { Interval, ResolvedEvent } from './resolve.js';

export interface Known {
  readonly calendars: ReadonlyMap<string, LockedCalendar>;
  readonly occupancies: readonly Occupancy[];
  readonly windows: readonly WindowsOfDate[];
}

export interface Folded {
  /** For each event, whether a higher version of its `ref` was known already. */
  readonly outcomes: readonly ('accepted' | 'stale')[];
  readonly occupancies: readonly Occupancy[];
  readonly windows: readonly WindowsOfDate[];
  readonly changedByWindows: readonly DayChange[];
  readonly changedByOccupancy: readonly DayChange[];
}

const MINUTE = 60_000;
const key = (calendar: string, part: string): string => `${part}\u0000${calendar}`;

export function fold(events: readonly ResolvedEvent[], known: Known, now: number): Folded {
  const occupancies = new Map(known.occupancies.map((one) => [key(one.calendar, one.ref), one]));
  const windows = new Map(known.windows.map((one) => [key(one.calendar, one.date), one]));
  const writtenOccupancies = new Map<string, Occupancy>();
  const writtenWindows = new Map<string, WindowsOfDate>();
  const byWindows = new DayChanges(now);
  const byOccupancy = new DayChanges(now);

  const outcomes = events.map((event) => {
    if (event.type === 'available') {
      for (const [date, after] of event.dates) {
        const at = key(event.calendar, date);
        const before = windows.get(at)?.windows ?? [];
        const replaced = { calendar: event.calendar, date, windows: after };
        // Without windows before, the date may never have been heard of: then even none is news, because
        // what the marketplace shows there is unknown.
        if (before.length === 0 || !isDeepStrictEqual(before, after)) {
          byWindows.add(event.calendar, date, before.map(toInterval), after.map(toInterval));
        }
        windows.set(at, replaced);
        writtenWindows.set(at, replaced);
      }
      return 'accepted';
    }

    const at = key(event.calendar, event.ref);
    const before = occupancies.get(at);
    if (event.version !== undefined && before?.version !== undefined && event.version < before.version) {
      return 'stale';
    }
    const after: Occupancy = {
      calendar: event.calendar,
      ref: event.ref,
      interval:
        event.type === 'occupied'
          ? { start: new Date(event.interval.start), end: new Date(event.interval.end) }
          : undefined,
      kind: event.type === 'occupied' ? event.kind : (before?.kind ?? 'booking'),
      service: event.type === 'occupied' ? event.service : before?.service,
      version: event.version ?? before?.version,
    };
    occupancies.set(at, after);
    writtenOccupancies.set(at, after);

    const calendar = known.calendars.get(event.calendar);
    const closed = widened(after, calendar);
    const opened = widened(before, calendar);
    if (calendar !== undefined && !(closed?.start === opened?.start && closed?.end === opened?.end)) {
      const dates = new Set([...datesTouched(closed, calendar), ...datesTouched(opened, calendar)]);
      for (const date of dates) {
        byOccupancy.add(event.calendar, date, closed ? [closed] : [], opened ? [opened] : []);
      }
    }
    return 'accepted';
  });

  return {
    outcomes,
    occupancies: [...writtenOccupancies.values()],
    windows: [...writtenWindows.values()],
    changedByWindows: byWindows.list(),
    changedByOccupancy: byOccupancy.list(),
  };
}

const toInterval = (window: StoredWindow): Interval => ({
  start: window.start.getTime(),
  end: window.end.getTime(),
});

/** The time that an occupancy really takes off sale: itself and the calendar's buffers around it. */
function widened(
  occupancy: Occupancy | undefined,
  calendar: LockedCalendar | undefined,
): Interval | undefined {
  if (occupancy?.interval === undefined || calendar === undefined) return undefined;
  return {
    start: occupancy.interval.start.getTime() - calendar.bufferBefore * MINUTE,
    end: occupancy.interval.end.getTime() + calendar.bufferAfter * MINUTE,
  };
}

const datesTouched = (interval: Interval | undefined, calendar: LockedCalendar): readonly string[] =>
  interval === undefined ? [] : datesOf(interval, calendar.timeZone);

/** Collects changes, one a day, with the most urgent urgency of all that happened to it. */
class DayChanges {
  readonly #now: number;
  readonly #changes = new Map<string, DayChange>();

  constructor(now: number) {
    this.#now = now;
  }

  add(calendar: string, date: string, closed: readonly Interval[], opened: readonly Interval[]): void {
    const at = key(calendar, date);
    const value = urgency({ closed, opened, now: this.#now });
    const known = this.#changes.get(at)?.urgency ?? Number.POSITIVE_INFINITY;
    this.#changes.set(at, { calendar, date, urgency: Math.min(known, value) });
  }

  list(): DayChange[] {
    return [...this.#changes.values()];
  }
}
