/** Computes the bookable starts that the marketplace's getSlots returns for a slot configuration. */
import { isoIn, requireZone } from './civil.js';
import { MINUTE } from './duration.js';
import { unite } from './intervals.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { readIntervals } from './read-schedule.js';
import { readSlots } from './read-slots.js';
import { overlaps, type Span } from './span.js';
import type { AddressService, Interval, Slot } from './types.js';
import type { Zone } from './zone.js';

/** An instant at which an appointment can begin, and the services that are bookable at it. */
export interface BookableStart {
  /** ISO 8601 with seconds and an offset. */
  readonly start: string;
  /** Address service ids, sorted. */
  readonly services: readonly string[];
}

/**
 * The step between the starts of a slot. With `duration`, each service has a start every `duration` minutes. With
 * `divisor`, all services have a start every N minutes, where N is the greatest common divisor of the slot's durations.
 * Both are the same if all durations are equal.
 */
export type Cut = 'duration' | 'divisor';

export interface CutOptions {
  /** Default: `duration`. */
  readonly cut?: Cut | undefined;
  /**
   * Time that the marketplace's breaks and bookings block: a start whose appointment overlaps it is not bookable. Instants
   * need an offset, or the `timeZone` of the call.
   */
  readonly blocked?: readonly Interval[] | undefined;
}

/**
 * Returns the bookable starts of a configuration in order. The starts of a service begin at the slot's start and continue
 * at the step of {@link Cut} while the whole appointment fits into the slot. Contract: replaceSlots.
 *
 * Without `timeZone`, a start has the offset of its slot's start, which differs from the wall clock after a clock change
 * within the slot. With `timeZone`, a start has the zone's offset at that instant.
 *
 * @throws InvalidScheduleError at a path below `slots` or `blocked`, at `timeZone`, or at `cut`
 */
export function bookableStarts(
  slots: readonly Slot[],
  timeZone?: string,
  { cut = 'duration', blocked = [] }: CutOptions = {},
): BookableStart[] {
  if (cut !== 'duration' && cut !== 'divisor') {
    throw new InvalidScheduleError('cut', 'must be duration or divisor');
  }
  const zone = timeZone === undefined ? undefined : requireZone(timeZone);
  const closed = spansOf(blocked, zone);
  const starts = new Map<number, { readonly start: string; readonly services: Set<string> }>();
  for (const slot of readSlots(slots, 'slots', zone)) {
    const near = closed.filter((one) => overlaps(one, slot));
    for (const { address_service_id: id, duration } of slot.services) {
      const step = stepOf(duration, slot.services, cut) * MINUTE;
      for (let ms = slot.start; ms + duration * MINUTE <= slot.end; ms += step) {
        const appointment = { start: ms, end: ms + duration * MINUTE };
        if (near.some((one) => overlaps(one, appointment))) continue;
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

function spansOf(blocked: readonly Interval[], zone: Zone | undefined): Span[] {
  const { starts, ends } = unite(readIntervals(blocked, 'blocked', zone));
  return starts.map((start, i) => ({ start, end: ends[i] ?? start }));
}

/**
 * Returns the step between the starts of a service, in minutes.
 * @param duration the duration of the service, in minutes
 * @param services all services of the slot
 */
export function stepOf(duration: number, services: readonly AddressService[], cut: Cut): number {
  if (cut === 'duration') return duration;
  return services.reduce((divisor, one) => commonDivisor(divisor, one.duration), duration);
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));
