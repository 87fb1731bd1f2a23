// getBookings answers all that there are where no page is asked for. Contract: getBookings.

import type { BookingScope } from './requests.js';
import type { Booking, Listed, Unread } from './wire.js';

const pageSize = 100;

/** One answer of getBookings; `pages` where it is the first of several, or the only one. */
export interface BookingsPage extends Listed<Booking> {
  readonly pages?: number | undefined;
}

/** @param page from the second on; the first is the answer to a request that names none */
export function bookingsQuery(
  start: string,
  end: string,
  scopes: readonly BookingScope[],
  page?: number,
): Record<string, string> {
  const paging = page === undefined ? {} : { page: String(page), limit: String(pageSize) };
  return { start, end, ...paging, ...withScopes('booking', scopes) };
}

/** `{ with: 'booking.patient,…' }`, or nothing. */
export function withScopes(of: string, scopes: readonly string[]): { readonly with?: string } {
  return scopes.length === 0 ? {} : { with: scopes.map((scope) => `${of}.${scope}`).join(',') };
}

/**
 * All in one answer: between two pages a booking could change its place and be missed. A marketplace that pages all the
 * same says how many `pages` there are; a booking that comes on two of them counts once.
 */
export async function allBookings(
  readPage: (page: number | undefined) => Promise<BookingsPage>,
): Promise<Listed<Booking>> {
  const found = new Map<string, Booking>();
  const unread = new Map<string, Unread>();
  let pages = 1;
  for (let page = 1; page <= pages; page += 1) {
    const listed = await readPage(page === 1 ? undefined : page);
    for (const booking of listed.items) found.set(booking.id, booking);
    for (const one of listed.unread) unread.set(one.id ?? `without an id: ${one.problem}`, one);
    pages = listed.pages ?? pages;
  }
  return { items: [...found.values()], unread: [...unread.values()] };
}
