/** Computes the desired slots of a calendar's days from one consistent read of the database. */

import { isDeepStrictEqual } from 'node:util';
import { CalendarChangedError } from '../context/calendar-changed-error.js';
import { MINUTE } from '../core/duration.js';
import { addDays, computeSlotConfigs, type Day, type ExplainInput, startOfDate } from '../core/index.js';
import type { Span } from '../core/span.js';
import { COMMIT, runPipelined } from '../db/pipeline.js';
import type { Db } from '../db/schema.js';
import { type Account, getAccount } from '../db/tables/accounts.js';
import { findGoneServiceIds, withoutGoneServices } from '../db/tables/address-services.js';
import { type BusyTime, findBusyTime } from '../db/tables/busy-time.js';
import { type Calendar, isCalendarUnchanged } from '../db/tables/calendars.js';
import {
  findPendingDays,
  findShownDays,
  type LastReading,
  listDays,
  type StoredDay,
} from '../db/tables/days.js';
import { findHeldDates } from '../db/tables/held-changes.js';
import { findBookingsToSync, type LinkedBookingChange } from '../db/tables/linked-bookings.js';
import { listWindows, type StoredWindow } from '../db/tables/windows.js';
import { addBuffers, toBusySpan } from '../marketplace-state/dirty-days.js';
import type { Horizon } from './horizon.js';

/** A day with its desired slots, and the generation that they were computed from. */
export interface DesiredDay extends StoredDay {
  readonly wanted: Day['slots'];
}

/** The pending days, and all busy time from the first to the last of them. */
export interface PendingDays {
  /** Highest priority first. */
  readonly days: readonly DesiredDay[];
  readonly busyTime: readonly BusyTime[];
  /** The linked bookings whose appointments moved or were released. */
  readonly linkedChanges: readonly LinkedBookingChange[];
}

const MAX_DAYS = 400;

/**
 * Computes the pending days from the current database.
 * @param only where given, no other dates
 * @throws {CalendarChangedError} where the calendar or its account changed meanwhile
 */
export async function computePendingDays(
  db: Db,
  calendar: Calendar,
  account: Account,
  horizon: Horizon,
  now: Date,
  only?: ReadonlySet<string>,
): Promise<PendingDays> {
  return await inSnapshot(db, async (tx) => {
    const [isSame, pending, linkedChanges] = await runPipelined(tx, (reading) =>
      Promise.all([
        isUnchanged(reading, calendar, account),
        findPendingDays(reading, calendar.id, horizon.from, horizon.to, now, MAX_DAYS),
        findBookingsToSync(reading, calendar.id, now),
      ]),
    );
    if (!isSame) throw new CalendarChangedError(calendar.id);
    const days = only === undefined ? pending : pending.filter((day) => only.has(day.date));
    const dates = days.map((day) => day.date).sort();
    const [from, to] = [dates[0], dates.at(-1)];
    if (from === undefined || to === undefined) return { days: [], busyTime: [], linkedChanges };
    const computed = await computeDates(tx, calendar, account, from, to);
    return {
      days: days.map((day) => ({ ...day, wanted: computed.slots.get(day.date) ?? [] })),
      busyTime: computed.busyTime,
      linkedChanges,
    };
  });
}

/** Published days with their desired slots, and all busy time from the first to the last of them. */
export interface ComputedDays {
  readonly days: readonly DesiredDay[];
  readonly busyTime: readonly BusyTime[];
}

/** The published days of the horizon that are neither pending, nor failed, nor dropped by a person. */
export async function computePublishedDays(
  db: Db,
  calendar: Calendar,
  account: Account,
  horizon: Horizon,
): Promise<ComputedDays> {
  return await inSnapshot(db, async (tx) => {
    const [isSame, all] = await runPipelined(tx, (reading) =>
      Promise.all([
        isUnchanged(reading, calendar, account),
        listDays(reading, calendar.id, horizon.from, horizon.to),
      ]),
    );
    if (!isSame) throw new CalendarChangedError(calendar.id);
    const days = all.filter((day) => day.generation === day.publishedGeneration && day.published !== null);
    const [from, to] = [days[0]?.date, days.at(-1)?.date];
    if (from === undefined || to === undefined) return { days: [], busyTime: [] };
    const computed = await computeDates(tx, calendar, account, from, to);
    return {
      days: days.map((day) => ({ ...day, wanted: computed.slots.get(day.date) ?? [] })),
      busyTime: computed.busyTime,
    };
  });
}

/** Everything known of a date, for reports. */
export interface DayView {
  readonly date: string;
  readonly day: StoredDay | undefined;
  readonly windows: readonly StoredWindow[];
  readonly busyTime: readonly BusyTime[];
  readonly wanted: Day['slots'];
  /** What was last read of the day; absent where it was never read. */
  readonly lastReading?: LastReading | undefined;
  /** Whether a change that would remove something from the day waits for a person's approval. */
  readonly held: boolean;
}

export async function viewDays(
  db: Db,
  calendar: Calendar,
  account: Account,
  from: string,
  to: string,
): Promise<readonly DayView[]> {
  return await inSnapshot(db, async (tx) => (await readDays(tx, calendar, account, from, to)).views);
}

/** Dates with the schedule that their slots are computed from. */
export interface ComputedViews {
  readonly views: readonly DayView[];
  readonly schedule: Schedule;
  /** The owners of the schedule's busy time, in its order. */
  readonly busyTime: readonly BusyTime[];
}

/** @param tx a read-only transaction of {@link inSnapshot}, which this function commits */
export async function readDays(
  tx: Db,
  calendar: Calendar,
  account: Account,
  from: string,
  to: string,
): Promise<ComputedViews> {
  const days = new Map((await listDays(tx, calendar.id, from, to)).map((day) => [day.date, day]));
  const readings = await findShownDays(tx, calendar.id, from, to);
  const held = await findHeldDates(tx, calendar.id, from, to);
  const { windows, busyTime, schedule, slots } = await computeDates(tx, calendar, account, from, to);
  const views = [...slots].map(([date, wanted]): DayView => {
    const start = startOfDate(date, account.timeZone);
    const end = startOfDate(addDays(date, 1), account.timeZone);
    return {
      date,
      day: days.get(date),
      windows: windows.filter((window) => window.date === date),
      busyTime: busyTime.filter((one) => one.start.getTime() < end && one.end.getTime() > start),
      wanted,
      lastReading: readings.get(date),
      held: held.has(date),
    };
  });
  return { views, schedule, busyTime };
}

/** A generation that is read in this transaction belongs to the calendar and account as they are compared here. */
async function isUnchanged(db: Db, calendar: Calendar, account: Account): Promise<boolean> {
  const [isCalendar, found] = await Promise.all([
    isCalendarUnchanged(db, calendar),
    getAccount(db, account.id),
  ]);
  return isCalendar && isDeepStrictEqual(found, account);
}

/** All busy time of the dates, also where only its buffers reach them. */
export async function findBusyTimeOn(
  db: Db,
  calendar: Calendar,
  account: Account,
  from: string,
  to: string,
): Promise<BusyTime[]> {
  const { first, last } = boundsOf(calendar, account, from, to);
  return await findBusyTime(db, calendar.id, new Date(first), new Date(last));
}

function boundsOf(
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

/** @param tx a read-only transaction, which this function commits */
async function computeDates(tx: Db, calendar: Calendar, account: Account, from: string, to: string) {
  const [windows, busyTime, gone] = await runPipelined(tx, (db) =>
    Promise.all([
      listWindows(db, calendar.id, from, to),
      findBusyTimeOn(db, calendar, account, from, to),
      findGoneServiceIds(db, calendar.id),
      COMMIT.execute(db),
    ]),
  );
  const schedule = scheduleOf(
    calendar,
    account,
    withoutGoneServices(windows, gone),
    busyTime,
    boundsOf(calendar, account, from, to),
  );
  const { blocking, busy, ...available } = schedule;
  const days = computeSlotConfigs({ ...available, busy: blocking ? [] : busy, from, to });
  return { windows, busyTime, schedule, slots: new Map(days.map((day) => [day.date, day.slots])) };
}

/**
 * What a calendar's slots are computed from. `busy` has the buffers. With `blocking`, it is not cut out of the slots: the
 * strategies `breaks` and `book` publish all that is available, and block busy time by breaks and placeholders.
 */
export type Schedule = Pick<ExplainInput, 'timeZone' | 'windows' | 'grid'> & {
  readonly busy: readonly Span[];
  readonly blocking: boolean;
};

/** @param bounds to which busy time is clipped: a break may end in a year for which nothing is computed */
function scheduleOf(
  { bufferBefore = 0, bufferAfter = 0, grid, strategy }: Calendar,
  { timeZone }: Account,
  windows: Schedule['windows'],
  busyTime: readonly BusyTime[],
  { first, last }: ReturnType<typeof boundsOf>,
): Schedule {
  const busy = busyTime.map((one) => {
    const { start, end } = addBuffers(toBusySpan(one), { bufferBefore, bufferAfter });
    return { start: Math.max(start, first), end: Math.min(end, last) };
  });
  const blocking = strategy !== 'slots';
  return { timeZone, windows, busy, blocking, ...(grid === undefined ? {} : { grid }) };
}

/** Reads in one snapshot of the database, so that a generation and the occupancy that it counts belong together. */
export async function inSnapshot<T>(db: Db, read: (tx: Db) => Promise<T>): Promise<T> {
  return await db.transaction().setIsolationLevel('repeatable read').execute(read);
}
