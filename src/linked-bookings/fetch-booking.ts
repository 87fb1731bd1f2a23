/**
 * Reads a visit booking, and the one that it is now where it moved: it is canceled under its old id, and only
 * `booking.moving` tells the new one. Contract: Moved bookings.
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
  /** The calendar that is there, if one is. */
  readonly home: Calendar | undefined;
}

export interface FetchedBooking {
  readonly shown: Booking;
  /** What it is now, and where; absent where it has not moved, or what it is now cannot be read. */
  readonly became: { readonly booking: Booking; readonly place: Place } | undefined;
}

/**
 * @param addressId where it may have moved to; its own address by default
 * @returns undefined where the marketplace does not know it
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
 * Looks for a booking where the record has it, at an address of the facility, and at the calendar's own; last, where that address
 * is no calendar here, with the doctor whose it is.
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

/** The address where it is another doctor's of the facility: one reading for each doctor until it is found. */
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

/** An address of the facility, whichever doctor's it is; the same doctor's where it is no calendar here. */
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

/** Takes what was read into the record. @returns what it is now, where it moved and that could be read */
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
 * A booking is another one now, in the calendar that is where it went, if one is. There it is taken time before it ends here,
 * and the clinic is told what it is in conflict with.
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

/** What cannot be found out now is no answer: the question is asked again. */
export async function unlessGone(asked: Promise<Booking>): Promise<Booking | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
