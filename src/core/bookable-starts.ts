/** The starts that the marketplace cuts from a slot configuration: what its getSlots shows for it. */
import { MINUTE } from './calendar-date.js';
import { isoIn, zoneNamed } from './civil.js';
import { readSlots } from './read-slots.js';
import type { Slot } from './types.js';

/** An instant at which an appointment can begin, and the services for which it can. */
export interface BookableStart {
  /** ISO 8601 with seconds and an offset. */
  readonly start: string;
  /** Address service ids, in order. */
  readonly services: readonly string[];
}

/**
 * The bookable starts of a configuration, in order: for each service of a slot, one every `duration` minutes from the
 * slot's start, as long as the whole appointment fits. Contract: replaceSlots.
 *
 * Instants carry the offset that their slot's start has. Inside a slot in which the clock changes, that is not what
 * the wall clock shows after the change; with `timeZone`, it is.
 *
 * @throws InvalidScheduleError at a path below `slots`, or at `timeZone`
 */
export function bookableStarts(slots: readonly Slot[], timeZone?: string): BookableStart[] {
  const zone = timeZone === undefined ? undefined : zoneNamed(timeZone);
  const starts = new Map<number, { readonly start: string; readonly services: Set<string> }>();
  for (const slot of readSlots(slots, 'slots', zone)) {
    for (const { address_service_id: id, duration } of slot.services) {
      for (let ms = slot.start; ms + duration * MINUTE <= slot.end; ms += duration * MINUTE) {
        const known = starts.get(ms);
        if (known !== undefined) known.services.add(id);
        else starts.set(ms, { start: isoIn(slot.zone.stretchAt(ms), ms), services: new Set([id]) });
      }
    }
  }
  return [...starts]
    .sort(([a], [b]) => a - b)
    .map(([, { start, services }]) => ({ start, services: [...services].sort() }));
}
