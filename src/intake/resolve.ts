/** Reads an event in its calendar's zone: wall-clock times become instants, windows are cut at local midnight. */
import {
  addDays,
  computeSlotConfigs,
  datesOf,
  InvalidScheduleError,
  localDate,
  parseInstant,
  startOfDate,
} from '../core/index.js';
import type { Interval } from '../occupancy/day-changes.js';
import type { LockedCalendar } from '../store/events.js';
import type { StoredWindow } from '../store/windows.js';
import type { AvailableEvent, OccupancyEvent } from './vocabulary.js';

export type ResolvedEvent =
  | {
      readonly type: 'occupied';
      readonly calendar: string;
      readonly ref: string;
      readonly interval: Interval;
      readonly version: number | undefined;
      readonly kind: string;
      readonly service: string | undefined;
      readonly booking?: string | undefined;
    }
  | {
      readonly type: 'released';
      readonly calendar: string;
      readonly ref: string;
      readonly version: number | undefined;
    }
  /** An `occupied` that takes no time: it changes nothing, also not what is known of its ref. */
  | { readonly type: 'ignored'; readonly calendar: string; readonly ref: string }
  | {
      readonly type: 'available';
      readonly calendar: string;
      /** Every date of the range, also those without a window. */
      readonly dates: ReadonlyMap<string, readonly StoredWindow[]>;
    };

/** @throws {InvalidScheduleError} with the path of what is wrong */
export function resolveEvent(event: OccupancyEvent, calendar: LockedCalendar): ResolvedEvent {
  switch (event.type) {
    case 'occupied': {
      const interval = resolveInterval(event, calendar.timeZone);
      if (interval === undefined) return { type: 'ignored', calendar: event.calendar, ref: event.ref };
      return {
        type: 'occupied',
        calendar: event.calendar,
        ref: event.ref,
        interval,
        version: event.version,
        kind: event.kind,
        service: event.service,
        booking: event.booking,
      };
    }
    case 'released':
      return { type: 'released', calendar: event.calendar, ref: event.ref, version: event.version };
    case 'available':
      return { type: 'available', calendar: event.calendar, dates: resolveWindows(event, calendar.timeZone) };
  }
}

/** @returns undefined where it takes no time */
function resolveInterval(
  event: { readonly start: string | number | Date; readonly end: string | number | Date },
  timeZone: string,
): Interval | undefined {
  const start = parseInstant(event.start, timeZone, 'start');
  const end = parseInstant(event.end, timeZone, 'end');
  if (end < start) throw new InvalidScheduleError('end', 'is not after the start');
  return end === start ? undefined : { start, end };
}

function resolveWindows(event: AvailableEvent, timeZone: string): Map<string, StoredWindow[]> {
  const { from, to, windows } = event;
  // Says everything that is wrong with windows: their instants, services, terms, and the length of the range.
  computeSlotConfigs({ timeZone, windows, busy: [], from, to });

  const dates = new Map<string, StoredWindow[]>();
  for (let date = from; date <= to; date = addDays(date, 1)) dates.set(date, []);
  windows.forEach((window, index) => {
    const start = parseInstant(window.start, timeZone, `windows[${index}].start`);
    const end = parseInstant(window.end, timeZone, `windows[${index}].end`);
    if (localDate(start, timeZone) < from) {
      throw new InvalidScheduleError(`windows[${index}].start`, `lies before ${from}`);
    }
    if (localDate(end - 1, timeZone) > to) {
      throw new InvalidScheduleError(`windows[${index}].end`, `lies after ${to}`);
    }
    for (const date of datesOf({ start, end }, timeZone)) {
      dates.get(date)?.push({
        date,
        start: new Date(Math.max(start, startOfDate(date, timeZone))),
        end: new Date(Math.min(end, startOfDate(addDays(date, 1), timeZone))),
        services: window.services,
        ...(window.insurance === undefined ? {} : { insurance: window.insurance }),
      });
    }
  });
  // In the record's order, so that the same windows in another order are no change.
  for (const list of dates.values()) {
    list.sort((a, b) => a.start.getTime() - b.start.getTime() || a.end.getTime() - b.end.getTime());
  }
  return dates;
}
