/**
 * Compares everything that the marketplace shows of a calendar with what it should show: one getSlots over the whole
 * horizon, its bookings, and its breaks where they matter. Days that differ are marked, to be published like any other.
 * Contract: getSlots, getBookings, Breaks.
 */

import type { CalendarContext } from '../context/context.js';
import { getAddressBehavior, saveAddressBehavior } from '../db/tables/address-behavior.js';
import type { DriftingChange } from '../db/tables/days.js';
import type { Compared, DriftingDay } from '../db/tables/resync-calendars.js';
import type { DocplannerClient } from '../docplanner/index.js';
import { settledDays } from '../publishing/desired-days.js';
import { horizonOf } from '../publishing/horizon.js';
import { inspect } from './diff.js';
import { read } from './fetch.js';

export interface Comparison {
  readonly compared: Compared;
  /** What has to be published for it. */
  readonly changes: readonly DriftingChange[];
  /** Days of others' bookings and breaks, which are published anyway, and on which the slots are not as they were told. */
  readonly distrusted: readonly string[];
  /** When to compare again, where the reading may be older than what was written last; epoch milliseconds. */
  readonly readAgainAt: number | undefined;
}

/**
 * @param dryRun where the record stays as it is; else what others booked and closed is taken into it
 * @throws {BudgetSpentError} before anything is computed, where there are not enough readings for all of it
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
  const known = await settledDays(db, calendar, account, horizon);
  if (known.days.length === 0)
    return { compared: NOTHING, changes: [], distrusted: [], readAgainAt: undefined };
  // One that is known may be gone without a word: nothing of it is missed in the slots, which it took time from.
  const knowsBreaks = known.taken.some(({ source }) => source === 'break');
  const reading = await read(context, client, known, dryRun, calendar.strategy !== 'slots' || knowsBreaks);
  const behavior = await getAddressBehavior(db, calendar.id);
  let found = inspect(context, reading, behavior);
  if (found.requiresBreaks) {
    // What is missing may be hidden by breaks, which had not been asked for.
    found = inspect(context, await read(context, client, known, dryRun, true, reading), behavior);
  }
  const { changes, distrusted, cut, readAgainAt } = found;
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
  return { compared, changes, distrusted, readAgainAt };
}

const NOTHING: Compared = { daysCompared: 0, missing: 0, extra: 0, stale: 0, foreign: 0, reads: 0, days: [] };
