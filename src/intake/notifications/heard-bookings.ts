/** What notifications say of bookings, in however many calendars, folded into what the record knows of them. Pure. */
import { type BookingChange, foldBookings, type SaidBooking } from '../../occupancy/take-bookings.js';
import type { StoredBooking } from '../../store/bookings.js';
import type { DayChange } from '../../store/days.js';
import type { LockedCalendar } from '../../store/events.js';

/** A booking that is spoken of, and what is said of it, if anything that changes it is. */
export interface SaidIn {
  readonly calendar: LockedCalendar;
  readonly booking: string;
  readonly said?: SaidBooking;
}

export interface HeardBookings {
  /** Those that are to be written, as they are now. */
  readonly changed: readonly StoredBooking[];
  readonly days: readonly DayChange[];
  /**
   * Those that were spoken of, and stand, also where a reading brought them into the record before; placeholders are not
   * among them.
   */
  readonly standing: readonly StoredBooking[];
  /** As it is now. */
  find(calendar: string, booking: string): StoredBooking | undefined;
}

/**
 * @param said in the order in which it is to be taken in
 * @param known all that the record has of the bookings that are spoken of
 */
export function hearBookings(
  said: readonly SaidIn[],
  known: readonly StoredBooking[],
  now: number,
): HeardBookings {
  const current = new Map(known.map((one) => [keyOf(one.calendar, one.id), one]));
  const changes: BookingChange[] = [];
  const days: DayChange[] = [];
  for (const { calendar, said: all } of byCalendar(said)) {
    const before = known.filter((one) => one.calendar === calendar.id);
    const folded = foldBookings(calendar, new Map(before.map((one) => [one.id, one])), all, now);
    changes.push(...folded.changes);
    days.push(...folded.days);
  }
  for (const { after } of changes) current.set(keyOf(after.calendar, after.id), after);
  const find = (calendar: string, id: string): StoredBooking | undefined => current.get(keyOf(calendar, id));
  const spoken = new Set(said.map(({ calendar, booking }) => find(calendar.id, booking)));
  const standing = [...spoken].flatMap((one) => (one?.status === 'booked' && !one.placeholder ? [one] : []));
  return { changed: changes.map(({ after }) => after), days, standing, find };
}

const keyOf = (calendar: string, id: string): string => `${calendar}\u0000${id}`;

function byCalendar(
  said: readonly SaidIn[],
): Iterable<{ readonly calendar: LockedCalendar; readonly said: readonly SaidBooking[] }> {
  const calendars = new Map<string, { readonly calendar: LockedCalendar; readonly said: SaidBooking[] }>();
  for (const one of said) {
    if (one.said === undefined) continue;
    const known = calendars.get(one.calendar.id);
    if (known === undefined) calendars.set(one.calendar.id, { calendar: one.calendar, said: [one.said] });
    else known.said.push(one.said);
  }
  return calendars.values();
}
