/** Computes the slot configuration of each day: available time minus busy time. */
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
 * Returns the slot configurations of the local dates `from` to `to`, one entry for each date. A date without free time has
 * `slots: []`.
 *
 * The availability of a service is the time of the windows that list it, minus busy time widened by the buffers, minus time
 * outside `notBefore` and `notAfter`. A slot is a maximal interval over which the available services are constant. It is
 * split at local midnight (an end at midnight becomes 23:59), rounded inwards to whole minutes, and its start is moved
 * forward to the grid. Services that no longer fit are omitted.
 *
 * @throws InvalidScheduleError with the path of the invalid field: an end not after its start; an instant, date or zone that
 * cannot be parsed; a duration that is not a whole number of minutes of at least 1; no services; two durations of one
 * service, or two sets of insurance terms, at one instant; terms and insurers that contradict each other; more than 366 days
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
