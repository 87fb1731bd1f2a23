/** Two configurations of a day against each other: whether they are the same, what opened and what closed. */
import { type Spans, subtract, unite } from './intervals.js';
import { readSlots } from './read-slots.js';
import type { Slot } from './types.js';

/** Half-open, epoch ms. */
export interface ServiceInterval {
  /** Address service id. */
  readonly service: string;
  readonly start: number;
  readonly end: number;
}

export interface SlotChanges {
  /** On offer after and not before, in order of start, then service. */
  readonly opened: readonly ServiceInterval[];
  /** On offer before and no longer, in order of start, then service. */
  readonly closed: readonly ServiceInterval[];
}

/**
 * What opened and what closed for each service, as intervals. Time that stays on offer with another duration or with
 * other insurance terms has closed and opened, because the old starts are gone.
 * @throws InvalidScheduleError at a path below `before` or `after`
 */
export function compareSlots(before: readonly Slot[], after: readonly Slot[]): SlotChanges {
  const old = collectAvailability(before, 'before');
  const now = collectAvailability(after, 'after');
  return { opened: subtractAvailability(now, old), closed: subtractAvailability(old, now) };
}

/**
 * Whether two configurations mean the same to the marketplace, whatever the order of entries, services and ids, and
 * with whatever offsets their instants are written.
 * @throws InvalidScheduleError at a path below `a` or `b`
 */
export function sameSlots(a: readonly Slot[], b: readonly Slot[]): boolean {
  const [ours, theirs] = [comparableEntries(a, 'a'), comparableEntries(b, 'b')];
  return ours.length === theirs.length && ours.every((entry, i) => entry === theirs[i]);
}

/** An entry is not the sum of its halves: the marketplace begins to cut starts anew in each. */
function comparableEntries(slots: readonly Slot[], path: string): string[] {
  return readSlots(slots, path)
    .map(({ start, end, services, terms }) => {
      const each = services.map((service) => JSON.stringify([service.address_service_id, service.duration]));
      return [start, end, terms, ...new Set(each.sort())].join();
    })
    .sort();
}

interface Availability extends Spans {
  readonly service: string;
}

/** Availability for each service, duration and terms. */
function collectAvailability(slots: readonly Slot[], path: string): Map<string, Availability> {
  const all = new Map<string, Availability>();
  for (const { start, end, services, terms } of readSlots(slots, path)) {
    for (const { address_service_id: service, duration } of services) {
      const key = JSON.stringify([service, duration, terms]);
      const known = all.get(key) ?? { service, starts: [], ends: [] };
      all.set(key, known);
      known.starts.push(start);
      known.ends.push(end);
    }
  }
  return all;
}

function subtractAvailability(
  minuend: ReadonlyMap<string, Availability>,
  subtrahend: ReadonlyMap<string, Availability>,
): ServiceInterval[] {
  const left: ServiceInterval[] = [];
  for (const [key, availability] of minuend) {
    const { service } = availability;
    const taken = unite(subtrahend.get(key) ?? { starts: [], ends: [] });
    subtract(unite(availability), taken, (start, end) => left.push({ service, start, end }));
  }
  return left.sort(
    (a, b) => a.start - b.start || (a.service < b.service ? -1 : a.service > b.service ? 1 : 0),
  );
}
