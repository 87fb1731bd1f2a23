/** What the marketplace has of a calendar's bookings and the clinic has not heard of. Contract: getBookings, getBooking. */
import { addDays, startOfDate, toIso } from '../../core/index.js';
import type { Booking, DocplannerClient } from '../../docplanner/index.js';
import { listBookings } from '../../occupancy/listed-bookings.js';
import { said } from '../../occupancy/said.js';
import { type Account, tellAfterMs } from '../../store/accounts.js';
import { findBookings, type StoredBooking, settledBookings } from '../../store/bookings.js';
import type { Calendar } from '../../store/calendars.js';
import { heardOf, untoldEndings } from '../../store/notifications.js';
import type { Db } from '../../store/schema.js';

export interface UnheardOptions {
  readonly db: Db;
  readonly client: DocplannerClient;
  readonly now: () => number;
  /** Over which they are read, both included. */
  readonly dates: { readonly from: string; readonly to: string };
}

export interface Unheard {
  /** News to the record, or so young that push and pull may yet tell it. */
  readonly fresh: readonly Booking[];
  /** What nobody has told in the time that there was for it. */
  readonly due: readonly Booking[];
}

export async function unheardBookings(
  { db, client, now, dates }: UnheardOptions,
  calendar: Calendar,
  account: Account,
): Promise<Unheard> {
  const asked = now();
  const settledFor = (ms: number, some: readonly { readonly id: string }[]) =>
    settledBookings(db, calendar.id, idsOf(some), new Date(asked - ms));
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
  const untold = await findBookings(db, calendar.id, await untoldEndings(db, calendar.id, new Date(asked)));
  for (const ended of untold.values()) {
    const shown = await client.findBooking(calendar, ended.id);
    if (shown !== 'unreadable') all.push(shown ?? asListed(ended));
  }

  const known = await findBookings(db, calendar.id, idsOf(all));
  const moved = [...known.values()].flatMap(({ movedTo }) => movedTo ?? []);
  const heard = await heardOf(db, account.id, [...idsOf(all), ...moved]);
  const news = all.filter((booking) => isNews(booking, known.get(booking.id), heard));
  const settled = await settledFor(tellAfterMs(account.notifications), news);
  const isDue = (booking: Booking): boolean => {
    const before = known.get(booking.id);
    return (
      before !== undefined && settled.has(booking.id) && isStanding(before) === isStanding(said(booking))
    );
  };
  return { fresh: news.filter((one) => !isDue(one)), due: news.filter(isDue) };
}

const idsOf = (some: readonly { readonly id: string }[]): string[] => some.map(({ id }) => id);

const isStanding = ({ status }: { readonly status: string }): boolean => status === 'booked';

/** From the beginning of the first date to the end of the last: instants, ISO 8601. */
function rangeOf({ timeZone }: Account, { from, to }: UnheardOptions['dates']) {
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
  heard: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const { status, placeholder } = said(booking);
  if (placeholder !== undefined || known?.placeholder === true) return false;
  const names = heard.get(booking.id) ?? new Set();
  const isTold = names.has('slot-booked') || names.has('booking-moved');
  if (status === 'booked') return known?.status !== 'booked' || !isTold;
  if (known?.status === 'booked') return true;
  const isToldOver = names.has('booking-canceled') || heard.has(known?.movedTo ?? '');
  return isTold && !isToldOver;
}

/** What the record has of one that the marketplace has no more. */
function asListed({ id, status, start, end }: StoredBooking): Booking {
  return { id, status, start_at: start.toISOString(), end_at: end.toISOString() };
}
