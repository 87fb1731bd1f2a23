/** Compares two slot configurations: whether they are equal, and which time opened and closed. */
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
  /** Bookable in `after` and not in `before`. Ordered by start, then service. */
  readonly opened: readonly ServiceInterval[];
  /** Bookable in `before` and not in `after`. Ordered by start, then service. */
  readonly closed: readonly ServiceInterval[];
}

/**
 * Returns the intervals that opened and closed for each service. Time that stays bookable with another duration or other
 * insurance terms is both closed and opened, because its old starts no longer exist.
 * @throws InvalidScheduleError at a path below `before` or `after`
 */
export function compareSlots(before: readonly Slot[], after: readonly Slot[]): SlotChanges {
  const old = collectAvailability(before, 'before');
  const now = collectAvailability(after, 'after');
  return { opened: subtractAvailability(now, old), closed: subtractAvailability(old, now) };
}

/**
 * Whether two configurations are equivalent for the marketplace. The order of entries, services and ids and the offsets of
 * the instants are ignored.
 * @throws InvalidScheduleError at a path below `a` or `b`
 */
export function sameSlots(a: readonly Slot[], b: readonly Slot[]): boolean {
  const [entriesOfA, entriesOfB] = [comparableEntries(a, 'a'), comparableEntries(b, 'b')];
  return entriesOfA.length === entriesOfB.length && entriesOfA.every((entry, i) => entry === entriesOfB[i]);
}

/** Adjacent entries are not merged, because the marketplace computes the starts of each entry from that entry's start. */
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

/** Collects the availability of each combination of service, duration and insurance terms. */
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
  const remaining: ServiceInterval[] = [];
  for (const [key, availability] of minuend) {
    const { service } = availability;
    const excluded = unite(subtrahend.get(key) ?? { starts: [], ends: [] });
    subtract(unite(availability), excluded, (start, end) => remaining.push({ service, start, end }));
  }
  return remaining.sort(
    (a, b) => a.start - b.start || (a.service < b.service ? -1 : a.service > b.service ? 1 : 0),
  );
}
