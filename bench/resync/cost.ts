/** What a resync asked of the marketplace. Pure. */
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
