/** Sends the slots of days in one request that the marketplace does not ignore as a duplicate. Contract: replaceSlots. */

import type { CalendarContext } from '../context/context.js';
import { duplicateWindowMs } from '../context/duplicate-window.js';
import { MINUTE } from '../core/duration.js';
import { addDays, type Slot, startOfDate, toIso } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { clearVerified } from '../db/tables/days.js';
import { recordPayload } from '../db/tables/payloads.js';
import { checkPlan } from './check-plan.js';
import type { DesiredDay } from './desired-days.js';
import { priorityOf, subjectOf } from './next-action.js';
import { payloadHash, unusedPayloadVariant } from './payload-variants.js';

/**
 * The entries of all these days, as a variant that was not sent within the duplicate window.
 * @throws {NoPayloadVariantError} where all variants were sent
 */
export function chooseEntries(context: CalendarContext, days: readonly DesiredDay[]): readonly Slot[] {
  const entries = days.flatMap((day) => entriesOf(day, context.account.timeZone));
  return unusedPayloadVariant(entries, context.recentPayloads);
}

/**
 * @param entries from `chooseEntries`
 * @throws {PlanOutdatedError} where nothing was sent
 */
export async function sendSlots(
  context: CalendarContext,
  days: readonly DesiredDay[],
  entries: readonly Slot[],
): Promise<void> {
  const { calendar, now, recentPayloads, requestTimeoutMs } = context;
  const dates = days.map((day) => day.date);
  const payload = payloadHash(entries);
  // Recorded before the request is sent: after a crash or a lost answer, the database shows that the request may have been
  // applied. It is recorded together with the check, so also where the plan turns out to be outdated.
  const beforeWrite = (db: Db): Promise<unknown> => {
    recentPayloads.add(payload);
    const deleteBefore = new Date(now() - duplicateWindowMs(requestTimeoutMs));
    return Promise.all([
      checkPlan(context, db, days),
      clearVerified(db, calendar.id, dates),
      recordPayload(db, calendar.id, payload, new Date(now()), deleteBefore),
    ]);
  };
  const client = context.client(priorityOf(days), beforeWrite, subjectOf(days));
  await client.replaceSlots(calendar, entries);
}

/** A date without an entry stays as it is, so an entry without services covers it. Contract: replaceSlots. */
function entriesOf({ date, wanted }: DesiredDay, timeZone: string): readonly Slot[] {
  if (wanted.length > 0) return wanted;
  const start = toIso(startOfDate(date, timeZone), timeZone);
  // An entry that ends at midnight would leave its date.
  const end = toIso(startOfDate(addDays(date, 1), timeZone) - MINUTE, timeZone);
  return [{ start, end, address_services: [] }];
}
