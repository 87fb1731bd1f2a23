/**
 * The strategies `breaks` and `book`: all available time is published, and calendar breaks or placeholder bookings block the
 * busy time. This also removes what another strategy left. Contract: Breaks, bookSlot.
 */

import { isPermanentRefusal } from '../../context/classify-error.js';
import type { CalendarContext } from '../../context/context.js';
import { datesOf, type Slot } from '../../core/index.js';
import { getAddressBehavior } from '../../db/tables/address-behavior.js';
import { saveAcceptedSlots } from '../../db/tables/days.js';
import { InvalidRequestError } from '../../docplanner/index.js';
import { DONE, requeueNow, type WorkResult } from '../../lib/work-result.js';
import type { DesiredDay } from '../desired-days.js';
import { failDay } from '../fallback-closing.js';
import { type Action, isPublishedAsDesired, nextAction, priorityOf } from '../next-action.js';
import { PlanOutdatedError } from '../plan-outdated-error.js';
import { clearDay, preparePending, preparePendingDays, replaceDays } from '../send-slots.js';
import { verifyAndRecord } from '../verify-and-record.js';
import { fetchNonEmptyDates } from '../verify-publication.js';
import { executeStep } from './executor.js';
import { logBreakFallback } from './log-fallback.js';
import type { MarketplaceState } from './marketplace-state.js';
import { ObservedState } from './observed-state.js';
import { type BlockingStep, planBlocking, spanOfStep } from './plan-blocking.js';
import { breaksWithUnknownBuffers, requiredBlocksOf } from './required-blocks.js';

/** After so many steps the calendar is requeued, so that others are published meanwhile. */
const MAX_STEPS = 200;

/** Slots that were sent and are not recorded in the database yet, by date. */
type UnrecordedSlots = Map<string, readonly Slot[]>;

/** Reads the database before each step, so that nothing is put on sale that is known to be busy by then. */
export async function publishBlocking(context: CalendarContext): Promise<WorkResult> {
  const { calendar, account, db } = context;
  const observed = new ObservedState(context);
  const unrecorded: UnrecordedSlots = new Map();
  const nonEmptyDates = new Set<string>();
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const { days: waiting, busyTime } = await preparePending(context);
    if (waiting.length === 0) return DONE;
    const days = waiting.map((day) => withUnrecorded(day, unrecorded));
    await recordSlots(context, days, unrecorded);
    const requiredBlocks = requiredBlocksOf(busyTime, calendar);
    const marketplaceState = await observed.fetchState(
      days,
      requiredBlocks,
      breaksWithUnknownBuffers(busyTime, calendar),
    );
    // The read changed the database, which is therefore read again.
    if (marketplaceState === 'changed') continue;

    const plan = planBlocking({
      // A calendar that is being closed requires no block: its days are emptied, also those on which our own breaks block
      // slots.
      strategy: calendar.closing === undefined ? calendar.strategy : 'slots',
      timeZone: account.timeZone,
      days: days.map(({ date, published, verified, wanted }) => ({
        date,
        published,
        isVerified: verified,
        wanted,
      })),
      requiredBlocks,
      marketplaceState,
      refused: observed.refused,
      cut: (await getAddressBehavior(db, calendar.id)).cut,
      now: context.now(),
    });
    const { closing, opening } = plan;
    // An answer may have been lost, or may have reported that the break exists already.
    logBreakFallback(context, observed, plan);
    const unpublished = days.filter((day) => !isPublishedAsDesired(day));
    const action = nextAction(unpublished, context.maxEntries, nonEmptyDates);
    if (closing[0] !== undefined) {
      await executeOrFailDays(context, observed, closing[0], days, unrecorded);
      logBreakFallback(context, observed, plan);
    } else if (action !== undefined) {
      // A refused day may have been closed by breaks that were not read.
      if (!(await executeAction(context, action, unrecorded, nonEmptyDates, marketplaceState)))
        observed.invalidate();
    } else if (opening[0] !== undefined && calendar.closing === undefined) {
      await executeOrFailDays(context, observed, opening[0], days, unrecorded);
    } else {
      await verifyAndRecord(context, days, calendar.strategy === 'slots' ? [] : requiredBlocks);
      unrecorded.clear();
    }
  }
  return requeueNow(priorityOf(await preparePendingDays(context)));
}

function withUnrecorded(day: DesiredDay, unrecorded: UnrecordedSlots): DesiredDay {
  const slots = unrecorded.get(day.date);
  return slots === undefined ? day : { ...day, published: slots, verified: true };
}

/** The next step may wait for the rate limiter, or fail: the next reconcile must not send the same slots again. */
async function recordSlots(
  context: CalendarContext,
  days: readonly DesiredDay[],
  unrecorded: UnrecordedSlots,
): Promise<void> {
  const accepted = days.flatMap(({ date, generation }) => {
    const slots = unrecorded.get(date);
    return slots === undefined ? [] : [{ date, generation, slots }];
  });
  for (const date of await saveAcceptedSlots(
    context.db,
    context.calendar.id,
    accepted,
    new Date(context.now()),
  ))
    unrecorded.delete(date);
}

/**
 * A refused request would be refused again: its days fail, and a fallback closes what the request was to close. The other
 * days are published, unless the marketplace refuses the calendar as a whole.
 */
async function executeOrFailDays(
  context: CalendarContext,
  observed: ObservedState,
  step: BlockingStep,
  days: readonly DesiredDay[],
  unrecorded: UnrecordedSlots,
): Promise<void> {
  try {
    await executeStep(context, observed, step);
  } catch (error) {
    // Nothing was sent: the next step is planned from the current database.
    if (error instanceof PlanOutdatedError) return;
    if (!isPermanentRefusal(error)) throw error;
    const dates = datesOf(spanOfStep(step), context.account.timeZone);
    const affected = days.filter(({ date }) => dates.includes(date));
    if (affected.length === 0) throw error;
    context.log.error({ calendar: context.calendar.id, days: dates }, 'the marketplace refused days');
    const reason = error.message;
    for (const day of affected) {
      const closed = await failDay(context, day, { reason }, ['slots', 'clear']);
      unrecorded.delete(day.date);
      if (closed === null && !(error instanceof InvalidRequestError)) throw error;
    }
    // A fallback has changed the breaks and bookings that were read.
    observed.invalidate();
  }
}

/** @returns whether nothing was refused */
async function executeAction(
  context: CalendarContext,
  action: Action,
  unrecorded: UnrecordedSlots,
  nonEmptyDates: Set<string>,
  marketplaceState: MarketplaceState,
): Promise<boolean> {
  switch (action.kind) {
    case 'record':
      return true;
    case 'read': {
      const found = await fetchNonEmptyDates(context, action.days);
      const hiding = [...marketplaceState.breaks, ...marketplaceState.placeholders];
      const hidden = new Set(hiding.flatMap((one) => datesOf(one, context.account.timeZone)));
      for (const { date } of action.days) {
        // Where an own block covers the slots, no start shows, and starts would show after the block is removed.
        if (found.has(date) || hidden.has(date)) nonEmptyDates.add(date);
        else unrecorded.set(date, []);
      }
      return true;
    }
    case 'clear': {
      const isCleared = await clearDay(context, action.days[0]);
      if (isCleared) unrecorded.set(action.days[0].date, []);
      return isCleared;
    }
    case 'replace': {
      const replaced = await replaceDays(context, action.days);
      for (const { date, wanted } of replaced) unrecorded.set(date, wanted);
      return replaced.length === action.days.length;
    }
  }
}
