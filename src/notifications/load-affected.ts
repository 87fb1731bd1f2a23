/** What notifications are about: their calendars, locked, and what the record knows of their bookings and times. */

import { runPipelined } from '../db/pipeline.js';
import type { Db } from '../db/schema.js';
import {
  findBookingsOfAccount,
  findingBookings,
  type StoredBooking,
  toBooking,
} from '../db/tables/bookings.js';
import { type Appointment, findingAppointments, type SpanAtAddress } from '../db/tables/conflicts.js';
import { type LockedCalendar, lockCalendars, lockingPlaces, toLockedPlace } from '../db/tables/events.js';
import { withSuccessors } from '../marketplace-state/apply-bookings.js';
import type { NotificationSubject, Place } from './parsed-notification.js';

/** What notifications are about, as it is before anything is taken in. */
export interface Affected {
  /** The one that it is about, locked. */
  at(subject: NotificationSubject): LockedCalendar | undefined;
  /** Any that is concerned, locked. */
  find(id: string): LockedCalendar | undefined;
  /** The bookings that are spoken of, as they are before anything is taken in. */
  readonly known: readonly StoredBooking[];
  /** Of the PMS, at the times of these bookings. */
  readonly appointments: readonly Appointment[];
}

/** All that are concerned, locked together; and what is known of what is said, as it is from then on. */
export async function loadAffected(
  tx: Db,
  account: string,
  subjects: readonly NotificationSubject[],
): Promise<Affected> {
  const places = new Map(
    subjects.flatMap(({ place }) => (place === undefined ? [] : [[keyOf(place), place]])),
  );
  const said = subjects.flatMap(({ bookings }) => bookings.map(({ id }) => id));
  // Those of what has no place are not looked for: they may be what the record would not have.
  const spokenOf = subjects.flatMap(({ place, booking, bookings }) =>
    place === undefined || booking === undefined || bookings.length > 0 ? [] : [booking],
  );
  const ids = [...new Set([...said, ...spokenOf])];
  const [lockedPlaces, knownBookings, { rows: appointments }] = await runPipelined(tx, (db) =>
    Promise.all([
      lockingPlaces(account, [...places.values()], [...new Set(said)]).execute(db),
      findingBookings(account, ids).execute(db),
      findingAppointments(account, spansOf(subjects), spokenOf).execute(db),
    ]),
  );
  const locked = lockedPlaces.rows.map(toLockedPlace);
  const byPlace = new Map(locked.map(({ place, calendar }) => [keyOf(place), calendar]));
  const byId = new Map(locked.map(({ calendar }) => [calendar.id, calendar]));
  const find = (some: readonly string[]) => findBookingsOfAccount(tx, account, some);
  let known = await withSuccessors(knownBookings.rows.map(toBooking), find);
  const elsewhere = known.map(({ calendar }) => calendar).filter((id) => !byId.has(id));
  if (elsewhere.length > 0) {
    for (const [id, calendar] of await lockCalendars(tx, elsewhere)) byId.set(id, calendar);
    known = await withSuccessors(await find(ids), find);
  }
  return {
    at: ({ place }) => place && byPlace.get(keyOf(place)),
    find: (id) => byId.get(id),
    known,
    appointments,
  };
}

/** The times that are said to be booked. */
function spansOf(subjects: readonly NotificationSubject[]): SpanAtAddress[] {
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
