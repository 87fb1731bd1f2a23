/**
 * The bookings that begin in a range, as the marketplace lists them, and what became of those that the record knows there
 * and that the list leaves out: each is asked for by its id. Contract: getBookings, getBooking.
 */
import type { Booking, DocplannerClient } from '../docplanner/index.js';
import { bookingsBetween, isAnnounced, type StoredBooking, settledBookings } from '../store/bookings.js';
import type { Calendar } from '../store/calendars.js';
import type { Db } from '../store/schema.js';
import { GONE_AFTER_MS } from './said.js';

export interface ListingOptions {
  readonly db: Db;
  readonly client: DocplannerClient;
  readonly calendar: Calendar;
  /** Instants, ISO 8601. */
  readonly from: string;
  readonly to: string;
  /** Only those of patients, and with what is told of them; ours that are left out are nobody's news. */
  readonly ofPatients: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface ListedBookings {
  /** All that could be read. */
  readonly listed: readonly Booking[];
  /** Not in the list, and there. */
  readonly others: readonly Booking[];
  /** Known here, and not known there for so long that they are over. */
  readonly gone: readonly StoredBooking[];
}

export async function listBookings(options: ListingOptions): Promise<ListedBookings> {
  const { db, client, calendar, from, to, ofPatients, now } = options;
  const scopes = ofPatients ? (['patient', 'address_service'] as const) : undefined;
  const { items, unread } = await client.listBookings(calendar, from, to, scopes);
  // One that cannot be read is there; without its id it may be any.
  const there = new Set([...items, ...unread].map(({ id }) => id));
  const range = { from: new Date(from), to: new Date(to) };
  const known = await bookingsBetween(db, calendar.id, range.from, range.to, new Date(now));
  const missing = known.filter(
    ({ id, start, placeholder }) => start >= range.from && !there.has(id) && !(ofPatients && placeholder),
  );
  const ids = missing.map(({ id }) => id);
  const settled = await settledBookings(db, calendar.id, ids, new Date(now - GONE_AFTER_MS));
  const others: Booking[] = [];
  const gone: StoredBooking[] = [];
  for (const one of missing) {
    if (isAnnounced(one.id)) {
      if (unread.length === 0) gone.push(one);
      continue;
    }
    const shown = await client.findBooking(calendar, one.id);
    if (shown === 'unreadable') continue;
    if (shown !== undefined) others.push(shown);
    else if (one.placeholder || settled.has(one.id)) gone.push(one);
  }
  return { listed: items, others, gone };
}
