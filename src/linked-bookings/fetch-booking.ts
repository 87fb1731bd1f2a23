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
  readonly home: Calendar | undefined;
}

export interface FetchedBooking {
  readonly shown: Booking;
  /** The successor and its address; absent where the booking has not moved, or its successor cannot be read. */
  readonly became: { readonly booking: Booking; readonly place: Place } | undefined;
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
  const shown = await unlessGone(
    context.client(HIGHEST_PRIORITY).getBooking(context.calendar, id, ['moving']),
  );
  if (shown === undefined) return undefined;
  const { movedTo } = toBookingUpdate(shown);
  return {
    shown,
    became: movedTo === undefined ? undefined : await searchBooking(context, movedTo, addressId),
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
): Promise<FetchedBooking['became']> {
  const { calendar, db } = context;
  const known = await findBookingsOfAccount(db, calendar.account, [id]);
  const homes = await Promise.all(known.map((one) => getCalendar(db, one.calendar)));
  const target = await placeAt(context, addressId);
  const places = [...homes.flatMap((home) => home ?? []).map(toPlace), target, toPlace(calendar)];
  const asked = new Set<string>();
  for (const place of places) {
    const key = JSON.stringify([place.facilityId, place.doctorId, place.addressId]);
    if (asked.has(key)) continue;
    asked.add(key);
    const booking = await unlessGone(context.client(HIGHEST_PRIORITY).getBooking(place, id));
    if (booking !== undefined) return { booking, place };
  }
  const place = target.home === undefined ? await placeOfOther(context, target) : undefined;
  const booking = place && (await unlessGone(context.client(HIGHEST_PRIORITY).getBooking(place, id)));
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
      return { facilityId, doctorId: id, addressId, home: undefined };
  }
  return undefined;
}

/** An address of the facility, of whichever doctor; of the same doctor where the address has no calendar. */
export async function placeAt({ db, calendar }: CalendarContext, addressId: string): Promise<Place> {
  if (addressId === calendar.addressId) return toPlace(calendar);
  const home = await findCalendarInFacility(db, calendar, addressId);
  const { facilityId, doctorId } = home ?? calendar;
  return { facilityId, doctorId, addressId, home };
}

const toPlace = (home: Calendar): Place => {
  const { facilityId, doctorId, addressId } = home;
  return { facilityId, doctorId, addressId, home };
};

/** Saves what was read. @returns the successor, where the booking moved and the successor could be read */
export async function applyFetchedBooking(
  context: CalendarContext,
  { shown, became }: FetchedBooking,
): Promise<BookingUpdate | undefined> {
  const now = toBookingUpdate(shown);
  if (became === undefined) {
    await applyUpdates(context, { bookings: [now] });
    return undefined;
  }
  const begun = { ...toBookingUpdate(became.booking), movedFrom: now.id };
  await applyMove(context, became.place.home, { ...now, status: 'moved', movedTo: begun.id }, begun);
  return begun;
}

/**
 * Replaces a booking by its successor, in the calendar of the successor's address, where there is one. The successor's time
 * becomes busy there before the booking ends here, and the PMS is notified of its conflicts.
 */
export async function applyMove(
  context: CalendarContext,
  home: Calendar | undefined,
  ended: BookingUpdate,
  begun: BookingUpdate,
): Promise<void> {
  if (home?.id === context.calendar.id) {
    await applyUpdates(context, { bookings: [ended, begun] });
  } else {
    if (home !== undefined) await applyUpdates({ ...context, calendar: home }, { bookings: [begun] });
    await applyUpdates(context, { bookings: [ended] });
  }
  if (home === undefined) return;
  const { db, encryptor, delivery, now } = context;
  const moved = { calendar: home.id, booking: begun.id };
  delivery.enqueue(await notifyConflictsOfBooking(db, encryptor, moved, now()));
}

/**
 * @returns undefined where the marketplace does not have the booking; every other error is thrown, so that the read is
 * retried
 */
export async function unlessGone(asked: Promise<Booking>): Promise<Booking | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
