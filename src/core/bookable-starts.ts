/** The starts that the marketplace cuts from a slot configuration: what its getSlots shows for it. */
import { isoIn, requireZone } from './civil.js';
import { MINUTE } from './duration.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { readSlots } from './read-slots.js';
import type { AddressService, Slot } from './types.js';

/** An instant at which an appointment can begin, and the services for which it can. */
export interface BookableStart {
  /** ISO 8601 with seconds and an offset. */
  readonly start: string;
  /** Address service ids, in order. */
  readonly services: readonly string[];
}

/**
 * How the starts of a slot lie: each service every `duration` minutes, or all services every so many minutes as the
 * greatest common divisor of the durations in the slot. Where they are equal, both are the same.
 */
export type Cut = 'duration' | 'divisor';

export interface CutOptions {
  /** Default: `duration`. */
  readonly cut?: Cut | undefined;
}

/**
 * The bookable starts of a configuration, in order: for each service of a slot, one every `duration` minutes from the
 * slot's start, as long as the whole appointment fits; with the cut `divisor`, one every greatest common divisor of the
 * slot's durations. Contract: replaceSlots.
 *
 * Instants carry the offset that their slot's start has. Inside a slot in which the clock changes, that is not what
 * the wall clock shows after the change; with `timeZone`, it is.
 *
 * @throws InvalidScheduleError at a path below `slots`, at `timeZone`, or at `cut`
 */
export function bookableStarts(
  slots: readonly Slot[],
  timeZone?: string,
  { cut = 'duration' }: CutOptions = {},
): BookableStart[] {
  if (cut !== 'duration' && cut !== 'divisor') {
    throw new InvalidScheduleError('cut', 'must be duration or divisor');
  }
  const zone = timeZone === undefined ? undefined : requireZone(timeZone);
  const starts = new Map<number, { readonly start: string; readonly services: Set<string> }>();
  for (const slot of readSlots(slots, 'slots', zone)) {
    for (const { address_service_id: id, duration } of slot.services) {
      const step = stepOf(duration, slot.services, cut) * MINUTE;
      for (let ms = slot.start; ms + duration * MINUTE <= slot.end; ms += step) {
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

/**
 * How far apart the starts of a service lie, in minutes.
 * @param duration the service's, in minutes
 * @param services all of the slot
 */
export function stepOf(duration: number, services: readonly AddressService[], cut: Cut): number {
  if (cut === 'duration') return duration;
  return services.reduce((divisor, one) => commonDivisor(divisor, one.duration), duration);
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));
