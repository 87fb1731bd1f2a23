// getBookings comes in pages without a total: a short page is the last. Contract: hosts (collections), resources.

import type { BookingScope } from './requests.js';
import type { Booking, Listed, Unread } from './wire.js';

const pageSize = 100;

export function bookingsQuery(
  start: string,
  end: string,
  scopes: readonly BookingScope[],
  page: number,
): Record<string, string> {
  const query = { start, end, page: String(page), limit: String(pageSize) };
  return { ...query, ...withScopes('booking', scopes) };
}

/** `{ with: 'booking.patient,…' }`, or nothing. */
export function withScopes(of: string, scopes: readonly string[]): { readonly with?: string } {
  return scopes.length === 0 ? {} : { with: scopes.map((scope) => `${of}.${scope}`).join(',') };
}

/** A booking that moves to another page while they are read comes twice; it is told once. */
export async function allBookings(
  readPage: (page: number) => Promise<Listed<Booking>>,
): Promise<Listed<Booking>> {
  const found = new Map<string, Booking>();
  const unread = new Map<string, Unread>();
  for (let page = 1; ; page += 1) {
    const known = found.size + unread.size;
    const listed = await readPage(page);
    for (const booking of listed.items) found.set(booking.id, booking);
    for (const one of listed.unread) unread.set(one.id ?? `without an id: ${one.problem}`, one);
    const isShort = listed.items.length + listed.unread.length < pageSize;
    // A full page with nothing new in it would repeat for ever: the server does not page.
    if (isShort || found.size + unread.size === known) {
      return { items: [...found.values()], unread: [...unread.values()] };
    }
  }
}
