/**
 * Folds a batch of events over what the record knows, in the order they came, into what the record is to
 * become and which days changed. Pure: the transaction around it reads before and writes after.
 */
import { isDeepStrictEqual } from 'node:util';
import { DayChanges, type Interval } from '../occupancy/day-changes.js';
import type { DayChange } from '../store/days.js';
import type { LockedCalendar } from '../store/events.js';
import type { Occupancy } from '../store/occupancy.js';
import type { StoredWindow, WindowsOfDate } from '../store/windows.js';
import type { ResolvedEvent } from './resolve.js';

export interface Known {
  readonly calendars: ReadonlyMap<string, LockedCalendar>;
  readonly occupancies: readonly Occupancy[];
  readonly windows: readonly WindowsOfDate[];
}

export interface Folded {
  /** For each event: `stale` where a higher version of its `ref` was known already, `ignored` where it takes no time. */
  readonly outcomes: readonly ('accepted' | 'stale' | 'ignored')[];
  readonly occupancies: readonly Occupancy[];
  readonly windows: readonly WindowsOfDate[];
  readonly changedByWindows: readonly DayChange[];
  readonly changedByOccupancy: readonly DayChange[];
}

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
    if (event.type === 'ignored') return 'ignored';

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
    if (calendar !== undefined) byOccupancy.moved(calendar, takes(before), takes(after));
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

const takes = (occupancy: Occupancy | undefined): Interval | undefined =>
  occupancy?.interval && {
    start: occupancy.interval.start.getTime(),
    end: occupancy.interval.end.getTime(),
  };
