/**
 * The strategies `breaks` and `book`: everything available is published, and what is taken is hidden by calendar breaks
 * or placeholder bookings. It also clears away what another strategy left. Contract: Breaks, bookSlot.
 */

import { isPermanentRefusal } from '../../context/classify-error.js';
import type { CalendarContext } from '../../context/context.js';
import { datesOf, type Slot } from '../../core/index.js';
import { getAddressBehavior } from '../../db/tables/address-behavior.js';
import { saveTold } from '../../db/tables/days.js';
import { InvalidRequestError } from '../../docplanner/index.js';
import { DONE, requeueNow, type WorkResult } from '../../lib/work-result.js';
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
export async function publishBlocking(context: CalendarContext): Promise<WorkResult> {
  const { calendar, account, db } = context;
  const seen = new ObservedState(context);
  const told: Told = new Map();
  const showing = new Set<string>();
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const { days: waiting, taken } = await wanted(context);
    if (waiting.length === 0) return DONE;
    const days = waiting.map((day) => asTold(day, told));
    await keep(context, days, told);
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
      now: context.now(),
    });
    const { closing, opening } = plan;
    // An answer may have been lost, or may have been that it is there already.
    logBreakFallback(context, seen, plan);
    const untold = days.filter((day) => !isShown(day));
    const action = nextAction(untold, context.maxEntries, showing);
    if (closing[0] !== undefined) {
      await doOrFail(context, seen, closing[0], days, told);
      logBreakFallback(context, seen, plan);
    } else if (action !== undefined) {
      // What was refused may have been closed by breaks that are not among those that were read.
      if (!(await tell(context, action, told, showing, present))) seen.readAgain();
    } else if (opening[0] !== undefined && calendar.closing === undefined) {
      await doOrFail(context, seen, opening[0], days, told);
    } else {
      await verifyAndRecord(context, days, calendar.strategy === 'slots' ? [] : needs);
      told.clear();
    }
  }
  return requeueNow(priorityOf(await pending(context)));
}

function asTold(day: WantedDay, told: Told): WantedDay {
  const slots = told.get(day.date);
  return slots === undefined ? day : { ...day, published: slots, verified: true };
}

/** What comes next may wait for the budget, or fail: the run after this one is not to tell the same again. */
async function keep(context: CalendarContext, days: readonly WantedDay[], told: Told): Promise<void> {
  const news = days.flatMap(({ date, generation }) => {
    const slots = told.get(date);
    return slots === undefined ? [] : [{ date, generation, slots }];
  });
  for (const date of await saveTold(context.db, context.calendar.id, news, new Date(context.now())))
    told.delete(date);
}

/**
 * A request that is refused would be refused again: its days have failed, and what it was to close is closed by another way. The
 * other days go on, unless the marketplace refuses the calendar as a whole.
 */
async function doOrFail(
  context: CalendarContext,
  seen: ObservedState,
  step: BlockingStep,
  days: readonly WantedDay[],
  told: Told,
): Promise<void> {
  try {
    await executeStep(context, seen, step);
  } catch (error) {
    // It was not sent: the next step is planned from what is known by now.
    if (error instanceof PlanOutdatedError) return;
    if (!isPermanentRefusal(error)) throw error;
    const dates = datesOf(spanOfStep(step), context.account.timeZone);
    const affected = days.filter(({ date }) => dates.includes(date));
    if (affected.length === 0) throw error;
    context.log.error({ calendar: context.calendar.id, days: dates }, 'the marketplace refused days');
    const reason = error.message;
    for (const day of affected) {
      const closed = await dayFailed(context, day, { reason }, ['slots', 'clear']);
      told.delete(day.date);
      if (closed === null && !(error instanceof InvalidRequestError)) throw error;
    }
    // What was put in place of breaks and bookings is not what was read.
    seen.readAgain();
  }
}

/** @returns whether nothing of it was refused */
async function tell(
  context: CalendarContext,
  action: Action,
  told: Told,
  showing: Set<string>,
  present: MarketplaceState,
): Promise<boolean> {
  switch (action.kind) {
    case 'settle':
      return true;
    case 'look': {
      const found = await compareOnly(context, action.days);
      const hiding = [...present.breaks, ...present.placeholders];
      const hidden = new Set(hiding.flatMap((one) => datesOf(one, context.account.timeZone)));
      for (const { date } of action.days) {
        // Where something of ours hides what is there, nothing shows, and it would once that is taken away.
        if (found.has(date) || hidden.has(date)) showing.add(date);
        else told.set(date, []);
      }
      return true;
    }
    case 'clear': {
      const isCleared = await clearDay(context, action.days[0]);
      if (isCleared) told.set(action.days[0].date, []);
      return isCleared;
    }
    case 'replace': {
      const replaced = await replaceDays(context, action.days);
      for (const { date, wanted } of replaced) told.set(date, wanted);
      return replaced.length === action.days.length;
    }
  }
}
