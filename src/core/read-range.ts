/** Determines the local dates that a computation covers. */
import { parseDate } from './calendar-date.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import type { Span } from './span.js';
import type { Zone } from './zone.js';

/** Inclusive day numbers. The range is empty if `last` is before `first`. */
export interface DayRange {
  readonly first: number;
  readonly last: number;
}

const MAX_DAYS = 366;

/**
 * Returns the range from `from` to `to`. The dates that the windows touch replace an absent bound.
 * @throws InvalidScheduleError at `from` or `to`; at `windows` if both bounds are absent and the windows span more than
 * 366 days
 */
export function readRange(
  { from, to }: { readonly from?: unknown; readonly to?: unknown },
  windows: readonly Span[],
  zone: Zone,
): DayRange {
  const requested = {
    first: from === undefined ? undefined : parseDate(from, 'from'),
    last: to === undefined ? undefined : parseDate(to, 'to'),
  };
  const touched =
    requested.first === undefined || requested.last === undefined
      ? findTouchedDates(windows, zone)
      : undefined;
  const range = {
    first: requested.first ?? touched?.first ?? Number.POSITIVE_INFINITY,
    last: requested.last ?? touched?.last ?? Number.NEGATIVE_INFINITY,
  };
  if (requested.first !== undefined && requested.last !== undefined && requested.last < requested.first) {
    throw new InvalidScheduleError('to', 'must not be before from');
  }
  if (range.last - range.first >= MAX_DAYS) {
    const path = to !== undefined ? 'to' : from !== undefined ? 'from' : 'windows';
    throw new InvalidScheduleError(path, `makes the range longer than ${MAX_DAYS} days`);
  }
  return range;
}

function findTouchedDates(windows: readonly Span[], zone: Zone): DayRange {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { start, end } of windows) {
    const begin = zone.stretchAt(start);
    const finish = zone.stretchAt(Math.ceil(end) - 1);
    first = Math.min(first, begin.day);
    last = Math.max(last, finish.day);
    // A clock set back over midnight shows the later date first and then the earlier date again.
    if (begin.end < end) first = Math.min(first, zone.stretchAt(begin.end).day);
    if (finish.start > start) last = Math.max(last, zone.stretchAt(finish.start - 1).day);
  }
  return { first, last };
}
