/**
 * A time that was sold twice, online and at the desk, is told to the clinic as an item of its own. It is about no person,
 * and told once for each booking, appointment and time.
 */

import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import type { StoredBooking } from '../db/tables/bookings.js';
import {
  type Appointment,
  type Conflict,
  findConflictsOfAppointments,
  findConflictsOfBooking,
} from '../db/tables/conflicts.js';
import {
  type AddedNotification,
  addNotifications,
  type NewNotification,
} from '../db/tables/notifications.js';

/**
 * Keeps what these appointments of the PMS, which came or moved, are in conflict with, for the clinic to hear.
 */
export async function notifyConflicts(
  tx: Db,
  encryptor: Encryptor | undefined,
  appointments: readonly { readonly calendar: string; readonly ref: string }[],
  now: number,
): Promise<readonly AddedNotification[]> {
  if (encryptor === undefined) return [];
  return await saveConflicts(tx, encryptor, await findConflictsOfAppointments(tx, appointments), now);
}

/** The same for a booking that was moved: for what is in its way where it is now. */
export async function notifyConflictsOfBooking(
  db: Db,
  encryptor: Encryptor,
  { calendar, booking }: { readonly calendar: string; readonly booking: string },
  now: number,
): Promise<readonly AddedNotification[]> {
  return await saveConflicts(db, encryptor, await findConflictsOfBooking(db, calendar, booking), now);
}

/** Keeps these conflicts for the clinic to hear, those that it has not heard of yet. */
export async function saveConflicts(
  db: Db,
  encryptor: Encryptor | undefined,
  conflicts: readonly Conflict[],
  now: number,
): Promise<readonly AddedNotification[]> {
  if (encryptor === undefined || conflicts.length === 0) return [];
  return (await addNotifications(db, encryptor, conflicts.map(conflictItem), new Date(now))).added;
}

/**
 * What is in the way of bookings that stand. Half-open intervals: what only touches is no conflict. Pure.
 * @param account its id
 * @param appointments those among which to look
 */
export function conflictsAmong(
  account: string,
  bookings: readonly StoredBooking[],
  appointments: readonly Appointment[],
): Conflict[] {
  return bookings.flatMap(({ calendar, id: booking, start: bookingStart, end: bookingEnd, ref }) =>
    appointments
      .filter((one) => one.calendar === calendar && one.ref !== ref)
      .filter(({ start, end }) => start < bookingEnd && end > bookingStart)
      .map((one) => ({ account, booking, bookingStart, bookingEnd, ...one })),
  );
}

/** What the clinic is told of it. */
export function conflictItem(conflict: Conflict): NewNotification {
  const { account, calendar, booking, bookingStart, bookingEnd, ref, start, end } = conflict;
  const times = [bookingStart, bookingEnd, start, end].map((instant) => instant.toISOString());
  const [from, to, refStart, refEnd] = times;
  return {
    account,
    calendar,
    name: 'conflict',
    hash: JSON.stringify(['conflict', calendar, booking, ref, ...times]),
    createdAt: null,
    source: 'engine',
    booking,
    data: {
      booking: { id: booking, start: from, end: to },
      occupancy: { ref, start: refStart, end: refEnd },
    },
  };
}
