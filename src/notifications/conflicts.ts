/**
 * Notifies the clinic of conflicts: a marketplace booking and an appointment of the PMS at the same time. A conflict is a
 * notification of its own without personal data, and is added once for each booking, appointment and pair of times.
 */

import { localDate } from '../core/index.js';
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

/** Adds notifications of the conflicts of these appointments, which are new or have moved. */
export async function notifyConflicts(
  tx: Db,
  encryptor: Encryptor | undefined,
  appointments: readonly { readonly calendar: string; readonly ref: string }[],
  now: number,
): Promise<readonly AddedNotification[]> {
  if (encryptor === undefined) return [];
  return await saveConflicts(tx, encryptor, await findConflictsOfAppointments(tx, appointments), now);
}

/** Adds notifications of the conflicts of a booking at the time that it moved to. */
export async function notifyConflictsOfBooking(
  db: Db,
  encryptor: Encryptor,
  { calendar, booking }: { readonly calendar: string; readonly booking: string },
  now: number,
): Promise<readonly AddedNotification[]> {
  return await saveConflicts(db, encryptor, await findConflictsOfBooking(db, calendar, booking), now);
}

/** Adds notifications of those conflicts that the clinic has not been notified of. */
export async function saveConflicts(
  db: Db,
  encryptor: Encryptor | undefined,
  conflicts: readonly Conflict[],
  now: number,
): Promise<readonly AddedNotification[]> {
  if (encryptor === undefined || conflicts.length === 0) return [];
  const items = conflicts.map((one) => toConflictItem(one, now));
  return (await addNotifications(db, encryptor, items, new Date(now))).added;
}

/**
 * Finds the appointments that overlap bookings. Intervals are half-open: two that only touch are no conflict. Pure.
 * @param account the account's id
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

/** The notification that the clinic receives. */
export function toConflictItem(conflict: Conflict, now: number): NewNotification {
  const { account, calendar, booking, bookingStart, bookingEnd, ref, start, end, timeZone } = conflict;
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
    doubleBookedOn: localDate(now, timeZone),
    data: {
      booking: { id: booking, start: from, end: to },
      occupancy: { ref, start: refStart, end: refEnd },
    },
  };
}
