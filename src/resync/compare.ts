/**
 * Compares everything that the marketplace shows of a calendar with the desired state: one getSlots over the whole horizon,
 * the bookings, and the breaks where they matter. Days that differ are marked for publishing. Contract: getSlots,
 * getBookings, Breaks.
 */

import type { CalendarContext } from '../context/context.js';
import { getAddressBehavior, saveAddressBehavior } from '../db/tables/address-behavior.js';
import type { DayReading, DriftingDayMark } from '../db/tables/days.js';
import type { ComparisonResult, DriftingDay } from '../db/tables/resync-calendars.js';
import type { DocplannerClient } from '../docplanner/index.js';
import { computePublishedDays } from '../publishing/desired-days.js';
import { horizonOf } from '../publishing/horizon.js';
import { inspect } from './diff.js';
import { read } from './fetch.js';

export interface Comparison {
  readonly compared: ComparisonResult;
  /** The changes to publish. */
  readonly changes: readonly DriftingDayMark[];
  /**
   * Days with changed bookings or breaks of others, which are published anyway, and whose slots differ from the published
   * ones.
   */
  readonly distrusted: readonly string[];
  /** What was read of each compared day. */
  readonly readings: readonly { readonly date: string; readonly reading: DayReading }[];
  /** When to compare again, where the read may lag behind the last write; epoch milliseconds. */
  readonly readAgainAt: number | undefined;
}

/**
 * @param dryRun whether the database stays as it is; otherwise bookings and breaks of others are saved
 * @throws {RateLimitError} before anything is computed, where not all reads are granted
 */
export async function compareCalendar(context: CalendarContext, dryRun: boolean): Promise<Comparison> {
  return await context.withReservedReads((client) => compare(context, client, dryRun));
}

async function compare(
  context: CalendarContext,
  client: DocplannerClient,
  dryRun: boolean,
): Promise<Comparison> {
  const { calendar, account, db, now } = context;
  const before = context.requests.reads;
  const horizon = horizonOf(account.timeZone, now());
  const known = await computePublishedDays(db, calendar, account, horizon);
  if (known.days.length === 0)
    return { compared: NOTHING, changes: [], distrusted: [], readings: [], readAgainAt: undefined };
  // A stored break may have been deleted without a notification: then the slots show nothing missing, because its time was
  // not published.
  const knowsBreaks = known.busyTime.some(({ source }) => source === 'break');
  const reading = await read(context, client, known, dryRun, calendar.strategy !== 'slots' || knowsBreaks);
  const behavior = await getAddressBehavior(db, calendar.id);
  let found = inspect(context, reading, behavior);
  if (found.requiresBreaks) {
    // Breaks, which were not read, may block the missing starts.
    found = inspect(context, await read(context, client, known, dryRun, true, reading), behavior);
  }
  const { changes, distrusted, shown, cut, readAgainAt } = found;
  const readAt = new Date(reading.at);
  if (!dryRun && cut !== behavior.cut) await saveAddressBehavior(db, calendar, { ...behavior, cut });
  const count = (of: (day: DriftingDay) => boolean): number => found.days.filter(of).length;
  const compared = {
    daysCompared: known.days.length,
    missing: count(({ missing }) => missing.length > 0),
    extra: count(({ extra }) => extra.length > 0),
    stale: count(({ stale }) => stale > 0),
    foreign: count(({ foreign }) => foreign),
    reads: context.requests.reads - before,
    days: found.days,
  };
  const readings = shown.map((day) => ({ date: day.date, reading: { shown: day.shown, readAt } }));
  return { compared, changes, distrusted, readings, readAgainAt };
}

const NOTHING: ComparisonResult = {
  daysCompared: 0,
  missing: 0,
  extra: 0,
  stale: 0,
  foreign: 0,
  reads: 0,
  days: [],
};
