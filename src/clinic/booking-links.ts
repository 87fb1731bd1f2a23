/**
 * Links bookings to appointments of the PMS. A link changes what blocks a time, so that the days of both are published again. A
 * booking that is unlinked may be in conflict with its former appointment.
 */

import type { Encryptor } from '../crypto/encryptor.js';
import { retryDeadlock } from '../db/retry.js';
import type { Db } from '../db/schema.js';
import { type Link, linkBookings } from '../db/tables/booking-links.js';
import { type DirtyDay, markDays } from '../db/tables/days.js';
import { type LockedCalendar, lockCalendars } from '../db/tables/locked-calendars.js';
import type { AddedNotification } from '../db/tables/notifications.js';
import { DirtyDays } from '../marketplace-state/dirty-days.js';
import { notifyConflicts } from '../notifications/conflicts.js';

export interface AppliedLinks {
  readonly days: readonly DirtyDay[];
  /** The appointments that are newly linked or no longer linked. */
  readonly appointments: readonly { readonly calendar: string; readonly ref: string }[];
}

/**
 * Saves the links. The caller marks the days dirty and notifies conflicts.
 * @param tx a transaction in which the calendars are locked
 * @param now epoch milliseconds
 */
export async function applyLinks(
  tx: Db,
  calendars: ReadonlyMap<string, LockedCalendar>,
  links: readonly Link[],
  now: number,
): Promise<AppliedLinks> {
  const relinked = await linkBookings(tx, links);
  const days = new DirtyDays(now);
  for (const { calendar: id, start, end } of relinked) {
    const calendar = calendars.get(id);
    if (calendar === undefined) continue;
    // The priority is that of a closing: a time that the other one blocked may need a block of its own.
    days.addMove(calendar, undefined, { start: start.getTime(), end: end.getTime() });
  }
  const appointments = relinked.flatMap(({ calendar, ref }) => (ref === null ? [] : [{ calendar, ref }]));
  return { days: days.list(), appointments };
}

/**
 * Saves links in a transaction of their own. The caller enqueues the calendar.
 * @returns notifications of conflicts for the clinic
 */
export async function linkAndNotify(
  db: Db,
  encryptor: Encryptor,
  links: readonly Link[],
  now: number,
): Promise<readonly AddedNotification[]> {
  return await retryDeadlock(() =>
    db.transaction().execute(async (tx) => {
      const calendars = await lockCalendars(tx, [...new Set(links.map(({ calendar }) => calendar))]);
      const { days, appointments } = await applyLinks(tx, calendars, links, now);
      await markDays(tx, { windows: [], occupancy: days }, new Date(now), 'link');
      return await notifyConflicts(tx, encryptor, appointments, now);
    }),
  );
}
