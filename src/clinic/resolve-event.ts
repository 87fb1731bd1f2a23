/** Resolves an event in its calendar's zone: wall-clock times become instants, and windows are cut at local midnight. */

import { requireZone } from '../core/civil.js';
import {
  addDays,
  computeSlotConfigs,
  datesOf,
  type Instant,
  InvalidScheduleError,
  localDate,
  parseInstant,
  startOfDate,
} from '../core/index.js';
import { OfferReader } from '../core/offers.js';
import { readWindows } from '../core/read-schedule.js';
import type { Span } from '../core/span.js';
import type { LockedCalendar } from '../db/tables/locked-calendars.js';
import type { StoredWindow } from '../db/tables/windows.js';
import type { Problem } from '../lib/validation.js';
import type { ParsedAvailableEvent, ParsedOccupancyEvent } from './event-schema.js';

export type ResolvedEvent =
  | {
      readonly type: 'occupied';
      readonly calendar: string;
      readonly ref: string;
      readonly interval: Span;
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
  /** An `occupied` event of zero length: it changes nothing, also not the stored state of its ref. */
  | { readonly type: 'ignored'; readonly calendar: string; readonly ref: string; readonly at: number }
  | {
      readonly type: 'available';
      readonly calendar: string;
      /** Every date of the range, also those without a window. */
      readonly dates: ReadonlyMap<string, readonly StoredWindow[]>;
    };

export type Resolution =
  | { readonly success: true; readonly event: ResolvedEvent }
  | { readonly success: false; readonly problems: readonly [Problem, ...Problem[]] };

export function resolveEvent(event: ParsedOccupancyEvent, calendar: LockedCalendar): Resolution {
  switch (event.type) {
    case 'occupied':
      return resolveOccupied(event, calendar.timeZone);
    case 'released': {
      const { calendar: id, ref, version } = event;
      return { success: true, event: { type: 'released', calendar: id, ref, version } };
    }
    case 'available':
      return resolveAvailable(event, calendar);
  }
}

export function resolveOccupied(
  event: Extract<ParsedOccupancyEvent, { type: 'occupied' }>,
  timeZone: string,
): Resolution {
  const interval = resolveInterval(event, timeZone);
  if (isProblems(interval)) return { success: false, problems: interval };
  const { calendar, ref, version, kind, service, booking } = event;
  if (interval.start === interval.end) {
    return { success: true, event: { type: 'ignored', calendar, ref, at: interval.start } };
  }
  return {
    success: true,
    event: { type: 'occupied', calendar, ref, interval, version, kind, service, booking },
  };
}

/** The date after this one has a year of five digits. */
const LAST_DATE = '9999-12-31';

type Problems = readonly [Problem, ...Problem[]];
export const isProblems = (value: object): value is Problems => Array.isArray(value);

/** The interval may have zero length. @returns the problems, where there are any */
export function resolveInterval(
  { start, end }: { readonly start: Instant; readonly end: Instant },
  timeZone: string,
): Span | Problems {
  const [first, ...others] = [problemAt('start', start, timeZone), problemAt('end', end, timeZone)].flat();
  if (first !== undefined) return [first, ...others];
  const interval = { start: parseInstant(start, timeZone, 'start'), end: parseInstant(end, timeZone, 'end') };
  return interval.end < interval.start ? [{ path: 'end', reason: 'is not after the start' }] : interval;
}

function problemAt(path: string, value: Instant, timeZone: string): Problem[] {
  return catchProblem(() => parseInstant(value, timeZone, path));
}

/** Runs the work and converts the core's error into a problem. */
function catchProblem(work: () => unknown): Problem[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!(error instanceof InvalidScheduleError)) throw error;
    return [{ path: error.path, reason: error.reason }];
  }
}

function resolveAvailable(event: ParsedAvailableEvent, { timeZone }: LockedCalendar): Resolution {
  const { calendar, from, to, windows } = event;
  // The core checks the range, and whether windows that are valid by themselves contradict each other.
  const own = [
    ...problemsOfRange(event, timeZone),
    ...windows.flatMap((window, index) =>
      problemsOfWindow(window, event, timeZone).map(({ path, reason }) => ({
        path: `windows[${index}].${path}`,
        reason,
      })),
    ),
  ];
  const [first, ...others] =
    own.length > 0 ? own : catchProblem(() => computeSlotConfigs({ timeZone, windows, from, to }));
  if (first !== undefined) return { success: false, problems: [first, ...others] };
  return { success: true, event: { type: 'available', calendar, dates: groupByDate(event, timeZone) } };
}

/** The problems of the range of local dates that windows are for. */
export function problemsOfRange(
  { from, to }: { readonly from: string; readonly to: string },
  timeZone: string,
): Problem[] {
  const problems = catchProblem(() => computeSlotConfigs({ timeZone, windows: [], from, to }));
  if (problems.length > 0 || to < LAST_DATE) return problems;
  return [{ path: 'to', reason: `must be before ${LAST_DATE}` }];
}

/** The problems of a window by itself and of its place in the range of dates. */
export function problemsOfWindow(
  window: ParsedAvailableEvent['windows'][number],
  { from, to }: { readonly from: string; readonly to: string },
  timeZone: string,
): Problem[] {
  const problems = catchProblem(() => readWindows([window], requireZone(timeZone), new OfferReader())).map(
    ({ path, reason }) => ({ path: path.replace(/^windows\[0\]\./, ''), reason }),
  );
  if (problems.length > 0) return problems;
  const [start, end] = [
    parseInstant(window.start, timeZone, 'start'),
    parseInstant(window.end, timeZone, 'end'),
  ];
  return [
    ...(localDate(start, timeZone) < from ? [{ path: 'start', reason: `lies before ${from}` }] : []),
    ...(localDate(end - 1, timeZone) > to ? [{ path: 'end', reason: `lies after ${to}` }] : []),
  ];
}

/** Groups valid windows by date, cut at local midnight. */
export function groupByDate(
  { from, to, windows }: Pick<ParsedAvailableEvent, 'from' | 'to' | 'windows'>,
  timeZone: string,
): Map<string, StoredWindow[]> {
  const dates = new Map<string, StoredWindow[]>();
  for (let date = from; date <= to; date = addDays(date, 1)) dates.set(date, []);
  for (const window of windows) {
    const [start, end] = [
      parseInstant(window.start, timeZone, 'start'),
      parseInstant(window.end, timeZone, 'end'),
    ];
    for (const date of datesOf({ start, end }, timeZone)) {
      dates.get(date)?.push({
        date,
        start: new Date(Math.max(start, startOfDate(date, timeZone))),
        end: new Date(Math.min(end, startOfDate(addDays(date, 1), timeZone))),
        services: window.services,
        ...(window.insurance === undefined ? {} : { insurance: window.insurance }),
      });
    }
  }
  // The database's order, so that the same windows in another order are no change.
  for (const list of dates.values()) {
    list.sort((a, b) => a.start.getTime() - b.start.getTime() || a.end.getTime() - b.end.getTime());
  }
  return dates;
}
