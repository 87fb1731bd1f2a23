/**
 * When what was written is read, and what a reading of it means. A reading may be seconds behind a write: a difference is read
 * again, and is repaired once. Pure; times are epoch milliseconds, or milliseconds where they say `Ms`. Contract: getSlots.
 */
import type { Difference } from './diff-availability.js';

/** How long after a write it is read, for as long as readings differ. */
export const READ_AFTER_MS: readonly number[] = [0, 1_000, 2_000, 5_500, 10_000];
/** A reading that is so much later than the write is not behind it. */
export const SETTLED_MS = 10_000;
/** An ignored write is repaired after this where it leaves something on sale. */
const REPAIR_SALE_MS = 2_000;

/** How a day's verification stands when it is read. */
export interface Standing {
  readonly writtenAt: number;
  /** Readings before this one that differed, since it was written. */
  readonly differing: number;
  readonly repaired: boolean;
}

export type Outcome =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'read-again'; readonly at: number }
  | { readonly kind: 'repair' }
  | { readonly kind: 'failed' };

/**
 * @param readAt when the reading began
 * @param lagMs how far behind readings of this address were seen to be
 */
export function outcomeOf(
  { writtenAt, differing, repaired }: Standing,
  difference: Pick<Difference, 'oversells' | 'otherCut'> | undefined,
  readAt: number,
  lagMs: number,
): Outcome {
  if (difference === undefined) return { kind: 'agrees' };
  const age = readAt - writtenAt;
  // Such a day as a whole is no remnant of an older one.
  if (difference.otherCut !== undefined && isFresh(age, lagMs)) return { kind: 'agrees' };
  if (age >= SETTLED_MS) return { kind: repaired ? 'failed' : 'repair' };
  if (difference.oversells && !repaired && differing > 0 && isFresh(age, lagMs)) return { kind: 'repair' };
  return { kind: 'read-again', at: writtenAt + (READ_AFTER_MS.find((ms) => ms > age) ?? SETTLED_MS) };
}

const isFresh = (age: number, lagMs: number): boolean => age >= Math.max(REPAIR_SALE_MS, lagMs);

/**
 * How far behind readings are, from one that agrees: as far as this one was from the write, where others before it
 * differed; else a step less than was known, so that it is found out when they are no longer.
 */
export function lagFrom({ writtenAt, differing }: Standing, readAt: number, knownMs: number): number {
  const isStep = (ms: number): boolean => (differing > 0 ? ms <= readAt - writtenAt : ms < knownMs);
  return READ_AFTER_MS.filter(isStep).at(-1) ?? 0;
}
