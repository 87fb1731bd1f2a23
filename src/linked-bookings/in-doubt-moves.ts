/**
 * Resolves moves whose answers were lost. A booking that moved has another id. The marketplace returns it for bookings that
 * were made since April 2025 (`booking.moving`). The successor of an older booking is searched among those that begin where
 * the booking was to move, and accepted only where it is of the same patient: a booking that somebody else made for that
 * time is left alone. Contract: moveBooking, Moved bookings.
 */

import { BookingNotVisibleError } from '../context/booking-not-visible-error.js';
import { isPermanentRefusal } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
import { HIGHEST_PRIORITY, toIso } from '../core/index.js';
import { findBookings, type StoredBooking } from '../db/tables/bookings.js';
import { deleteInDoubt, type InDoubtMove } from '../db/tables/in-doubt.js';
import type { Booking } from '../docplanner/index.js';
import type { BookingUpdate } from '../marketplace-state/apply-bookings.js';
import { toBookingUpdate } from '../marketplace-state/booking-update.js';
import {
  applyFetchedBooking,
  type FetchedBooking,
  fetchBooking,
  type Place,
  placeAt,
} from './fetch-booking.js';
import { isResultOfMove } from './match-moved-booking.js';

/** Resolves all of them, so that linked bookings are synchronized from where they are now. */
export async function resolveInDoubtMoves(
  context: CalendarContext,
  moves: readonly InDoubtMove[],
): Promise<void> {
  const { db, calendar, log } = context;
  for (const move of moves) {
    try {
      await resolveInDoubtMove(context, move);
    } catch (error) {
      if (!isPermanentRefusal(error)) throw error;
      const about = { calendar: calendar.id, booking: move.subject, reason: error.message };
      log.warn(about, 'the result of a move of a booking cannot be determined');
      await deleteInDoubt(db, calendar.id, move);
    }
  }
}

/** @returns the successor of the booking, whoever moved it; undefined where it did not move */
export async function resolveInDoubtMove(
  context: CalendarContext,
  move: InDoubtMove,
): Promise<BookingUpdate | undefined> {
  const fetched = await fetchBooking(context, move.subject, move.addressId);
  const successor = fetched && (await findSuccessor(context, move, fetched));
  await deleteInDoubt(context.db, context.calendar.id, move);
  return successor;
}

async function findSuccessor(
  context: CalendarContext,
  move: InDoubtMove,
  fetched: FetchedBooking,
): Promise<BookingUpdate | undefined> {
  const { shown } = fetched;
  const { status, movedTo, start, end, service } = toBookingUpdate(shown);
  if (status === 'booked') return undefined;
  if (shown.moving == null) {
    const place = await placeAt(context, move.addressId);
    const booking = await searchSuccessor(context, move, shown, place);
    return await applyFetchedBooking(context, { shown, successor: booking && { booking, place } });
  }
  if (fetched.successor !== undefined || movedTo === undefined)
    return await applyFetchedBooking(context, fetched);
  if ((await placeAt(context, move.addressId)).storedCalendar !== undefined)
    throw new BookingNotVisibleError(movedTo);
  // The successor is at an address without a calendar and cannot be read: the requested time is assumed.
  await applyFetchedBooking(context, fetched);
  const from = move.start.getTime();
  const to = move.end?.getTime() ?? from + end - start;
  return { id: movedTo, status: 'booked', start: from, end: to, service };
}

async function searchSuccessor(
  context: CalendarContext,
  move: InDoubtMove,
  before: Booking,
  place: Place,
): Promise<Booking | undefined> {
  const { db, calendar, account } = context;
  const from = move.start.getTime();
  const [since, until] = [toIso(from, account.timeZone), toIso(from + MINUTE, account.timeZone)];
  const there = await context
    .client(HIGHEST_PRIORITY)
    .getBookings(place, since, until, ['patient', 'address_service']);
  const candidates = there.filter((one) => isResultOfMove(move, before, one));
  const { storedCalendar } = place;
  const ids = candidates.map(({ id }) => id);
  const known =
    storedCalendar === undefined
      ? new Map<string, StoredBooking>()
      : await findBookings(db, storedCalendar.id, ids);
  // A link moves along only within the booking's own calendar.
  const ref =
    storedCalendar?.id === calendar.id
      ? (await findBookings(db, storedCalendar.id, [move.subject])).get(move.subject)?.ref
      : null;
  const free = candidates.filter(({ id }) => {
    const one = known.get(id);
    return one === undefined || (!one.placeholder && (one.ref === null || one.ref === ref));
  });
  // Of two candidates neither is certain.
  return free.length === 1 ? free[0] : undefined;
}
