/**
 * Closes a calendar that is deleted, or a former address: every day of the horizon is emptied like any other day, then our
 * own breaks and placeholders are removed, and the calendar is deleted when nothing is on sale any more. Patients' bookings
 * stay.
 */

import type { CalendarContext } from '../context/context.js';
import { StillOnSaleError } from '../context/still-on-sale-error.js';
import { datesBetween } from '../core/calendar-date.js';
import { addDays, bandOf, priority, startOfDate } from '../core/index.js';
import { deleteClosedCalendar } from '../db/tables/closing-calendars.js';
import { listDays, markDays, markDriftingDays, type StoredDay } from '../db/tables/days.js';
import { DONE, requeueNow, type WorkResult } from '../lib/work-result.js';
import { executeStep } from './blocking/executor.js';
import { ObservedState } from './blocking/observed-state.js';
import { planBlocking } from './blocking/plan-blocking.js';
import type { DesiredDay } from './desired-days.js';
import { horizonOf } from './horizon.js';
import { fetchNonEmptyDates } from './verify-publication.js';

/** After so many steps the calendar is requeued, so that others are published meanwhile. */
const MAX_STEPS = 200;

/** Marks every day of the horizon for closing, also days that we never published: the marketplace may show slots there. */
export async function wantEverythingClosed(context: CalendarContext): Promise<void> {
  const { db, calendar, account, now } = context;
  const { from, to } = horizonOf(account.timeZone, now());
  const known = new Map((await listDays(db, calendar.id, from, to)).map((day) => [day.date, day]));
  const windows = datesBetween(from, to)
    .filter((date) => !isBeingClosed(known.get(date)))
    .map((date) => ({ calendar: calendar.id, date, priority: closingPriority(context, date) }));
  await markDays(db, { windows, occupancy: [] }, new Date(now()), 'closing');
}

/** Whether the day is closed, failed, or pending with the priority of a closing change. */
function isBeingClosed(day: StoredDay | undefined): boolean {
  if (day === undefined) return false;
  if (day.generation === day.publishedGeneration) return day.published?.length === 0;
  return (
    day.failedGeneration === day.generation || (day.priority !== null && bandOf(day.priority) === 'closing')
  );
}

/** Called after the calendar's days were published. */
export async function finishClosing(context: CalendarContext, since: Date): Promise<WorkResult> {
  const { db, calendar, account, now, log } = context;
  const { from, to } = horizonOf(account.timeZone, now());
  const stored = await listDays(db, calendar.id, from, to);
  // A failed day may be on sale, and our blocks on it must stay.
  if (stored.some((day) => day.generation > day.publishedGeneration)) return DONE;
  const days = stored.map((day): DesiredDay => ({ ...day, wanted: [] }));
  await assertNothingOnSale(context, days);
  if (!(await removeOwnBlocks(context, days))) return requeueNow(closingPriority(context, to));
  await assertNothingOnSale(context, days);
  await deleteClosedCalendar(db, calendar.id, since);
  log.info({ calendar: calendar.id, account: account.id }, 'a calendar was closed and removed');
  return DONE;
}

/** @throws {StillOnSaleError} where something is on sale; those days are marked for closing again */
async function assertNothingOnSale(context: CalendarContext, days: readonly DesiredDay[]): Promise<void> {
  const nonEmptyDates = await fetchNonEmptyDates(context, days);
  if (nonEmptyDates.size === 0) return;
  const changes = days
    .filter(({ date }) => nonEmptyDates.has(date))
    .map(({ date, generation }) => ({
      date,
      generation,
      priority: closingPriority(context, date),
      isVerified: false,
    }));
  await markDriftingDays(context.db, context.calendar.id, changes, new Date(context.now()), 'closing');
  throw new StillOnSaleError([...nonEmptyDates].sort());
}

/**
 * Removes our breaks and placeholders, which puts nothing on sale: there are no slots under them. @returns whether none is
 * left
 */
async function removeOwnBlocks(context: CalendarContext, days: readonly DesiredDay[]): Promise<boolean> {
  const observed = new ObservedState(context);
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const marketplaceState = await observed.fetchState(days, [], []);
    if (marketplaceState === 'changed') continue;
    const { opening } = planBlocking({
      strategy: 'slots',
      timeZone: context.account.timeZone,
      days: days.map(({ date }) => ({ date, published: [], isVerified: true, wanted: [] })),
      requiredBlocks: [],
      marketplaceState,
      refused: observed.refused,
      now: context.now(),
    });
    if (opening[0] === undefined) return true;
    await executeStep(context, observed, opening[0]);
  }
  return false;
}

function closingPriority({ account: { timeZone }, now }: CalendarContext, date: string): number {
  const closed = [{ start: startOfDate(date, timeZone), end: startOfDate(addDays(date, 1), timeZone) }];
  return priority({ closed, opened: [], now: now() });
}
