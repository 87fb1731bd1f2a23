/** Finds the bookings of a calendar at the marketplace that the clinic has not been notified of. Contract: getBookings. */
import { addDays, startOfDate, toIso } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { type Account, missedBookingDelayMs } from '../db/tables/accounts.js';
import {
  findBookings,
  findBookingsOfAccount,
  findBookingsUnchangedSince,
  type StoredBooking,
} from '../db/tables/bookings.js';
import { type Calendar, getCalendar } from '../db/tables/calendars.js';
import { findNotificationNames, findUnreportedEndings } from '../db/tables/notifications.js';
import type { Booking, DocplannerClient } from '../docplanner/index.js';
import { toBookingUpdate } from '../marketplace-state/booking-update.js';
import { fetchListedBookings } from '../marketplace-state/listed-bookings.js';

export interface MissedBookingsOptions {
  readonly db: Db;
  readonly client: DocplannerClient;
  readonly now: () => number;
  /** The first and the last date of the bookings that are read. */
  readonly dates: { readonly from: string; readonly to: string };
}

/** A change of a booking that no notification reported. */
export interface BookingDifference {
  readonly calendar: Calendar;
  readonly booking: Booking;
  /** For a booking that is the result of a move: its predecessor, which may have been in another calendar. */
  readonly movedFrom?: Booking | undefined;
}

export interface MissedBookings {
  /** Differences that are new to the database, or so recent that push and pull may still deliver them. */
  readonly fresh: readonly BookingDifference[];
  /** Differences that no channel delivered in the time for it. */
  readonly due: readonly BookingDifference[];
}

export async function findMissedBookings(
  { db, client, now, dates }: MissedBookingsOptions,
  calendar: Calendar,
  account: Account,
): Promise<MissedBookings> {
  const requestedAt = now();
  const range = rangeOf(account, dates);
  const { listed, others, gone } = await fetchListedBookings({
    db,
    client,
    calendar,
    ...range,
    patientsOnly: true,
    now: requestedAt,
  });
  const all = [...listed, ...others, ...gone.map((one) => toListed({ ...one, status: 'canceled' }))];
  const unreported = await findBookings(
    db,
    calendar.id,
    await findUnreportedEndings(db, calendar.id, new Date(requestedAt)),
  );
  for (const ended of unreported.values()) {
    const fetched = await client.findBooking(calendar, ended.id, ['moving']);
    if (fetched !== 'unreadable') all.push(fetched ?? toListed(ended));
  }

  const known = await findBookings(db, calendar.id, idsOf(all));
  const movedTo = (booking: Booking): string | undefined =>
    known.get(booking.id)?.movedTo ?? toBookingUpdate(booking).movedTo;
  const notified = await findNotificationNames(db, account.id, [
    ...idsOf(all),
    ...all.flatMap((one) => movedTo(one) ?? []),
  ]);
  const different = all.filter((one) => isDifferent(one, known.get(one.id), movedTo(one), notified));
  const moves: (BookingDifference & { readonly movedFrom: Booking })[] = [];
  for (const movedFrom of different) {
    const to = movedTo(movedFrom);
    const moved = to === undefined ? undefined : await findSuccessor(to);
    if (moved !== undefined) moves.push({ ...moved, movedFrom });
  }
  const inMoves = new Set(moves.flatMap(({ booking, movedFrom }) => [booking.id, movedFrom.id]));
  const single = different
    .filter(({ id }) => !inMoves.has(id))
    .map((booking): BookingDifference => ({ calendar, booking }));

  const since = new Date(requestedAt - missedBookingDelayMs(account.notifications));
  const settled = await findBookingsUnchangedSince(
    db,
    calendar.id,
    different.length > 0 ? idsOf(all) : [],
    since,
  );
  const fresh: BookingDifference[] = [];
  const due: BookingDifference[] = [];
  for (const one of [...moves, ...single]) {
    const parts = [one, ...(one.movedFrom === undefined ? [] : [{ calendar, booking: one.movedFrom }])];
    const areDue = await Promise.all(parts.map(isDue));
    (areDue.every(Boolean) ? due : fresh).push(one);
  }
  return { fresh, due };

  /** The booked successor of a move: as listed, or as fetched from the calendar in which it is stored. */
  async function findSuccessor(id: string): Promise<BookingDifference | undefined> {
    const here = all.find((one) => one.id === id);
    if (here !== undefined) return isBooked(toBookingUpdate(here)) ? { calendar, booking: here } : undefined;
    const stored = (await findBookingsOfAccount(db, account.id, [id])).find(
      (one) => one.id === id && isBooked(one),
    );
    const home = stored && (await getCalendar(db, stored.calendar));
    const fetched = home && (await client.findBooking(home, id));
    if (home === undefined || fetched === undefined || fetched === 'unreadable') return undefined;
    return isBooked(toBookingUpdate(fetched)) ? { calendar: home, booking: fetched } : undefined;
  }

  async function isDue({ calendar: { id }, booking }: BookingDifference): Promise<boolean> {
    const isHere = id === calendar.id;
    const stored = (isHere ? known : await findBookings(db, id, [booking.id])).get(booking.id);
    if (stored === undefined || isBooked(stored) !== isBooked(toBookingUpdate(booking))) return false;
    return (isHere ? settled : await findBookingsUnchangedSince(db, id, [booking.id], since)).has(booking.id);
  }
}

const idsOf = (some: readonly { readonly id: string }[]): string[] => some.map(({ id }) => id);

const isBooked = ({ status }: { readonly status: string }): boolean => status === 'booked';

/** From the beginning of the first date to the end of the last: instants, ISO 8601. */
function rangeOf({ timeZone }: Account, { from, to }: MissedBookingsOptions['dates']) {
  const startOf = (date: string): string => toIso(startOfDate(date, timeZone), timeZone);
  return { from: startOf(from), to: startOf(addDays(to, 1)) };
}

/**
 * Whether the database or the clinic lacks the booking's state: what publishing or a resync read is in the database, and the clinic
 * was not notified of it. A booking that ended before the clinic was notified of it makes no difference.
 */
function isDifferent(
  booking: Booking,
  known: StoredBooking | undefined,
  movedTo: string | undefined,
  notified: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const { status, placeholder } = toBookingUpdate(booking);
  if (placeholder !== undefined || known?.placeholder === true) return false;
  const names = notified.get(booking.id) ?? new Set();
  const isReported = names.has('slot-booked') || names.has('booking-moved');
  if (status === 'booked') return known?.status !== 'booked' || !isReported;
  if (known?.status === 'booked') return true;
  const isReportedMoved = notified.get(movedTo ?? '')?.has('booking-moved') === true;
  const isReportedEnded = names.has('booking-canceled') || isReportedMoved;
  return isReported && !isReportedEnded;
}

/** The stored state of a booking that the marketplace no longer has. */
function toListed({ id, status, start, end }: StoredBooking): Booking {
  return { id, status, start_at: start.toISOString(), end_at: end.toISOString() };
}
