/**
 * The duplicate rule, defeated. The marketplace ignores a body that it saw within the last three minutes, also
 * when something else went in between, and answers 201. So a body is never sent twice in that time: the same
 * work periods are written in another form.
 *
 * An instant has many spellings: 10:00+01:00, 09:00+00:00 and 10:30+01:30 are one moment, and the marketplace
 * converts every offset to the locale's zone. Form 0 spells the zone's own offset, the next ones shift it, and the
 * last ones cut a work period in two. Contract: Duplicates.
 */
import { hash } from 'node:crypto';
import { DateTime } from 'luxon';
import { NoPayloadVariantError } from '../context/no-payload-variant-error.js';
import { MINUTE } from '../core/duration.js';
import type { Slot } from '../core/index.js';

const THREE_MINUTES = 3 * MINUTE;
const CLOCKS_DIFFER_MS = 30_000;

/**
 * How long a body may not be sent again. The marketplace counts three minutes from when it had finished; we count
 * from before we sent it, so a request's whole time comes on top, with a token's before it.
 */
export const duplicateWindowMs = (requestTimeoutMs: number): number =>
  THREE_MINUTES + 2 * requestTimeoutMs + CLOCKS_DIFFER_MS;

const INSTANT = "yyyy-MM-dd'T'HH:mm:ssZZ";
const STEP_MINUTES = 15;
/** Offsets from −12:00 to +14:00 exist; beyond them a parser may refuse. */
const MAX_MINUTES = 14 * 60;
const MIN_MINUTES = -12 * 60;

export function hashOf(slots: readonly Slot[]): string {
  return hash('sha256', JSON.stringify(slots), 'hex');
}

/**
 * The first form that was not sent lately.
 * @throws {NoPayloadVariantError} when all were
 */
export function unusedPayloadVariant(
  slots: readonly Slot[],
  sentLately: ReadonlySet<string>,
): readonly Slot[] {
  for (const form of forms(slots)) {
    if (!sentLately.has(hashOf(form))) return form;
  }
  throw new NoPayloadVariantError();
}

/** All forms, the plain one first; those that are spelled differently, then those that are cut differently. */
export function* forms(slots: readonly Slot[]): Generator<readonly Slot[]> {
  yield slots;
  for (let step = 1; step * STEP_MINUTES <= MAX_MINUTES - MIN_MINUTES; step += 1) {
    for (const sign of [-1, 1]) {
      const shifted = shift(slots, sign * step * STEP_MINUTES);
      if (shifted !== undefined) yield shifted;
    }
  }
  yield* cuts(slots);
}

/**
 * Each entry in two, where no appointment reaches over the cut: at a common multiple of its durations after its start,
 * so that the second part begins with a start that was there before. A day from midnight to midnight, whose spelling
 * cannot change, has its other forms from here.
 */
function* cuts(slots: readonly Slot[]): Generator<readonly Slot[]> {
  for (const [index, slot] of slots.entries()) {
    const start = DateTime.fromISO(slot.start, { setZone: true });
    const minutes = DateTime.fromISO(slot.end).diff(start).as('minutes');
    const durations = slot.address_services.map(({ duration }) => duration);
    // Without services nothing begins in it: it empties the same range wherever it is cut.
    if (durations.length === 0) durations.push(1);
    const step = durations.reduce(commonMultiple, 1);
    // Nothing would be bookable in a second part that is shorter than every appointment.
    for (let at = step; at + Math.min(...durations) <= minutes; at += step) {
      const cut = start.plus({ minutes: at });
      // In the offset of the start, the last hour of a day of 25 is spelled as the next date.
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
 * A server that looks at the spelled date must still see an entry within one day, on its own day. So entries
 * whose date would change keep their spelling; one that changed is enough to make another body.
 */
function shift(slots: readonly Slot[], minutes: number): readonly Slot[] | undefined {
  let changed = false;
  const shifted = slots.map((slot) => {
    const start = respell(slot.start, minutes);
    const end = respell(slot.end, minutes);
    if (start === undefined || end === undefined) return slot;
    changed = true;
    return { ...slot, start, end };
  });
  return changed ? shifted : undefined;
}

function respell(instant: string, minutes: number): string | undefined {
  const plain = DateTime.fromISO(instant, { setZone: true });
  const offset = plain.offset + minutes;
  if (offset > MAX_MINUTES || offset < MIN_MINUTES) return undefined;
  const respelled = plain.setZone(
    `UTC${offset < 0 ? '-' : '+'}${Math.floor(Math.abs(offset) / 60)}:${String(Math.abs(offset) % 60).padStart(2, '0')}`,
  );
  if (respelled.toISODate() !== plain.toISODate()) return undefined;
  return respelled.toFormat(INSTANT);
}
