/**
 * When a job that is put off is due, in epoch milliseconds. BullMQ on PostgreSQL takes whole numbers only: with another
 * one the job fails, and is gone.
 */
export const delayedUntil = (afterMs: number): number => Date.now() + Math.ceil(afterMs);
