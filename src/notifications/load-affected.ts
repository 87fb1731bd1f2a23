/** Loads what notifications affect: their calendars, locked, and the stored bookings and appointments. */

import { runPipelined } from '../db/pipeline.js';
import type { Db } from '../db/schema.js';
import { findBookingsOfAccount, type StoredBooking } from '../db/tables/bookings.js';
import { type Appointment, findAppointments, type SpanAtAddress } from '../db/tables/conflicts.js';
import {
  type LockedCalendar,
  lockCalendars,
  lockCalendarsAtAddresses,
} from '../db/tables/locked-calendars.js';
import { includeSuccessors } from '../marketplace-state/apply-bookings.js';
import type { NotificationSubject, Place } from './parsed-notification.js';

/** The state that notifications affect, before any of them is applied. */
export interface Affected {
  /** The calendar at the notification's place, locked. */
  calendarOf(subject: NotificationSubject): LockedCalendar | undefined;
  /** An affected calendar, locked. */
  calendarById(id: string): LockedCalendar | undefined;
  /** The stored bookings that the notifications name, and their successors. */
  readonly bookings: readonly StoredBooking[];
  /** Appointments of the PMS at the times of these bookings. */
  readonly appointments: readonly Appointment[];
}

/** Locks all affected calendars together, and loads their state as of the lock. */
export async function loadAffected(
  tx: Db,
  account: string,
  subjects: readonly NotificationSubject[],
): Promise<Affected> {
  const places = new Map(
    subjects.flatMap(({ place }) => (place === undefined ? [] : [[keyOf(place), place]])),
  );
  const updated = subjects.flatMap(({ bookings }) => bookings.map(({ id }) => id));
  // The booking of a notification without a place is not loaded: its id may be a value that the database refuses.
  const named = subjects.flatMap(({ place, booking, bookings }) =>
    place === undefined || booking === undefined || bookings.length > 0 ? [] : [booking],
  );
  const ids = [...new Set([...updated, ...named])];
  const [locked, knownBookings, appointments] = await runPipelined(tx, (db) =>
    Promise.all([
      lockCalendarsAtAddresses(db, account, [...places.values()], [...new Set(updated)]),
      findBookingsOfAccount(db, account, ids),
      findAppointments(db, account, bookedSpansOf(subjects), named),
    ]),
  );
  const byPlace = new Map(locked.map(({ address, calendar }) => [keyOf(address), calendar]));
  const byId = new Map(locked.map(({ calendar }) => [calendar.id, calendar]));
  const find = (some: readonly string[]) => findBookingsOfAccount(tx, account, some);
  let bookings = await includeSuccessors(knownBookings, find);
  const elsewhere = bookings.map(({ calendar }) => calendar).filter((id) => !byId.has(id));
  if (elsewhere.length > 0) {
    for (const [id, calendar] of await lockCalendars(tx, elsewhere)) byId.set(id, calendar);
    bookings = await includeSuccessors(await find(ids), find);
  }
  return {
    calendarOf: ({ place }) => place && byPlace.get(keyOf(place)),
    calendarById: (id) => byId.get(id),
    bookings,
    appointments,
  };
}

/** The times that notifications report as booked. */
function bookedSpansOf(subjects: readonly NotificationSubject[]): SpanAtAddress[] {
  return subjects.flatMap(({ place, bookings }) =>
    place === undefined
      ? []
      : bookings
          .filter(({ status }) => status === 'booked')
          .map(({ start, end }) => ({ ...place, start: new Date(start), end: new Date(end) })),
  );
}

const keyOf = ({ facilityId, doctorId, addressId }: Place): string =>
  JSON.stringify([facilityId, doctorId, addressId]);
