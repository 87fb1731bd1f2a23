/** Applies the booking updates of notifications, in any number of calendars, to the stored bookings. Pure. */

import type { StoredBooking } from '../db/tables/bookings.js';
import type { DirtyDay } from '../db/tables/days.js';
import type { LockedCalendar } from '../db/tables/locked-calendars.js';
import {
  type BookingChange,
  type BookingUpdate,
  findNewestId,
  mergeBookings,
} from '../marketplace-state/apply-bookings.js';
import type { Affected } from './load-affected.js';
import type { NotificationSubject } from './parsed-notification.js';

/** A booking that a notification names, with its update where the notification contains one. */
export interface SubjectUpdate {
  readonly calendar: LockedCalendar;
  readonly booking: string;
  readonly update?: BookingUpdate;
}

/**
 * The updates of notifications in their order, each with the calendar that the booking is in, and the bookings that are named
 * without an update. A booking that moved to another address of the facility ends in its former calendar, whichever of the two
 * notifications arrives first.
 */
export function collectUpdates(
  subjects: readonly NotificationSubject[],
  { calendarOf, calendarById, bookings }: Affected,
): readonly SubjectUpdate[] {
  const calendars = new Map(
    bookings.filter(isBooked).map(({ id, calendar }) => [id, calendarById(calendar)]),
  );
  const ended = new Set(bookings.filter((one) => !isBooked(one)).map(({ id }) => id));
  return subjects.flatMap((subject): readonly SubjectUpdate[] => {
    const calendar = calendarOf(subject);
    if (calendar === undefined) return [];
    if (subject.bookings.length === 0) {
      return subject.booking === undefined ? [] : [{ calendar, booking: subject.booking }];
    }
    return subject.bookings.map((update) => {
      const { id } = update;
      if (update.status === 'booked') {
        if (ended.has(id)) return { calendar, booking: id, update: { ...update, status: 'moved' } };
        calendars.set(id, calendar);
        return { calendar, booking: id, update };
      }
      ended.add(id);
      return { calendar: calendars.get(id) ?? calendar, booking: id, update };
    });
  });
}

/** The start times of bookings that are reported as booked and were not known to have ended. */
export const bookedStarts = (updates: readonly SubjectUpdate[]): { calendar: string; start: Date }[] =>
  updates.flatMap(({ calendar, update }) =>
    update?.status === 'booked' && update.placeholder === undefined
      ? [{ calendar: calendar.id, start: new Date(update.start) }]
      : [],
  );

const isBooked = ({ status }: Pick<StoredBooking, 'status'>): boolean => status === 'booked';

export interface NotifiedBookings {
  /** The bookings to save, in their new state. */
  readonly changed: readonly StoredBooking[];
  readonly days: readonly DirtyDay[];
  /**
   * The named bookings that are booked, also those that an earlier read stored already. Placeholders are not included.
   */
  readonly standing: readonly StoredBooking[];
  /** The booking in its new state. */
  findBooking(calendar: string, booking: string): StoredBooking | undefined;
  /** The id of the booking's last successor, in any calendar; undefined where the booking has not moved. */
  findMovedTo(booking: string): string | undefined;
}

/**
 * @param updates in the order in which they apply
 * @param known all stored bookings that the updates name
 */
export function applyNotifiedBookings(
  updates: readonly SubjectUpdate[],
  known: readonly StoredBooking[],
  now: number,
): NotifiedBookings {
  const current = new Map(known.map((one) => [keyOf(one.calendar, one.id), one]));
  const changes: BookingChange[] = [];
  const days: DirtyDay[] = [];
  for (const group of groupByCalendar(updates)) {
    const before = known.filter((one) => one.calendar === group.calendar.id);
    const merged = mergeBookings(
      group.calendar,
      new Map(before.map((one) => [one.id, one])),
      group.updates,
      now,
    );
    changes.push(...merged.changes);
    days.push(...merged.days);
  }
  for (const { after } of changes) current.set(keyOf(after.calendar, after.id), after);
  const findBooking = (calendar: string, id: string): StoredBooking | undefined =>
    current.get(keyOf(calendar, id));
  const named = new Set(updates.map(({ calendar, booking }) => findBooking(calendar.id, booking)));
  const standing = [...named].flatMap((one) => (one?.status === 'booked' && !one.placeholder ? [one] : []));
  const findMovedTo = (id: string): string | undefined => {
    const newest = findNewestId(id, [...current.values()]);
    return newest === id ? undefined : newest;
  };
  return { changed: changes.map(({ after }) => after), days, standing, findBooking, findMovedTo };
}

const keyOf = (calendar: string, id: string): string => `${calendar}\u0000${id}`;

function groupByCalendar(
  all: readonly SubjectUpdate[],
): Iterable<{ readonly calendar: LockedCalendar; readonly updates: readonly BookingUpdate[] }> {
  const groups = new Map<string, { readonly calendar: LockedCalendar; readonly updates: BookingUpdate[] }>();
  for (const { calendar, update } of all) {
    if (update === undefined) continue;
    const group = groups.get(calendar.id);
    if (group === undefined) groups.set(calendar.id, { calendar, updates: [update] });
    else group.updates.push(update);
  }
  return groups.values();
}
