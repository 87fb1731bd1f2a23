/**
 * Closes a calendar that is deleted, or a former address: every day of the horizon is emptied like any other day, then our
 * own breaks and placeholders are removed, and when nothing is on offer any more, the calendar is. Patients' bookings stay.
 */

import type { CalendarContext } from '../context/context.js';
import { StillOnSaleError } from '../context/still-on-sale-error.js';
import { addDays, bandOf, priority, startOfDate } from '../core/index.js';
import { deleteClosedCalendar } from '../db/tables/closing-calendars.js';
import { daysBetween, markDays, markDrift, type StoredDay } from '../db/tables/days.js';
import { DONE, requeueNow, type WorkResult } from '../lib/work-result.js';
import { executeStep } from './blocking/executor.js';
import { ObservedState } from './blocking/observed-state.js';
import { planBlocking } from './blocking/plan-blocking.js';
import type { WantedDay } from './desired-days.js';
import { horizonOf } from './horizon.js';
import { compareOnly } from './send-slots.js';

/** After so many steps another calendar gets a turn; the rest of this one follows. */
const MAX_STEPS = 200;

/** Has every day of the horizon emptied, also those that we never published: the marketplace may show something there. */
export async function wantEverythingClosed(context: CalendarContext): Promise<void> {
  const { db, calendar, account, now } = context;
  const { from, to } = horizonOf(account.timeZone, now());
  const known = new Map((await daysBetween(db, calendar.id, from, to)).map((day) => [day.date, day]));
  const windows = datesBetween(from, to)
    .filter((date) => !isBeingClosed(known.get(date)))
    .map((date) => ({ calendar: calendar.id, date, priority: priorityOfClosing(context, date) }));
  await markDays(db, { windows, occupancy: [] }, new Date(now()));
}

/** Closed, failed, or waiting as urgently as what closes. */
function isBeingClosed(day: StoredDay | undefined): boolean {
  if (day === undefined) return false;
  if (day.generation === day.publishedGeneration) return day.published?.length === 0;
  return (
    day.failedGeneration === day.generation || (day.priority !== null && bandOf(day.priority) === 'closing')
  );
}

/** After its days were published. */
export async function finishClosing(context: CalendarContext, since: Date): Promise<WorkResult> {
  const { db, calendar, account, now, log } = context;
  const { from, to } = horizonOf(account.timeZone, now());
  const stored = await daysBetween(db, calendar.id, from, to);
  // A day that failed may be on sale, and what we hide there with it.
  if (stored.some((day) => day.generation > day.publishedGeneration)) return DONE;
  const days = stored.map((day): WantedDay => ({ ...day, wanted: [] }));
  await refuseWhatShows(context, days);
  if (!(await removeOurs(context, days))) return requeueNow(priorityOfClosing(context, to));
  await refuseWhatShows(context, days);
  await deleteClosedCalendar(db, calendar.id, since);
  log.info({ calendar: calendar.id, account: account.id }, 'a calendar was closed and removed');
  return DONE;
}

/** @throws {StillOnSaleError} where something is on offer; those days are closed again */
async function refuseWhatShows(context: CalendarContext, days: readonly WantedDay[]): Promise<void> {
  const showing = await compareOnly(context, days);
  if (showing.size === 0) return;
  const changes = days
    .filter(({ date }) => showing.has(date))
    .map(({ date, generation }) => ({
      date,
      generation,
      priority: priorityOfClosing(context, date),
      isTold: false,
    }));
  await markDrift(context.db, context.calendar.id, changes, new Date(context.now()));
  throw new StillOnSaleError([...showing].sort());
}

/** Nothing comes on offer by it: there is nothing under them any more. @returns whether none is left */
async function removeOurs(context: CalendarContext, days: readonly WantedDay[]): Promise<boolean> {
  const seen = new ObservedState(context);
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const present = await seen.present(days, [], []);
    if (present === 'news') continue;
    const { opening } = planBlocking({
      strategy: 'slots',
      timeZone: context.account.timeZone,
      days: days.map(({ date }) => ({ date, told: [], isCertain: true, wanted: [] })),
      needs: [],
      present,
      refused: seen.refused,
      now: context.now(),
    });
    if (opening[0] === undefined) return true;
    await executeStep(context, seen, opening[0]);
  }
  return false;
}

function priorityOfClosing({ account: { timeZone }, now }: CalendarContext, date: string): number {
  const closed = [{ start: startOfDate(date, timeZone), end: startOfDate(addDays(date, 1), timeZone) }];
  return priority({ closed, opened: [], now: now() });
}

function datesBetween(from: string, to: string): string[] {
  const dates: string[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) dates.push(date);
  return dates;
}
