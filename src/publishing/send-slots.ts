/** Telling the marketplace the slots of days: what replaces what it has, and what empties a day. Contract: replaceSlots. */

import type { CalendarContext } from '../context/context.js';
import { localDate, type Slot } from '../core/index.js';
import { type ClosedBy, clearVerified } from '../db/tables/days.js';
import { InvalidRequestError, NotFoundError } from '../docplanner/index.js';
import { syncMoves } from '../linked-bookings/linked-booking-sync.js';
import { readAddress } from './address-services.js';
import { checkPlan } from './check-plan.js';
import { type Wanted, type WantedDay, wantedDays } from './desired-days.js';
import { dayFailed } from './fallback-closing.js';
import { horizonOf } from './horizon.js';
import { priorityOf } from './next-action.js';
import { freshEntries, sendSlots } from './put-slots.js';
import { fetchShownDays } from './verify-publication.js';

/** The days that wait, computed from the record as it is now, so that nothing is sent that is known to be taken. */
export async function pending(
  context: CalendarContext,
  only?: ReadonlySet<string>,
): Promise<readonly WantedDay[]> {
  return (await wanted(context, only)).days;
}

/**
 * The same, with what is taken. An appointment may have moved since the run began: what is linked to it moves before its
 * new time is closed.
 */
export async function wanted(context: CalendarContext, only?: ReadonlySet<string>): Promise<Wanted> {
  for (;;) {
    const horizon = horizonOf(context.account.timeZone, context.now());
    const found = await wantedDays(
      context.db,
      context.calendar,
      context.account,
      horizon,
      new Date(context.now()),
      only,
    );
    if (found.days.length === 0 || !(await syncMoves(context, found.following))) return found;
  }
}

/** @returns the dates that show something */
export async function compareOnly(
  context: CalendarContext,
  days: readonly WantedDay[],
): Promise<ReadonlySet<string>> {
  return await fetchShownDays(context, days, priorityOf(days));
}

/** @returns whether it was taken; where it was refused, the day has failed */
export async function clearDay(context: CalendarContext, day: WantedDay): Promise<boolean> {
  const { db, calendar } = context;
  const client = context.client(priorityOf([day]), async () => {
    await checkPlan(context, [day]);
    await clearVerified(db, calendar.id, [day.date]);
  });
  try {
    await client.deleteSlots(calendar, day.date);
  } catch (error) {
    if (error instanceof InvalidRequestError) {
      await setApart(context, new Map([[day, error.message]]), ['break', 'slots']);
      return false;
    }
    if (!(error instanceof NotFoundError)) throw error;
    // There was nothing to clear, or the calendar is gone: the answer to replacing it with nothing tells.
    return (await replaceDays(context, [day])).length > 0;
  }
  return true;
}

/**
 * Sends days together, those that are to show nothing as well. Where the marketplace refuses some, those are set apart as
 * failed and the others go on.
 * @returns those that it took
 */
export async function replaceDays(
  context: CalendarContext,
  days: readonly WantedDay[],
): Promise<readonly WantedDay[]> {
  const entries = await freshEntries(context, days);
  try {
    await sendSlots(context, days, entries);
  } catch (error) {
    if (error instanceof InvalidRequestError) return await refused(context, days, entries, error);
    throw error;
  }
  return days;
}

async function refused(
  context: CalendarContext,
  days: readonly WantedDay[],
  form: readonly Slot[],
  error: InvalidRequestError,
): Promise<readonly WantedDay[]> {
  // Where a service is gone, the days are computed again without it.
  if (!context.address.wasRead && (await readAddress(context, priorityOf(days)))) return [];
  const named = new Map<WantedDay, string>();
  for (const { index, field, reason } of error.entries) {
    // By its date, because another form can have more entries than the days have work periods.
    const entry = form[index];
    const date = entry && localDate(Date.parse(entry.start), context.account.timeZone);
    const day = days.find((one) => one.date === date);
    if (day !== undefined) named.set(day, field === undefined ? reason : `${field}: ${reason}`);
  }
  const [only] = days;
  if (named.size === 0 && days.length === 1 && only !== undefined) named.set(only, error.message);
  if (named.size > 0) {
    // Where the marketplace has another midnight, no entry covers a date; a date can be cleared all the same.
    const empty = [...named.keys()].filter(({ wanted }) => wanted.length === 0);
    const cleared: WantedDay[] = [];
    for (const day of empty) {
      if (await clearDay(context, day)) cleared.push(day);
      named.delete(day);
    }
    if (named.size > 0) await setApart(context, named);
    return cleared;
  }
  // It does not say which: each half by itself, until it is found.
  const middle = Math.ceil(days.length / 2);
  const taken: WantedDay[] = [];
  for (const half of [days.slice(0, middle), days.slice(middle)]) {
    const fresh = await pending(context, new Set(half.map((day) => day.date)));
    if (fresh.length > 0) taken.push(...(await replaceDays(context, fresh)));
  }
  return taken;
}

/** They have failed, each with the marketplace's reason; what must not be on sale of them is closed by another way. */
async function setApart(
  context: CalendarContext,
  days: ReadonlyMap<WantedDay, string>,
  ways: readonly ClosedBy[] = ['break', 'clear'],
): Promise<void> {
  context.log.error(
    { calendar: context.calendar.id, days: [...days.keys()].map((day) => day.date) },
    'the marketplace refused days',
  );
  for (const [day, reason] of days) await dayFailed(context, day, { reason }, ways);
}
