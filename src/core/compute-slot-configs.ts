/** Availability minus occupancy: the slot configuration of each day. The heart of the project. */
import { buildTimeline } from './availability.js';
import { requireInstant, requireZone } from './civil.js';
import { DayWriter } from './day-writer.js';
import { MINUTE } from './duration.js';
import { subtract, unite, widen } from './intervals.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import { OfferReader } from './offers.js';
import { readRange } from './read-range.js';
import { readIntervals, readMinutes, readWindows } from './read-schedule.js';
import type { ComputeInput, Day } from './types.js';

/**
 * The slot configurations of the local dates `from` to `to`, one entry for each date, `slots: []` where nothing is
 * free.
 *
 * For each service, availability is what windows list it for, minus busy time widened by the buffers, minus what lies
 * outside `notBefore` and `notAfter`. A slot is a maximal run of instants over which the same services are available,
 * cut at local midnight (an end at midnight becomes 23:59), rounded inwards to whole minutes, begun on the grid, and
 * without the services that no longer fit.
 *
 * @throws InvalidScheduleError with the path of what is wrong: an end not after its start; an unreadable instant, date
 * or zone; a duration that is not a whole minute of at least 1; no services; two durations of one service, or two sets
 * of insurance terms, at one instant; terms and insurers that contradict each other; more than 366 days
 */
export function computeSlotConfigs(input: ComputeInput): Day[] {
  if (!isRecord(input)) throw new InvalidScheduleError('input', 'must be an object');
  const zone = requireZone(input.timeZone);
  const reader = new OfferReader();
  const windows = readWindows(input.windows, zone, reader);
  const before = readMinutes(input.bufferBefore, 0, 0, 'bufferBefore') * MINUTE;
  const after = readMinutes(input.bufferAfter, 0, 0, 'bufferAfter') * MINUTE;
  const busy = unite(widen(readIntervals(input.busy ?? [], 'busy', zone), before, after));
  const grid = readMinutes(input.grid, 1, 1, 'grid');
  const { notBefore, notAfter } = input;
  const earliest = notBefore === undefined ? 0 : requireInstant(notBefore, zone, 'notBefore');
  const latest =
    notAfter === undefined ? Number.POSITIVE_INFINITY : requireInstant(notAfter, zone, 'notAfter');
  const range = readRange(input, windows, zone);
  const timeline = buildTimeline(windows, reader);

  const days = new DayWriter(zone, range, grid);
  const first = Math.max(earliest, days.start);
  const last = Math.min(latest, days.end);
  subtract(timeline, busy, (start, end, i) => {
    const offer = timeline.offers[i];
    if (offer !== undefined) days.write(Math.max(start, first), Math.min(end, last), offer);
  });
  return days.days;
}
