/** Sends the slots of days to the marketplace: replaces them, or clears a day. Contract: replaceSlots. */

import type { CalendarContext } from '../context/context.js';
import { localDate, type Slot } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { type ClosedBy, clearVerified } from '../db/tables/days.js';
import { InvalidRequestError, NotFoundError } from '../docplanner/index.js';
import { syncMoves } from '../linked-bookings/linked-booking-sync.js';
import { readAddress } from './address-services.js';
import { checkPlan } from './check-plan.js';
import { computePendingDays, type DesiredDay, type PendingDays } from './desired-days.js';
import { failDay } from './fallback-closing.js';
import { horizonOf } from './horizon.js';
import { priorityOf, subjectOf } from './next-action.js';
import { chooseEntries, sendSlots } from './put-slots.js';

/** The pending days, computed from the current database, so that no slot is sent that is known to be busy. */
export async function preparePendingDays(
  context: CalendarContext,
  only?: ReadonlySet<string>,
): Promise<readonly DesiredDay[]> {
  return (await preparePending(context, only)).days;
}

/**
 * The pending days with their busy time. An appointment may have moved meanwhile: its linked booking moves before the
 * appointment's new time is closed.
 */
export async function preparePending(
  context: CalendarContext,
  only?: ReadonlySet<string>,
): Promise<PendingDays> {
  for (;;) {
    const horizon = horizonOf(context.account.timeZone, context.now());
    const found = await computePendingDays(
      context.db,
      context.calendar,
      context.account,
      horizon,
      new Date(context.now()),
      only,
    );
    if (found.days.length === 0 || !(await syncMoves(context, found.linkedChanges))) return found;
  }
}

/** @returns whether the marketplace accepted it; otherwise the day has failed */
export async function clearDay(context: CalendarContext, day: DesiredDay): Promise<boolean> {
  const { calendar } = context;
  const beforeWrite = (db: Db): Promise<unknown> =>
    Promise.all([checkPlan(context, db, [day]), clearVerified(db, calendar.id, [day.date])]);
  const client = context.client(priorityOf([day]), beforeWrite, subjectOf([day]));
  try {
    await client.deleteSlots(calendar, day.date);
  } catch (error) {
    if (error instanceof InvalidRequestError) {
      await failDays(context, new Map([[day, error.message]]), ['break', 'slots']);
      return false;
    }
    if (!(error instanceof NotFoundError)) throw error;
    // The day had no slots, or the calendar does not exist: replacing the day with nothing tells which.
    return (await replaceDays(context, [day])).length > 0;
  }
  return true;
}

/**
 * Sends days together, also those that become empty. Days that the marketplace refuses fail, and the others are sent again.
 * @returns the days that the marketplace accepted
 */
export async function replaceDays(
  context: CalendarContext,
  days: readonly DesiredDay[],
): Promise<readonly DesiredDay[]> {
  const entries = chooseEntries(context, days);
  try {
    await sendSlots(context, days, entries);
  } catch (error) {
    if (error instanceof InvalidRequestError) return await handleRefusal(context, days, entries, error);
    throw error;
  }
  return days;
}

async function handleRefusal(
  context: CalendarContext,
  days: readonly DesiredDay[],
  variant: readonly Slot[],
  error: InvalidRequestError,
): Promise<readonly DesiredDay[]> {
  // Where a service is gone, the days are computed again without it.
  if (!context.address.wasRead && (await readAddress(context, priorityOf(days)))) return [];
  const named = new Map<DesiredDay, string>();
  for (const { index, field, reason } of error.entries) {
    // The day is found by the entry's date, because a variant can have more entries than the days have work periods.
    const entry = variant[index];
    const date = entry && localDate(Date.parse(entry.start), context.account.timeZone);
    const day = days.find((one) => one.date === date);
    if (day !== undefined) named.set(day, field === undefined ? reason : `${field}: ${reason}`);
  }
  const [only] = days;
  if (named.size === 0 && days.length === 1 && only !== undefined) named.set(only, error.message);
  if (named.size > 0) {
    // Where the marketplace has another midnight, no entry covers a whole date; the date can be cleared all the same.
    const empty = [...named.keys()].filter(({ wanted }) => wanted.length === 0);
    const cleared: DesiredDay[] = [];
    for (const day of empty) {
      if (await clearDay(context, day)) cleared.push(day);
      named.delete(day);
    }
    if (named.size > 0) await failDays(context, named);
    return cleared;
  }
  // The response does not name the refused day: each half is sent by itself.
  const middle = Math.ceil(days.length / 2);
  const replaced: DesiredDay[] = [];
  for (const half of [days.slice(0, middle), days.slice(middle)]) {
    const prepared = await preparePendingDays(context, new Set(half.map((day) => day.date)));
    if (prepared.length > 0) replaced.push(...(await replaceDays(context, prepared)));
  }
  return replaced;
}

/** Fails the days, each with the marketplace's reason; a fallback closes what must not be on sale of them. */
async function failDays(
  context: CalendarContext,
  days: ReadonlyMap<DesiredDay, string>,
  fallbacks: readonly ClosedBy[] = ['break', 'clear'],
): Promise<void> {
  context.log.error(
    { calendar: context.calendar.id, days: [...days.keys()].map((day) => day.date) },
    'the marketplace refused days',
  );
  for (const [day, reason] of days) await failDay(context, day, { reason }, fallbacks);
}
