// Reads all pages of getBookings, which answers all bookings when no page is requested. Contract: getBookings.

import type { BookingScope } from './requests.js';
import type { Booking, Listed, UnreadableItem } from './wire.js';

const PAGE_SIZE = 100;

/** One answer of getBookings. `pages` is the count of pages; it is set on the first page. */
export interface BookingsPage extends Listed<Booking> {
  readonly pages?: number | undefined;
}

/** @param page 2 or higher; the first page is requested without a page */
export function buildBookingsQuery(
  start: string,
  end: string,
  scopes: readonly BookingScope[],
  page?: number,
): Record<string, string> {
  const paging = page === undefined ? {} : { page: String(page), limit: String(PAGE_SIZE) };
  return { start, end, ...paging, ...buildScopeQuery('booking', scopes) };
}

/** `{ with: 'booking.patient,...' }`, or an empty object without scopes. */
export function buildScopeQuery(of: string, scopes: readonly string[]): { readonly with?: string } {
  return scopes.length === 0 ? {} : { with: scopes.map((scope) => `${of}.${scope}`).join(',') };
}

/**
 * Requests all bookings in one answer, because a booking could move from an unread page to a read one between two requests and be
 * missed. When the marketplace pages nevertheless, its answer has `pages`; a booking on two pages counts once.
 */
export async function readAllBookings(
  readPage: (page: number | undefined) => Promise<BookingsPage>,
): Promise<Listed<Booking>> {
  const found = new Map<string, Booking>();
  const unreadable = new Map<string, UnreadableItem>();
  let pages = 1;
  for (let page = 1; page <= pages; page += 1) {
    const listed = await readPage(page === 1 ? undefined : page);
    for (const booking of listed.items) found.set(booking.id, booking);
    for (const one of listed.unreadable) unreadable.set(one.id ?? `without an id: ${one.problem}`, one);
    pages = listed.pages ?? pages;
  }
  return { items: [...found.values()], unreadable: [...unreadable.values()] };
}
