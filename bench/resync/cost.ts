/** Requests, and how long the marketplace's limits would stretch them. Pure. */
import type { Operations } from './marketplace.js';

export interface Cost {
  readonly reads: number;
  readonly writes: number;
}

const READS = new Set(['getSlots', 'getBookings', 'getBooking', 'getCalendarBreaks']);

export function costOf(operations: Operations): Cost {
  let [reads, writes] = [0, 0];
  for (const [operation, count] of Object.entries(operations)) {
    if (operation === 'token') continue;
    if (READS.has(operation)) reads += count;
    else writes += count;
  }
  return { reads, writes };
}

/** Contract: Limits. 500 requests in 5 minutes, 40 writes a minute. */
const REQUESTS_A_MINUTE = 500 / 5;
const WRITES_A_MINUTE = 40;

export function stretchedMinutes({ reads, writes }: Cost): number {
  return Math.max((reads + writes) / REQUESTS_A_MINUTE, writes / WRITES_A_MINUTE);
}
