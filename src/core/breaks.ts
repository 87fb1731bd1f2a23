/**
 * Computes the calendar breaks that block busy time on the marketplace. Breaks are the alternative to slot configurations.
 */
import { isoIn, requireZone } from './civil.js';
import { MINUTE, SECOND } from './duration.js';
import { intersect, unite, widen } from './intervals.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import { readIntervals, readMinutes } from './read-schedule.js';
import type { Interval } from './types.js';

/** Contract: Breaks. */
export interface CalendarBreak {
  /** ISO 8601 with seconds and an offset. */
  readonly since: string;
  /** ISO 8601 with seconds and an offset. */
  readonly till: string;
}

export interface BreaksInput {
  /** Available time. Other fields of a window are ignored. */
  readonly windows: readonly Interval[];
  readonly busy: readonly Interval[];
  /** The zone of wall-clock times and of the breaks' offsets. Without it, instants need offsets and breaks are in UTC. */
  readonly timeZone?: string | undefined;
  /** Whole minutes kept free before each busy interval. Default 0. */
  readonly bufferBefore?: number | undefined;
  /** Whole minutes kept free after each busy interval. Default 0. */
  readonly bufferAfter?: number | undefined;
}

/**
 * Returns the breaks that block exactly the busy time (widened by the buffers) inside windows, in order. Breaks that touch
 * are merged. Fractions of a second are rounded outwards.
 * @throws InvalidScheduleError with the path of the invalid field
 */
export function computeBreaks(input: BreaksInput): CalendarBreak[] {
  if (!isRecord(input)) throw new InvalidScheduleError('input', 'must be an object');
  const zone = input.timeZone === undefined ? undefined : requireZone(input.timeZone);
  const windows = unite(readIntervals(input.windows, 'windows', zone));
  const before = readMinutes(input.bufferBefore, 0, 0, 'bufferBefore') * MINUTE;
  const after = readMinutes(input.bufferAfter, 0, 0, 'bufferAfter') * MINUTE;
  const busy = unite(widen(readIntervals(input.busy, 'busy', zone), before, after));
  const blocked = intersect(windows, busy);
  const { starts, ends } = unite({
    starts: blocked.starts.map((ms) => Math.floor(ms / SECOND) * SECOND),
    ends: blocked.ends.map((ms) => Math.ceil(ms / SECOND) * SECOND),
  });
  const outputZone = zone ?? requireZone('UTC');
  const iso = (ms: number) => isoIn(outputZone.stretchAt(ms), ms);
  const breaks: CalendarBreak[] = [];
  for (const [i, start] of starts.entries()) breaks.push({ since: iso(start), till: iso(ends[i] ?? start) });
  return breaks;
}
