/**
 * Closes a calendar that is deleted, or a former address: every day of the horizon is emptied like any other day, then our
 * own breaks and placeholders are removed, and when nothing is on offer any more, the calendar is. Patients' bookings stay.
 */

import type { CalendarContext } from '../context/context.js';
import type { ReconcileResult } from '../context/reconcile-result.js';
import { StillOnSaleError } from '../context/still-on-sale-error.js';
import { addDays, bandOf, priority, startOfDate } from '../core/index.js';
import { deleteClosedCalendar } from '../db/tables/closing-calendars.js';
import { daysBetween, markDays, markDrift, type StoredDay } from '../db/tables/days.js';
import { executeStep } from './blocking/executor.js';
import { ObservedState } from './blocking/observed-state.js';
import { planBlocking } from './blocking/plan-blocking.js';
import type { WantedDay } from './desired-days.js';
import { horizonOf } from './horizon.js';
import { compareOnly } from './send-slots.js';

/** After so many steps another calendar gets a turn; the rest of this one follows. */
const MAX_STEPS = 200;

/** Has every day of the horizon emptied, also those that we never published: the marketplace may show something there. */
export async function wantEverythingClosed(run: CalendarContext): Promise<void> {
  const { db, calendar, account, now } = run;
  const { from, to } = horizonOf(account.timeZone, now());
  const known = new Map((await daysBetween(db, calendar.id, from, to)).map((day) => [day.date, day]));
  const windows = datesBetween(from, to)
    .filter((date) => !isBeingClosed(known.get(date)))
    .map((date) => ({ calendar: calendar.id, date, priority: priorityOfClosing(run, date) }));
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
export async function finishClosing(run: CalendarContext, since: Date): Promise<ReconcileResult> {
  const { db, calendar, account, now, log } = run;
  const { from, to } = horizonOf(account.timeZone, now());
  const stored = await daysBetween(db, calendar.id, from, to);
  // A day that failed may be on sale, and what we hide there with it.
  if (stored.some((day) => day.generation > day.publishedGeneration)) return { kind: 'done' };
  const days = stored.map((day): WantedDay => ({ ...day, wanted: [] }));
  await refuseWhatShows(run, days);
  if (!(await removeOurs(run, days))) return { kind: 'again', priority: priorityOfClosing(run, to) };
  await refuseWhatShows(run, days);
  await deleteClosedCalendar(db, calendar.id, since);
  log.info({ calendar: calendar.id, account: account.id }, 'a calendar was closed and removed');
  return { kind: 'done' };
}

/** @throws {StillOnSaleError} where something is on offer; those days are closed again */
async function refuseWhatShows(run: CalendarContext, days: readonly WantedDay[]): Promise<void> {
  const showing = await compareOnly(run, days);
  if (showing.size === 0) return;
  const changes = days
    .filter(({ date }) => showing.has(date))
    .map(({ date, generation }) => ({
      date,
      generation,
      priority: priorityOfClosing(run, date),
      isTold: false,
    }));
  await markDrift(run.db, run.calendar.id, changes, new Date(run.now()));
  throw new StillOnSaleError([...showing].sort());
}

/** Nothing comes on offer by it: there is nothing under them any more. @returns whether none is left */
async function removeOurs(run: CalendarContext, days: readonly WantedDay[]): Promise<boolean> {
  const seen = new ObservedState(run);
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const present = await seen.present(days, [], []);
    if (present === 'news') continue;
    const { opening } = planBlocking({
      strategy: 'slots',
      timeZone: run.account.timeZone,
      days: days.map(({ date }) => ({ date, told: [], isCertain: true, wanted: [] })),
      needs: [],
      present,
      refused: seen.refused,
      now: run.now(),
    });
    if (opening[0] === undefined) return true;
    await executeStep(run, seen, opening[0]);
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
