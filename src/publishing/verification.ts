/**
 * When a write is verified, and what the read means. A read may lag seconds behind a write: a difference is read again, and
 * repaired once. Pure; times are epoch milliseconds, or milliseconds where they end in `Ms`. Contract: getSlots.
 */
import type { Difference } from './diff-availability.js';

/** How long after a write it is read, for as long as the reads differ. */
export const READ_AFTER_MS: readonly number[] = [0, 1_000, 2_000, 5_500, 10_000];
/** A read that is so much later than the write does not lag behind it. */
export const SETTLED_MS = 10_000;
/** An ignored write that leaves something on sale is repaired after this. */
const REPAIR_SALE_MS = 2_000;

/** The state of a day's verification when it is read. */
export interface VerificationState {
  readonly writtenAt: number;
  /** How many reads before this one differed since the write. */
  readonly differing: number;
  readonly repaired: boolean;
}

export type Outcome =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'read-again'; readonly at: number }
  | { readonly kind: 'repair' }
  | { readonly kind: 'failed' };

/**
 * @param readAt when the read began
 * @param lagMs the observed read lag of this address
 */
export function outcomeOf(
  { writtenAt, differing, repaired }: VerificationState,
  difference: Pick<Difference, 'oversells' | 'otherCut'> | undefined,
  readAt: number,
  lagMs: number,
): Outcome {
  if (difference === undefined) return { kind: 'agrees' };
  const age = readAt - writtenAt;
  // A day that matches the other cut exactly is not the state before the write.
  if (difference.otherCut !== undefined && isPastLag(age, lagMs)) return { kind: 'agrees' };
  if (age >= SETTLED_MS) return { kind: repaired ? 'failed' : 'repair' };
  if (difference.oversells && !repaired && differing > 0 && isPastLag(age, lagMs)) return { kind: 'repair' };
  return { kind: 'read-again', at: writtenAt + (READ_AFTER_MS.find((ms) => ms > age) ?? SETTLED_MS) };
}

const isPastLag = (age: number, lagMs: number): boolean => age >= Math.max(REPAIR_SALE_MS, lagMs);

/**
 * The read lag, from a read that agrees: the time since the write where earlier reads differed; otherwise one step less than
 * the known lag, so that a shorter lag is found out.
 */
export function readLagFrom(
  { writtenAt, differing }: VerificationState,
  readAt: number,
  knownMs: number,
): number {
  const isStep = (ms: number): boolean => (differing > 0 ? ms <= readAt - writtenAt : ms < knownMs);
  return READ_AFTER_MS.filter(isStep).at(-1) ?? 0;
}
