/** Ways to the slots of a day: the obvious one, the one that does nothing it could leave out, and the core's. */
import { DateTime, Interval } from 'luxon';
import { computeSlotConfigs, type Instant, type Slot } from 'slotkeeper/core';
import { type DayInput, timeZone } from './calendars.js';

const address_services = [{ address_service_id: '123', duration: 10 }];

/** What one writes first: luxon's intervals, luxon's difference, luxon's text. */
export const luxonWay = ({ windows, busy }: DayInput): Slot[] => luxonSlots(windows, busy.map(luxonInterval));

/** The same where busy time overlaps: to merge it first is faster. */
export const luxonMerging = ({ windows, busy }: DayInput): Slot[] =>
  luxonSlots(windows, Interval.merge(busy.map(luxonInterval)));

function luxonSlots(windows: DayInput['windows'], taken: readonly Interval[]): Slot[] {
  const text = (at: DateTime | null) => at?.toISO({ suppressMilliseconds: true }) ?? '';
  return windows
    .flatMap((window) => luxonInterval(window).difference(...taken))
    .map((free) => ({ start: text(free.start), end: text(free.end), address_services }));
}

function luxonInterval({ start, end }: { readonly start: Instant; readonly end: Instant }): Interval {
  const read = (at: Instant) =>
    typeof at === 'number'
      ? DateTime.fromMillis(at, { zone: timeZone })
      : DateTime.fromISO(String(at), { zone: timeZone });
  return Interval.fromDateTimes(read(start), read(end));
}

/**
 * The floor: one loop, for one date that begins at `midnight`, one service, one offset, and input that is known to be
 * right, sorted and apart. No validation, no zones, no rounding: nothing is done that could be left out while the
 * slots of these days come out the same.
 */
export function bareLoop({ date, windows, busy }: DayInput): Slot[] {
  const midnight = Date.parse(`${date}T00:00:00+01:00`);
  const text = (ms: number) => {
    const minutes = (ms - midnight) / 60_000;
    return `${date}T${two[Math.trunc(minutes / 60)]}:${two[minutes % 60]}:00+01:00`;
  };
  const slots: Slot[] = [];
  let next = 0;
  for (const window of windows) {
    let free = epoch(window.start);
    const end = epoch(window.end);
    for (; next < busy.length; next++) {
      const taken = busy[next];
      if (taken === undefined) break;
      const start = epoch(taken.start);
      if (start >= end) break;
      if (start > free) slots.push({ start: text(free), end: text(start), address_services });
      free = epoch(taken.end);
    }
    if (free < end) slots.push({ start: text(free), end: text(end), address_services });
  }
  return slots;
}

const two = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
const epoch = (at: Instant) => (typeof at === 'number' ? at : Date.parse(String(at)));

export function core({ date, windows, busy }: DayInput): readonly Slot[] {
  const [day] = computeSlotConfigs({ timeZone, windows, busy, from: date, to: date });
  return day?.slots ?? [];
}

/** The core, left to find the date itself. */
export function coreUndated({ windows, busy }: DayInput): readonly Slot[] {
  const [day] = computeSlotConfigs({ timeZone, windows, busy });
  return day?.slots ?? [];
}
