/** In which order bookings follow their appointments. Pure. */
import type { LinkedBookingChange } from '../db/tables/linked-bookings.js';

/** Whether the one stands where the other is to go. */
export function isInTheWay(one: LinkedBookingChange, other: LinkedBookingChange): boolean {
  if (one === other || other.to === undefined) return false;
  const { start, end } = other.booking;
  const from = other.to.start.getTime();
  const to = from + (end.getTime() - start.getTime());
  return one.booking.start.getTime() < to && one.booking.end.getTime() > from;
}

/**
 * Each after those that stand where it is to go: a whole day that moves by twenty minutes begins with its last booking.
 * What only frees time comes last, unless a move waits for it. Of bookings that change places one is refused.
 */
export function inOrder(all: readonly LinkedBookingChange[]): LinkedBookingChange[] {
  const ordered = new Set<LinkedBookingChange>();
  const begun = new Set<LinkedBookingChange>();
  const put = (one: LinkedBookingChange): void => {
    if (begun.has(one)) return;
    begun.add(one);
    for (const other of all) if (isInTheWay(other, one)) put(other);
    ordered.add(one);
  };
  for (const one of all) if (one.to !== undefined) put(one);
  for (const one of all) put(one);
  return [...ordered];
}
