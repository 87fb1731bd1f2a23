/** What notifications say of bookings, in however many calendars, folded into what the record knows of them. Pure. */

import type { StoredBooking } from '../db/tables/bookings.js';
import type { DirtyDay } from '../db/tables/days.js';
import type { LockedCalendar } from '../db/tables/events.js';
import {
  type BookingChange,
  type BookingUpdate,
  mergeBookings,
  newestOf,
} from '../marketplace-state/apply-bookings.js';
import type { Affected } from './load-affected.js';
import type { NotificationSubject } from './parsed-notification.js';

/** A booking that is spoken of, and what is said of it, if anything that changes it is. */
export interface BookingUpdates {
  readonly calendar: LockedCalendar;
  readonly booking: string;
  readonly said?: BookingUpdate;
}

/**
 * What is said of bookings, in its order, each with the calendar that it is in; and bookings that are only spoken of. One
 * that moved to another address of the facility ends where it was, whichever of the two is heard of first.
 */
export function updatesIn(
  subjects: readonly NotificationSubject[],
  { at, find, known }: Affected,
): readonly BookingUpdates[] {
  const home = new Map(known.filter(isStanding).map(({ id, calendar }) => [id, find(calendar)]));
  const over = new Set(known.filter((one) => !isStanding(one)).map(({ id }) => id));
  return subjects.flatMap((subject): readonly BookingUpdates[] => {
    const calendar = at(subject);
    if (calendar === undefined) return [];
    if (subject.bookings.length === 0) {
      return subject.booking === undefined ? [] : [{ calendar, booking: subject.booking }];
    }
    return subject.bookings.map((said) => {
      const { id } = said;
      if (said.status === 'booked') {
        if (over.has(id)) return { calendar, booking: id, said: { ...said, status: 'moved' } };
        home.set(id, calendar);
        return { calendar, booking: id, said };
      }
      over.add(id);
      return { calendar: home.get(id) ?? calendar, booking: id, said };
    });
  });
}

/** What is said to be booked, and was not known to be over before. */
export const cameIn = (said: readonly BookingUpdates[]): { calendar: string; start: Date }[] =>
  said.flatMap(({ calendar, said: one }) =>
    one?.status === 'booked' && one.placeholder === undefined
      ? [{ calendar: calendar.id, start: new Date(one.start) }]
      : [],
  );

const isStanding = ({ status }: Pick<StoredBooking, 'status'>): boolean => status === 'booked';

export interface NotifiedBookings {
  /** Those that are to be written, as they are now. */
  readonly changed: readonly StoredBooking[];
  readonly days: readonly DirtyDay[];
  /**
   * Those that were spoken of, and stand, also where a reading brought them into the record before; placeholders are not
   * among them.
   */
  readonly standing: readonly StoredBooking[];
  /** As it is now. */
  find(calendar: string, booking: string): StoredBooking | undefined;
  /** The id of the booking that it is now, in whichever calendar; undefined where it has not moved. */
  movedTo(booking: string): string | undefined;
}

/**
 * @param said in the order in which it is to be taken in
 * @param known all that the record has of the bookings that are spoken of
 */
export function applyNotifiedBookings(
  said: readonly BookingUpdates[],
  known: readonly StoredBooking[],
  now: number,
): NotifiedBookings {
  const current = new Map(known.map((one) => [keyOf(one.calendar, one.id), one]));
  const changes: BookingChange[] = [];
  const days: DirtyDay[] = [];
  for (const { calendar, said: all } of byCalendar(said)) {
    const before = known.filter((one) => one.calendar === calendar.id);
    const folded = mergeBookings(calendar, new Map(before.map((one) => [one.id, one])), all, now);
    changes.push(...folded.changes);
    days.push(...folded.days);
  }
  for (const { after } of changes) current.set(keyOf(after.calendar, after.id), after);
  const find = (calendar: string, id: string): StoredBooking | undefined => current.get(keyOf(calendar, id));
  const spoken = new Set(said.map(({ calendar, booking }) => find(calendar.id, booking)));
  const standing = [...spoken].flatMap((one) => (one?.status === 'booked' && !one.placeholder ? [one] : []));
  const movedTo = (id: string): string | undefined => {
    const newest = newestOf(id, [...current.values()]);
    return newest === id ? undefined : newest;
  };
  return { changed: changes.map(({ after }) => after), days, standing, find, movedTo };
}

const keyOf = (calendar: string, id: string): string => `${calendar}\u0000${id}`;

function byCalendar(
  said: readonly BookingUpdates[],
): Iterable<{ readonly calendar: LockedCalendar; readonly said: readonly BookingUpdate[] }> {
  const calendars = new Map<string, { readonly calendar: LockedCalendar; readonly said: BookingUpdate[] }>();
  for (const one of said) {
    if (one.said === undefined) continue;
    const known = calendars.get(one.calendar.id);
    if (known === undefined) calendars.set(one.calendar.id, { calendar: one.calendar, said: [one.said] });
    else known.said.push(one.said);
  }
  return calendars.values();
}
