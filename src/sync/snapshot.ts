/** What the record knows of a calendar's days at one moment, and what follows from it for the marketplace. */
import { addDays, computeSlotConfigs, type Day, startOfDate } from '../core/index.js';
import type { Account } from '../store/accounts.js';
import type { Calendar } from '../store/calendars.js';
import { daysBetween, pendingDays, type StoredDay } from '../store/days.js';
import { type Busy, busyBetween } from '../store/occupancy.js';
import type { Db } from '../store/schema.js';
import { type StoredWindow, windowsOf } from '../store/windows.js';
import type { Horizon } from './horizon.js';

/** A day as it is wanted, with the generation that this is the answer to. */
export interface WantedDay extends StoredDay {
  readonly wanted: Day['slots'];
}

const MOST_DAYS = 400;

/**
 * The days that wait to be published, most urgent first, computed from the record as it is now.
 * @param only where given, no other dates
 */
export async function wantedDays(
  db: Db,
  calendar: Calendar,
  account: Account,
  horizon: Horizon,
  only?: ReadonlySet<string>,
): Promise<WantedDay[]> {
  return await atOneMoment(db, async (tx) => {
    const pending = await pendingDays(tx, calendar.id, horizon.from, horizon.to, MOST_DAYS);
    const days = only === undefined ? pending : pending.filter((day) => only.has(day.date));
    const dates = days.map((day) => day.date).sort();
    const [from, to] = [dates[0], dates.at(-1)];
    if (from === undefined || to === undefined) return [];
    const computed = await computeDates(tx, calendar, account, from, to);
    return days.map((day) => ({ ...day, wanted: computed.slots.get(day.date) ?? [] }));
  });
}

/** Everything known of each date of a range, for people who look at it. */
export interface DayView {
  readonly date: string;
  readonly day: StoredDay | undefined;
  readonly windows: readonly StoredWindow[];
  readonly busy: readonly Busy[];
  readonly wanted: Day['slots'];
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
    const computed = await computeDates(tx, calendar, account, from, to);
    return [...computed.slots].map(([date, wanted]) => {
      const start = startOfDate(date, account.timeZone);
      const end = startOfDate(addDays(date, 1), account.timeZone);
      return {
        date,
        day: days.get(date),
        windows: computed.windows.filter((window) => window.date === date),
        busy: computed.busy.filter((busy) => busy.start.getTime() < end && busy.end.getTime() > start),
        wanted,
      };
    });
  });
}

const MINUTE = 60_000;

async function computeDates(db: Db, calendar: Calendar, account: Account, from: string, to: string) {
  const { bufferBefore = 0, bufferAfter = 0, grid } = calendar;
  const windows = await windowsOf(db, calendar.id, from, to);
  const busy = await busyBetween(
    db,
    calendar.id,
    new Date(startOfDate(from, account.timeZone) - bufferAfter * MINUTE),
    new Date(startOfDate(addDays(to, 1), account.timeZone) + bufferBefore * MINUTE),
  );
  const days = computeSlotConfigs({
    timeZone: account.timeZone,
    windows,
    busy,
    from,
    to,
    bufferBefore,
    bufferAfter,
    ...(grid === undefined ? {} : { grid }),
  });
  return { windows, busy, slots: new Map(days.map((day) => [day.date, day.slots])) };
}

/** Several reads that must see the same state: a generation and the occupancy that it counts. */
async function atOneMoment<T>(db: Db, read: (tx: Db) => Promise<T>): Promise<T> {
  return await db.transaction().setIsolationLevel('repeatable read').execute(read);
}
