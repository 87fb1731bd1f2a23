/** What the record knows of a calendar's days at one moment, and what follows from it for the marketplace. */
import { isDeepStrictEqual } from 'node:util';
import { CalendarChangedError } from '../context/calendar-changed-error.js';
import { MINUTE } from '../core/duration.js';
import { addDays, computeSlotConfigs, type Day, startOfDate } from '../core/index.js';
import { COMMIT, runPipelined } from '../db/pipeline.js';
import type { Db } from '../db/schema.js';
import { type Account, getAccount } from '../db/tables/accounts.js';
import { findGoneServiceIds, withoutGoneServices } from '../db/tables/address-services.js';
import { type BusyTime, findBusyTime } from '../db/tables/busy-time.js';
import { type Calendar, isCalendarUnchanged } from '../db/tables/calendars.js';
import { daysBetween, pendingDays, type StoredDay } from '../db/tables/days.js';
import { heldDates } from '../db/tables/held-changes.js';
import { findBookingsToSync, type LinkedBookingChange } from '../db/tables/linked-bookings.js';
import { type StoredWindow, windowsOf } from '../db/tables/windows.js';
import { addBuffers, toBusySpan } from '../marketplace-state/dirty-days.js';
import type { Horizon } from './horizon.js';

/** A day as it is wanted, with the generation that this is the answer to. */
export interface WantedDay extends StoredDay {
  readonly wanted: Day['slots'];
}

/** The days that wait, and everything that is taken from the first to the last of them. */
export interface Wanted {
  /** Most urgent first. */
  readonly days: readonly WantedDay[];
  readonly taken: readonly BusyTime[];
  /** The bookings that have to follow their appointments. */
  readonly following: readonly LinkedBookingChange[];
}

const MAX_DAYS = 400;

/**
 * What waits to be published, computed from the record as it is now.
 * @param only where given, no other dates
 * @throws {CalendarChangedError} where the calendar or its account is something else by now
 */
export async function wantedDays(
  db: Db,
  calendar: Calendar,
  account: Account,
  horizon: Horizon,
  now: Date,
  only?: ReadonlySet<string>,
): Promise<Wanted> {
  return await atOneMoment(db, async (tx) => {
    const [isSame, pending, following] = await runPipelined(tx, (reading) =>
      Promise.all([
        isAsBefore(reading, calendar, account),
        pendingDays(reading, calendar.id, horizon.from, horizon.to, now, MAX_DAYS),
        findBookingsToSync(reading, calendar.id, now),
      ]),
    );
    if (!isSame) throw new CalendarChangedError(calendar.id);
    const days = only === undefined ? pending : pending.filter((day) => only.has(day.date));
    const dates = days.map((day) => day.date).sort();
    const [from, to] = [dates[0], dates.at(-1)];
    if (from === undefined || to === undefined) return { days: [], taken: [], following };
    const computed = await computeDates(tx, calendar, account, from, to);
    return {
      days: days.map((day) => ({ ...day, wanted: computed.slots.get(day.date) ?? [] })),
      taken: computed.taken,
      following,
    };
  });
}

/** The days that are published, as they should show, and what is taken from the first to the last of them. */
export interface Resolved {
  readonly days: readonly WantedDay[];
  readonly taken: readonly BusyTime[];
}

/** The days of the horizon for which nothing waits: neither pending, nor failed, nor dropped by hand. */
export async function settledDays(
  db: Db,
  calendar: Calendar,
  account: Account,
  horizon: Horizon,
): Promise<Resolved> {
  return await atOneMoment(db, async (tx) => {
    const [isSame, all] = await runPipelined(tx, (reading) =>
      Promise.all([
        isAsBefore(reading, calendar, account),
        daysBetween(reading, calendar.id, horizon.from, horizon.to),
      ]),
    );
    if (!isSame) throw new CalendarChangedError(calendar.id);
    const days = all.filter((day) => day.generation === day.publishedGeneration && day.published !== null);
    const [from, to] = [days[0]?.date, days.at(-1)?.date];
    if (from === undefined || to === undefined) return { days: [], taken: [] };
    const computed = await computeDates(tx, calendar, account, from, to);
    return {
      days: days.map((day) => ({ ...day, wanted: computed.slots.get(day.date) ?? [] })),
      taken: computed.taken,
    };
  });
}

/** Everything known of each date of a range, for people who look at it. */
export interface DayView {
  readonly date: string;
  readonly day: StoredDay | undefined;
  readonly windows: readonly StoredWindow[];
  readonly taken: readonly BusyTime[];
  readonly wanted: Day['slots'];
  /** Whether something that would be taken away from it waits for a person. */
  readonly held: boolean;
}

export async function viewDays(
  db: Db,
  calendar: Calendar,
  account: Account,
  from: string,
  to: string,
): Promise<DayView[]> {
  return await atOneMoment(db, async (tx) => {
    const days = new Map((await daysBetween(tx, calendar.id, from, to)).map((day) => [day.date, day]));
    const held = await heldDates(tx, calendar.id, from, to);
    const computed = await computeDates(tx, calendar, account, from, to);
    return [...computed.slots].map(([date, wanted]) => {
      const start = startOfDate(date, account.timeZone);
      const end = startOfDate(addDays(date, 1), account.timeZone);
      return {
        date,
        day: days.get(date),
        windows: computed.windows.filter((window) => window.date === date),
        taken: computed.taken.filter((one) => one.start.getTime() < end && one.end.getTime() > start),
        wanted,
        held: held.has(date),
      };
    });
  });
}

/** A generation that is read here is the answer to the calendar as it is here. */
async function isAsBefore(db: Db, calendar: Calendar, account: Account): Promise<boolean> {
  const [isCalendar, found] = await Promise.all([
    isCalendarUnchanged(db, calendar),
    getAccount(db, account.id),
  ]);
  return isCalendar && isDeepStrictEqual(found, account);
}

/** Everything that is taken on the dates, also where only the buffers around it reach them. */
export async function busyTimeOn(
  db: Db,
  calendar: Calendar,
  account: Account,
  from: string,
  to: string,
): Promise<BusyTime[]> {
  const { first, last } = reachOf(calendar, account, from, to);
  return await findBusyTime(db, calendar.id, new Date(first), new Date(last));
}

function reachOf(
  { bufferBefore = 0, bufferAfter = 0 }: Calendar,
  account: Account,
  from: string,
  to: string,
) {
  return {
    first: startOfDate(from, account.timeZone) - bufferAfter * MINUTE,
    last: startOfDate(addDays(to, 1), account.timeZone) + bufferBefore * MINUTE,
  };
}

/** @param tx a transaction that only reads; it is ended */
async function computeDates(tx: Db, calendar: Calendar, account: Account, from: string, to: string) {
  const { bufferBefore = 0, bufferAfter = 0, grid } = calendar;
  const { first, last } = reachOf(calendar, account, from, to);
  const [windows, taken, gone] = await runPipelined(tx, (db) =>
    Promise.all([
      windowsOf(db, calendar.id, from, to),
      busyTimeOn(db, calendar, account, from, to),
      findGoneServiceIds(db, calendar.id),
      COMMIT.execute(db),
    ]),
  );
  const closed = taken.map((one) => {
    const { start, end } = addBuffers(toBusySpan(one), { bufferBefore, bufferAfter });
    // A break may end in a year of which nothing is computed.
    return { start: Math.max(start, first), end: Math.min(end, last) };
  });
  const days = computeSlotConfigs({
    timeZone: account.timeZone,
    windows: withoutGoneServices(windows, gone),
    // Where it is hidden by other means, all that is available is published.
    busy: calendar.strategy === 'slots' ? closed : [],
    from,
    to,
    ...(grid === undefined ? {} : { grid }),
  });
  return { windows, taken, slots: new Map(days.map((day) => [day.date, day.slots])) };
}

/** Several reads that must see the same state: a generation and the occupancy that it counts. */
async function atOneMoment<T>(db: Db, read: (tx: Db) => Promise<T>): Promise<T> {
  return await db.transaction().setIsolationLevel('repeatable read').execute(read);
}
