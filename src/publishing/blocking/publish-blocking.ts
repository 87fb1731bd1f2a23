/**
 * The strategies `breaks` and `book`: everything available is published, and what is taken is hidden by calendar breaks
 * or placeholder bookings. It also clears away what another strategy left. Contract: Breaks, bookSlot.
 */

import type { CalendarContext } from '../../context/context.js';
import { isPermanentRefusal } from '../../context/permanent-refusal.js';
import type { ReconcileResult } from '../../context/reconcile-result.js';
import { datesOf, type Slot } from '../../core/index.js';
import { getAddressBehavior } from '../../db/tables/address-behavior.js';
import { saveTold } from '../../db/tables/days.js';
import { InvalidRequestError } from '../../docplanner/index.js';
import type { WantedDay } from '../desired-days.js';
import { dayFailed } from '../fallback-closing.js';
import { type Action, isShown, nextAction, priorityOf } from '../next-action.js';
import { PlanOutdatedError } from '../plan-outdated-error.js';
import { clearDay, compareOnly, pending, replaceDays, wanted } from '../send-slots.js';
import { verifyAndRecord } from '../verify-and-record.js';
import { executeStep } from './executor.js';
import { logBreakFallback } from './log-fallback.js';
import type { MarketplaceState } from './marketplace-state.js';
import { ObservedState } from './observed-state.js';
import { type BlockingStep, planBlocking, spanOfStep } from './plan-blocking.js';
import { requiredBlocksOf, unreadBreaks } from './required-blocks.js';

/** After so many steps another calendar gets a turn; the rest of this one follows. */
const MAX_STEPS = 200;

/** What was told and is not written down yet, by date. */
type Told = Map<string, readonly Slot[]>;

/** Before each step the record is read anew, so that nothing comes on offer that is known to be taken by then. */
export async function publishBlocking(run: CalendarContext): Promise<ReconcileResult> {
  const { calendar, account, db } = run;
  const seen = new ObservedState(run);
  const told: Told = new Map();
  const showing = new Set<string>();
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const { days: waiting, taken } = await wanted(run);
    if (waiting.length === 0) return { kind: 'done' };
    const days = waiting.map((day) => asTold(day, told));
    await keep(run, days, told);
    const needs = requiredBlocksOf(taken, calendar);
    const present = await seen.present(days, needs, unreadBreaks(taken, calendar));
    // The reading was news to the record, which is therefore read again.
    if (present === 'news') continue;

    const plan = planBlocking({
      // What is being closed hides nothing: its days are emptied, also those of which our own breaks hide what is on sale.
      strategy: calendar.closing === undefined ? calendar.strategy : 'slots',
      timeZone: account.timeZone,
      days: days.map(({ date, published, verified, wanted }) => ({
        date,
        told: published,
        isCertain: verified,
        wanted,
      })),
      needs,
      present,
      refused: seen.refused,
      cut: (await getAddressBehavior(db, calendar.id)).cut,
      now: run.now(),
    });
    const { closing, opening } = plan;
    // An answer may have been lost, or may have been that it is there already.
    logBreakFallback(run, seen, plan);
    const untold = days.filter((day) => !isShown(day));
    const action = nextAction(untold, run.maxEntries, showing);
    if (closing[0] !== undefined) {
      await doOrFail(run, seen, closing[0], days, told);
      logBreakFallback(run, seen, plan);
    } else if (action !== undefined) {
      // What was refused may have been closed by breaks that are not among those that were read.
      if (!(await tell(run, action, told, showing, present))) seen.readAgain();
    } else if (opening[0] !== undefined && calendar.closing === undefined) {
      await doOrFail(run, seen, opening[0], days, told);
    } else {
      await verifyAndRecord(run, days, calendar.strategy === 'slots' ? [] : needs);
      told.clear();
    }
  }
  return { kind: 'again', priority: priorityOf(await pending(run)) };
}

function asTold(day: WantedDay, told: Told): WantedDay {
  const slots = told.get(day.date);
  return slots === undefined ? day : { ...day, published: slots, verified: true };
}

/** What comes next may wait for the budget, or fail: the run after this one is not to tell the same again. */
async function keep(run: CalendarContext, days: readonly WantedDay[], told: Told): Promise<void> {
  const news = days.flatMap(({ date, generation }) => {
    const slots = told.get(date);
    return slots === undefined ? [] : [{ date, generation, slots }];
  });
  for (const date of await saveTold(run.db, run.calendar.id, news, new Date(run.now()))) told.delete(date);
}

/**
 * A request that is refused would be refused again: its days have failed, and what it was to close is closed by another way. The
 * other days go on, unless the marketplace refuses the calendar as a whole.
 */
async function doOrFail(
  run: CalendarContext,
  seen: ObservedState,
  step: BlockingStep,
  days: readonly WantedDay[],
  told: Told,
): Promise<void> {
  try {
    await executeStep(run, seen, step);
  } catch (error) {
    // It was not sent: the next step is planned from what is known by now.
    if (error instanceof PlanOutdatedError) return;
    if (!isPermanentRefusal(error)) throw error;
    const dates = datesOf(spanOfStep(step), run.account.timeZone);
    const affected = days.filter(({ date }) => dates.includes(date));
    if (affected.length === 0) throw error;
    run.log.error({ calendar: run.calendar.id, days: dates }, 'the marketplace refused days');
    const reason = error.message;
    for (const day of affected) {
      const closed = await dayFailed(run, day, { reason }, ['slots', 'clear']);
      told.delete(day.date);
      if (closed === null && !(error instanceof InvalidRequestError)) throw error;
    }
    // What was put in place of breaks and bookings is not what was read.
    seen.readAgain();
  }
}

/** @returns whether nothing of it was refused */
async function tell(
  run: CalendarContext,
  action: Action,
  told: Told,
  showing: Set<string>,
  present: MarketplaceState,
): Promise<boolean> {
  switch (action.kind) {
    case 'settle':
      return true;
    case 'look': {
      const found = await compareOnly(run, action.days);
      const hiding = [...present.breaks, ...present.placeholders];
      const hidden = new Set(hiding.flatMap((one) => datesOf(one, run.account.timeZone)));
      for (const { date } of action.days) {
        // Where something of ours hides what is there, nothing shows, and it would once that is taken away.
        if (found.has(date) || hidden.has(date)) showing.add(date);
        else told.set(date, []);
      }
      return true;
    }
    case 'clear': {
      const isCleared = await clearDay(run, action.days[0]);
      if (isCleared) told.set(action.days[0].date, []);
      return isCleared;
    }
    case 'replace': {
      const replaced = await replaceDays(run, action.days);
      for (const { date, wanted } of replaced) told.set(date, wanted);
      return replaced.length === action.days.length;
    }
  }
}
