/** What the marketplace has of a calendar's bookings and the clinic has not heard of. Contract: getBookings. */
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
import { findNotifiedBookings, findUnreportedEndings } from '../db/tables/notifications.js';
import type { Booking, DocplannerClient } from '../docplanner/index.js';
import { said } from '../marketplace-state/booking-update.js';
import { listBookings } from '../marketplace-state/listed-bookings.js';

export interface MissedBookingsOptions {
  readonly db: Db;
  readonly client: DocplannerClient;
  readonly now: () => number;
  /** Over which they are read, both included. */
  readonly dates: { readonly from: string; readonly to: string };
}

/** What nobody has told of a booking. */
export interface BookingDifference {
  readonly calendar: Calendar;
  readonly booking: Booking;
  /** The booking in this calendar that it is since it moved: it may have been in another one. */
  readonly before?: Booking | undefined;
}

export interface MissedBookings {
  /** News to the record, or so young that push and pull may yet tell it. */
  readonly fresh: readonly BookingDifference[];
  /** What nobody has told in the time that there was for it. */
  readonly due: readonly BookingDifference[];
}

export async function findMissedBookings(
  { db, client, now, dates }: MissedBookingsOptions,
  calendar: Calendar,
  account: Account,
): Promise<MissedBookings> {
  const asked = now();
  const range = rangeOf(account, dates);
  const { listed, others, gone } = await listBookings({
    db,
    client,
    calendar,
    ...range,
    ofPatients: true,
    now: asked,
  });
  const all = [...listed, ...others, ...gone.map((one) => asListed({ ...one, status: 'canceled' }))];
  const untold = await findBookings(
    db,
    calendar.id,
    await findUnreportedEndings(db, calendar.id, new Date(asked)),
  );
  for (const ended of untold.values()) {
    const shown = await client.findBooking(calendar, ended.id, ['moving']);
    if (shown !== 'unreadable') all.push(shown ?? asListed(ended));
  }

  const known = await findBookings(db, calendar.id, idsOf(all));
  const movedTo = (booking: Booking): string | undefined =>
    known.get(booking.id)?.movedTo ?? said(booking).movedTo;
  const heard = await findNotifiedBookings(db, account.id, [
    ...idsOf(all),
    ...all.flatMap((one) => movedTo(one) ?? []),
  ]);
  const news = all.filter((one) => isNews(one, known.get(one.id), movedTo(one), heard));
  const moves: (BookingDifference & { readonly before: Booking })[] = [];
  for (const before of news) {
    const to = movedTo(before);
    const moved = to === undefined ? undefined : await findMoved(to);
    if (moved !== undefined) moves.push({ ...moved, before });
  }
  const inMoves = new Set(moves.flatMap(({ booking, before }) => [booking.id, before.id]));
  const alone = news
    .filter(({ id }) => !inMoves.has(id))
    .map((booking): BookingDifference => ({ calendar, booking }));

  const since = new Date(asked - missedBookingDelayMs(account.notifications));
  const settled = await findBookingsUnchangedSince(db, calendar.id, news.length > 0 ? idsOf(all) : [], since);
  const fresh: BookingDifference[] = [];
  const due: BookingDifference[] = [];
  for (const one of [...moves, ...alone]) {
    const parts = [one, ...(one.before === undefined ? [] : [{ calendar, booking: one.before }])];
    const areDue = await Promise.all(parts.map(isDue));
    (areDue.every(Boolean) ? due : fresh).push(one);
  }
  return { fresh, due };

  /** What a booking is since it moved: as it is listed, or shown in the calendar in which the record has it. */
  async function findMoved(id: string): Promise<BookingDifference | undefined> {
    const here = all.find((one) => one.id === id);
    if (here !== undefined) return isStanding(said(here)) ? { calendar, booking: here } : undefined;
    const standing = (await findBookingsOfAccount(db, account.id, [id])).find(
      (one) => one.id === id && isStanding(one),
    );
    const home = standing && (await getCalendar(db, standing.calendar));
    const shown = home && (await client.findBooking(home, id));
    if (home === undefined || shown === undefined || shown === 'unreadable') return undefined;
    return isStanding(said(shown)) ? { calendar: home, booking: shown } : undefined;
  }

  async function isDue({ calendar: { id }, booking }: BookingDifference): Promise<boolean> {
    const isHere = id === calendar.id;
    const before = (isHere ? known : await findBookings(db, id, [booking.id])).get(booking.id);
    if (before === undefined || isStanding(before) !== isStanding(said(booking))) return false;
    return (isHere ? settled : await findBookingsUnchangedSince(db, id, [booking.id], since)).has(booking.id);
  }
}

const idsOf = (some: readonly { readonly id: string }[]): string[] => some.map(({ id }) => id);

const isStanding = ({ status }: { readonly status: string }): boolean => status === 'booked';

/** From the beginning of the first date to the end of the last: instants, ISO 8601. */
function rangeOf({ timeZone }: Account, { from, to }: MissedBookingsOptions['dates']) {
  const startOf = (date: string): string => toIso(startOfDate(date, timeZone), timeZone);
  return { from: startOf(from), to: startOf(addDays(to, 1)) };
}

/**
 * Whether the record or the clinic has yet to hear of it: what publishing or a resync read is in the record, and was told
 * to nobody. What was over before anybody heard of it is nobody's news.
 */
function isNews(
  booking: Booking,
  known: StoredBooking | undefined,
  movedTo: string | undefined,
  heard: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const { status, placeholder } = said(booking);
  if (placeholder !== undefined || known?.placeholder === true) return false;
  const names = heard.get(booking.id) ?? new Set();
  const isTold = names.has('slot-booked') || names.has('booking-moved');
  if (status === 'booked') return known?.status !== 'booked' || !isTold;
  if (known?.status === 'booked') return true;
  const isReportedMoved = heard.get(movedTo ?? '')?.has('booking-moved') === true;
  const isReportedEnded = names.has('booking-canceled') || isReportedMoved;
  return isTold && !isReportedEnded;
}

/** What the record has of one that the marketplace has no more. */
function asListed({ id, status, start, end }: StoredBooking): Booking {
  return { id, status, start_at: start.toISOString(), end_at: end.toISOString() };
}
