// getBookings comes in pages without a total: a short page is the last. Contract: hosts (collections), resources.

import type { BookingScope } from './requests.js';
import type { Booking } from './wire.js';

const pageSize = 100;

export function bookingsQuery(
  start: string,
  end: string,
  scopes: readonly BookingScope[],
  page: number,
): Record<string, string> {
  const query = { start, end, page: String(page), limit: String(pageSize) };
  return scopes.length === 0
    ? query
    : { ...query, with: scopes.map((scope) => `booking.${scope}`).join(',') };
}

/** A booking that moves to another page while they are read comes twice; it is told once. */
export async function allBookings(readPage: (page: number) => Promise<Booking[]>): Promise<Booking[]> {
  const found = new Map<string, Booking>();
  for (let page = 1; ; page += 1) {
    const known = found.size;
    const items = await readPage(page);
    for (const booking of items) found.set(booking.id, booking);
    // A full page with nothing new in it would repeat for ever: the server does not page.
    if (items.length < pageSize || found.size === known) return [...found.values()];
  }
}
