/**
 * Fetches the bookings that begin in a range, as the marketplace lists them. Stored bookings that the list leaves out or shows as
 * ended are each fetched by id, because a list does not distinguish a moved booking from a canceled one.
 * Contract: getBookings, Moved bookings.
 */

import type { Db } from '../db/schema.js';
import {
  findBookings,
  findBookingsBetween,
  findBookingsOfAccount,
  findBookingsUnchangedSince,
  type StoredBooking,
} from '../db/tables/bookings.js';
import type { Calendar } from '../db/tables/calendars.js';
import type { Booking, DocplannerClient } from '../docplanner/index.js';
import { GONE_AFTER_MS, toBookingUpdate } from './booking-update.js';

export interface ListingOptions {
  readonly db: Db;
  readonly client: DocplannerClient;
  readonly calendar: Calendar;
  /** Instants, ISO 8601. */
  readonly from: string;
  readonly to: string;
  /** Only patients' bookings, with the patients' data. Placeholders that the list leaves out are not fetched. */
  readonly patientsOnly: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface ListedBookings {
  /** All readable bookings of the list. */
  readonly listed: readonly Booking[];
  /** Bookings that the list leaves out and that exist, and successors of moved bookings at the same address. */
  readonly others: readonly Booking[];
  /** Stored bookings that the marketplace has not known for so long that they have ended. */
  readonly gone: readonly StoredBooking[];
  /** Whether all items of the list were readable. */
  readonly isComplete: boolean;
}

export async function fetchListedBookings(options: ListingOptions): Promise<ListedBookings> {
  const { db, client, calendar, from, to, patientsOnly, now } = options;
  const scopes = patientsOnly ? (['patient', 'address_service'] as const) : undefined;
  const { items, unreadable } = await client.listBookings(calendar, from, to, scopes);
  // An unreadable item exists; without its id it may be any booking.
  const present = new Set([...items, ...unreadable].map(({ id }) => id));
  const range = { from: new Date(from), to: new Date(to) };
  const known = await findBookingsBetween(db, calendar.id, range.from, range.to, new Date(now));
  const missing = known.filter(
    ({ id, start, placeholder }) => start >= range.from && !present.has(id) && !(patientsOnly && placeholder),
  );
  const ids = missing.map(({ id }) => id);
  const settled = await findBookingsUnchangedSince(db, calendar.id, ids, new Date(now - GONE_AFTER_MS));
  const others: Booking[] = [];
  const gone: StoredBooking[] = [];
  for (const one of missing) {
    const fetched = await client.findBooking(calendar, one.id, ['moving']);
    if (fetched === 'unreadable') continue;
    if (fetched !== undefined) others.push(fetched);
    else if (one.placeholder || settled.has(one.id)) gone.push(one);
  }
  const listed = await fetchMoves(options, items);
  const successors = [...listed, ...others]
    .flatMap((one) => toBookingUpdate(one).movedTo ?? [])
    .filter((id) => !present.has(id));
  const elsewhere = new Set(
    (await findBookingsOfAccount(db, calendar.account, successors)).map(({ id }) => id),
  );
  for (const id of successors.filter((one) => !elsewhere.has(one))) {
    const fetched = await client.findBooking(calendar, id);
    if (fetched !== undefined && fetched !== 'unreadable') others.push(fetched);
  }
  return { listed, others, gone, isComplete: unreadable.length === 0 };
}

/** Replaces the items that are stored as booked and listed as ended by what the marketplace answers for their ids. */
async function fetchMoves(
  { db, client, calendar }: ListingOptions,
  items: readonly Booking[],
): Promise<readonly Booking[]> {
  const ended = items.filter((one) => toBookingUpdate(one).status !== 'booked').map(({ id }) => id);
  const known = await findBookings(db, calendar.id, ended);
  const listed: Booking[] = [];
  for (const item of items) {
    const stored = known.get(item.id);
    const isNewlyEnded = stored?.status === 'booked' && !stored.placeholder;
    const fetched = isNewlyEnded ? await client.findBooking(calendar, item.id, ['moving']) : undefined;
    listed.push(fetched === undefined || fetched === 'unreadable' ? item : fetched);
  }
  return listed;
}
