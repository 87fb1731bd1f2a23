/**
 * Computes when a delayed job is due, in epoch milliseconds. BullMQ on PostgreSQL accepts whole numbers only: with a fraction
 * the job fails and is lost.
 */
export const delayedUntil = (afterMs: number): number => Date.now() + Math.ceil(afterMs);
