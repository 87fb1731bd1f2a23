/**
 * Reads a visit booking, and its successor where it moved: the booking is canceled under its old id, and only
 * `booking.moving` has the new one. Contract: Moved bookings.
 */

import type { CalendarContext } from '../context/context.js';
import { HIGHEST_PRIORITY } from '../core/index.js';
import { findBookingsOfAccount } from '../db/tables/bookings.js';
import { type Calendar, findCalendarInFacility, getCalendar } from '../db/tables/calendars.js';
import { type Booking, NotFoundError } from '../docplanner/index.js';
import type { BookingUpdate } from '../marketplace-state/apply-bookings.js';
import { toBookingUpdate } from '../marketplace-state/booking-update.js';
import { applyUpdates } from '../marketplace-state/fetch-state.js';
import { notifyConflictsOfBooking } from '../notifications/conflicts.js';

/** An address of the marketplace. */
export interface Place extends Pick<Calendar, 'facilityId' | 'doctorId' | 'addressId'> {
  /** The calendar of the address, where one is configured. */
  readonly storedCalendar: Calendar | undefined;
}

export interface FetchedBooking {
  readonly shown: Booking;
  /** The successor and its address; absent where the booking has not moved, or its successor cannot be read. */
  readonly successor: { readonly booking: Booking; readonly place: Place } | undefined;
}

/**
 * @param addressId where it may have moved to; its own address by default
 * @returns undefined where the marketplace does not have it
 */
export async function fetchBooking(
  context: CalendarContext,
  id: string,
  addressId: string = context.calendar.addressId,
): Promise<FetchedBooking | undefined> {
  const shown = await undefinedIfGone(
    context.client(HIGHEST_PRIORITY).getBooking(context.calendar, id, ['moving']),
  );
  if (shown === undefined) return undefined;
  const { movedTo } = toBookingUpdate(shown);
  return {
    shown,
    successor: movedTo === undefined ? undefined : await searchBooking(context, movedTo, addressId),
  };
}

/**
 * Searches a booking at the addresses of the calendars that have it in the database, at an address of the facility, and at
 * the calendar's own; last, where that address has no calendar, at the doctor whose address it is.
 */
export async function searchBooking(
  context: CalendarContext,
  id: string,
  addressId: string,
): Promise<FetchedBooking['successor']> {
  const { calendar, db } = context;
  const known = await findBookingsOfAccount(db, calendar.account, [id]);
  const storedCalendars = await Promise.all(known.map((one) => getCalendar(db, one.calendar)));
  const target = await placeAt(context, addressId);
  const places = [
    ...storedCalendars.flatMap((storedCalendar) => storedCalendar ?? []).map(toPlace),
    target,
    toPlace(calendar),
  ];
  const requested = new Set<string>();
  for (const place of places) {
    const key = JSON.stringify([place.facilityId, place.doctorId, place.addressId]);
    if (requested.has(key)) continue;
    requested.add(key);
    const booking = await undefinedIfGone(context.client(HIGHEST_PRIORITY).getBooking(place, id));
    if (booking !== undefined) return { booking, place };
  }
  const place = target.storedCalendar === undefined ? await placeOfOther(context, target) : undefined;
  const booking = place && (await undefinedIfGone(context.client(HIGHEST_PRIORITY).getBooking(place, id)));
  return booking && place && { booking, place };
}

/** Finds the doctor of an address of the facility: one read for each doctor until the address is found. */
async function placeOfOther(
  context: CalendarContext,
  { facilityId, doctorId, addressId }: Place,
): Promise<Place | undefined> {
  const client = context.client(HIGHEST_PRIORITY);
  for (const { id } of await client.getDoctors(facilityId)) {
    if (id === doctorId) continue;
    const addresses = await client.getAddresses({ facilityId, doctorId: id });
    if (addresses.some((one) => one.id === addressId))
      return { facilityId, doctorId: id, addressId, storedCalendar: undefined };
  }
  return undefined;
}

/** An address of the facility, of whichever doctor; of the same doctor where the address has no calendar. */
export async function placeAt({ db, calendar }: CalendarContext, addressId: string): Promise<Place> {
  if (addressId === calendar.addressId) return toPlace(calendar);
  const storedCalendar = await findCalendarInFacility(db, calendar, addressId);
  const { facilityId, doctorId } = storedCalendar ?? calendar;
  return { facilityId, doctorId, addressId, storedCalendar };
}

const toPlace = (storedCalendar: Calendar): Place => {
  const { facilityId, doctorId, addressId } = storedCalendar;
  return { facilityId, doctorId, addressId, storedCalendar };
};

/** Saves what was read. @returns the successor, where the booking moved and the successor could be read */
export async function applyFetchedBooking(
  context: CalendarContext,
  { shown, successor }: FetchedBooking,
): Promise<BookingUpdate | undefined> {
  const now = toBookingUpdate(shown);
  if (successor === undefined) {
    await applyUpdates(context, { bookings: [now] });
    return undefined;
  }
  const successorUpdate = { ...toBookingUpdate(successor.booking), movedFrom: now.id };
  await applyMove(
    context,
    successor.place.storedCalendar,
    { ...now, status: 'moved', movedTo: successorUpdate.id },
    successorUpdate,
  );
  return successorUpdate;
}

/**
 * Replaces a booking by its successor, in the calendar of the successor's address, where there is one. The successor's time
 * becomes busy there before the booking ends here, and the PMS is notified of its conflicts.
 */
export async function applyMove(
  context: CalendarContext,
  storedCalendar: Calendar | undefined,
  ended: BookingUpdate,
  successor: BookingUpdate,
): Promise<void> {
  if (storedCalendar?.id === context.calendar.id) {
    await applyUpdates(context, { bookings: [ended, successor] });
  } else {
    if (storedCalendar !== undefined)
      await applyUpdates({ ...context, calendar: storedCalendar }, { bookings: [successor] });
    await applyUpdates(context, { bookings: [ended] });
  }
  if (storedCalendar === undefined) return;
  const { db, encryptor, delivery, now } = context;
  const moved = { calendar: storedCalendar.id, booking: successor.id };
  delivery.enqueue(await notifyConflictsOfBooking(db, encryptor, moved, now()));
}

/**
 * @returns undefined where the marketplace does not have the booking; every other error is thrown, so that the read is
 * retried
 */
export async function undefinedIfGone(request: Promise<Booking>): Promise<Booking | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
