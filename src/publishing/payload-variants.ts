/**
 * Variants of one payload, for the marketplace's duplicate rule. The marketplace ignores a body that it received within the
 * last three minutes, also when others were sent in between, and answers 201. So a body is never sent twice in that time:
 * the same work periods are written as another variant.
 * An instant can be written in many ways: 10:00+01:00, 09:00+00:00 and 10:30+01:30 are one moment, and the marketplace
 * converts every offset to the locale's zone. Variant 0 uses the zone's own offset, the next ones shift the offset, and the
 * last ones split a work period in two. Contract: Duplicates.
 */
import { hash } from 'node:crypto';
import { DateTime } from 'luxon';
import { NoPayloadVariantError } from '../context/no-payload-variant-error.js';
import type { Slot } from '../core/index.js';

const INSTANT = "yyyy-MM-dd'T'HH:mm:ssZZ";
const STEP_MINUTES = 15;
/** Offsets from -12:00 to +14:00 exist; a parser may refuse others. */
const MAX_MINUTES = 14 * 60;
const MIN_MINUTES = -12 * 60;

export function payloadHash(slots: readonly Slot[]): string {
  return hash('sha256', JSON.stringify(slots), 'hex');
}

/**
 * The first variant that was not sent within the duplicate window.
 * @throws {NoPayloadVariantError} where all were sent
 */
export function unusedPayloadVariant(
  slots: readonly Slot[],
  recentHashes: ReadonlySet<string>,
): readonly Slot[] {
  for (const variant of payloadVariants(slots)) {
    if (!recentHashes.has(payloadHash(variant))) return variant;
  }
  throw new NoPayloadVariantError();
}

/** All variants, the plain one first, then those with other offsets, then those with a split period. */
export function* payloadVariants(slots: readonly Slot[]): Generator<readonly Slot[]> {
  yield slots;
  for (let step = 1; step * STEP_MINUTES <= MAX_MINUTES - MIN_MINUTES; step += 1) {
    for (const sign of [-1, 1]) {
      const shifted = shiftOffsets(slots, sign * step * STEP_MINUTES);
      if (shifted !== undefined) yield shifted;
    }
  }
  yield* splitVariants(slots);
}

/**
 * Splits each entry in two where no appointment reaches over the split: at a common multiple of its durations after its
 * start, so that the second part begins with a start that existed before. A day from midnight to midnight, whose offset
 * cannot change, has only these variants.
 */
function* splitVariants(slots: readonly Slot[]): Generator<readonly Slot[]> {
  for (const [index, slot] of slots.entries()) {
    const start = DateTime.fromISO(slot.start, { setZone: true });
    const minutes = DateTime.fromISO(slot.end).diff(start).as('minutes');
    const durations = slot.address_services.map(({ duration }) => duration);
    // Without services nothing is bookable: the entry empties the same range wherever it is split.
    if (durations.length === 0) durations.push(1);
    const step = durations.reduce(commonMultiple, 1);
    // Nothing would be bookable in a second part that is shorter than every appointment.
    for (let at = step; at + Math.min(...durations) <= minutes; at += step) {
      const cut = start.plus({ minutes: at });
      // In the offset of the start, the last hour of a day of 25 hours has the next date.
      if (cut.toISODate() !== start.toISODate()) break;
      const parts = [
        { ...slot, end: cut.toFormat(INSTANT) },
        { ...slot, start: cut.toFormat(INSTANT) },
      ];
      yield [...slots.slice(0, index), ...parts, ...slots.slice(index + 1)];
    }
  }
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));
const commonMultiple = (a: number, b: number): number => (a / commonDivisor(a, b)) * b;

/**
 * A server that reads the written date must still see an entry within its own day. So entries whose date would change keep
 * their offset; one changed entry is enough for another body.
 */
function shiftOffsets(slots: readonly Slot[], minutes: number): readonly Slot[] | undefined {
  let changed = false;
  const shifted = slots.map((slot) => {
    const start = changeOffset(slot.start, minutes);
    const end = changeOffset(slot.end, minutes);
    if (start === undefined || end === undefined) return slot;
    changed = true;
    return { ...slot, start, end };
  });
  return changed ? shifted : undefined;
}

function changeOffset(instant: string, minutes: number): string | undefined {
  const plain = DateTime.fromISO(instant, { setZone: true });
  const offset = plain.offset + minutes;
  if (offset > MAX_MINUTES || offset < MIN_MINUTES) return undefined;
  const shifted = plain.setZone(
    `UTC${offset < 0 ? '-' : '+'}${Math.floor(Math.abs(offset) / 60)}:${String(Math.abs(offset) % 60).padStart(2, '0')}`,
  );
  if (shifted.toISODate() !== plain.toISODate()) return undefined;
  return shifted.toFormat(INSTANT);
}
