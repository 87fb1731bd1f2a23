/** The order in which linked bookings are synchronized. Pure. */
import type { LinkedBookingChange } from '../db/tables/linked-bookings.js';

/** Whether the first booking blocks the target time of the second. */
export function isInTheWay(one: LinkedBookingChange, other: LinkedBookingChange): boolean {
  if (one === other || other.to === undefined) return false;
  const { start, end } = other.booking;
  const from = other.to.start.getTime();
  const to = from + (end.getTime() - start.getTime());
  return one.booking.start.getTime() < to && one.booking.end.getTime() > from;
}

/**
 * Orders each booking after those that block its target time: a whole day that moves by twenty minutes begins with its last
 * booking. Cancellations come last, unless a move waits for them. Of two bookings that swap their times one is refused.
 */
export function inOrder(all: readonly LinkedBookingChange[]): LinkedBookingChange[] {
  const ordered = new Set<LinkedBookingChange>();
  const visited = new Set<LinkedBookingChange>();
  const put = (one: LinkedBookingChange): void => {
    if (visited.has(one)) return;
    visited.add(one);
    for (const other of all) if (isInTheWay(other, one)) put(other);
    ordered.add(one);
  };
  for (const one of all) if (one.to !== undefined) put(one);
  for (const one of all) put(one);
  return [...ordered];
}
