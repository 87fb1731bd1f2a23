/**
 * The bookings that begin in a range, as the marketplace lists them, and what became of those that the record knows there
 * and that the list leaves out, or shows as over: each is asked for by its id, because a list does not tell a booking that
 * moved from one that was canceled. Contract: getBookings, Moved bookings.
 */

import type { Db } from '../db/schema.js';
import {
  findBookings,
  findBookingsBetween,
  findBookingsOfAccount,
  findBookingsUnchangedSince,
  isInDoubtId,
  type StoredBooking,
} from '../db/tables/bookings.js';
import type { Calendar } from '../db/tables/calendars.js';
import type { Booking, DocplannerClient } from '../docplanner/index.js';
import { GONE_AFTER_MS, said } from './booking-update.js';

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
  /** Not in the list, and there; also what one that moved is now, where it is at the same address. */
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
  const known = await findBookingsBetween(db, calendar.id, range.from, range.to, new Date(now));
  const missing = known.filter(
    ({ id, start, placeholder }) => start >= range.from && !there.has(id) && !(ofPatients && placeholder),
  );
  const ids = missing.map(({ id }) => id);
  const settled = await findBookingsUnchangedSince(db, calendar.id, ids, new Date(now - GONE_AFTER_MS));
  const others: Booking[] = [];
  const gone: StoredBooking[] = [];
  for (const one of missing) {
    if (isInDoubtId(one.id)) {
      if (unread.length === 0) gone.push(one);
      continue;
    }
    const shown = await client.findBooking(calendar, one.id, ['moving']);
    if (shown === 'unreadable') continue;
    if (shown !== undefined) others.push(shown);
    else if (one.placeholder || settled.has(one.id)) gone.push(one);
  }
  const listed = await withMoves(options, items);
  const moved = [...listed, ...others]
    .flatMap((one) => said(one).movedTo ?? [])
    .filter((id) => !there.has(id));
  const elsewhere = new Set((await findBookingsOfAccount(db, calendar.account, moved)).map(({ id }) => id));
  for (const id of moved.filter((one) => !elsewhere.has(one))) {
    const shown = await client.findBooking(calendar, id);
    if (shown !== undefined && shown !== 'unreadable') others.push(shown);
  }
  return { listed, others, gone };
}

/** Those that the record has as booked and the list as over are as they are shown by themselves. */
async function withMoves(
  { db, client, calendar }: ListingOptions,
  items: readonly Booking[],
): Promise<readonly Booking[]> {
  const over = items.filter((one) => said(one).status !== 'booked').map(({ id }) => id);
  const known = await findBookings(db, calendar.id, over);
  const listed: Booking[] = [];
  for (const item of items) {
    const before = known.get(item.id);
    const isNews = before?.status === 'booked' && !before.placeholder;
    const shown = isNews ? await client.findBooking(calendar, item.id, ['moving']) : undefined;
    listed.push(shown === undefined || shown === 'unreadable' ? item : shown);
  }
  return listed;
}
