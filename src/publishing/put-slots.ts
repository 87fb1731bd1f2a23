/** Sends the slots of days in one request that the marketplace does not take for a duplicate. Contract: replaceSlots. */

import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
import { addDays, type Slot, startOfDate, toIso } from '../core/index.js';
import { runPipelined } from '../db/pipeline.js';
import { clearVerified } from '../db/tables/days.js';
import { payloadsSince, recordPayload } from '../db/tables/payloads.js';
import { checkPlan } from './check-plan.js';
import type { WantedDay } from './desired-days.js';
import { priorityOf } from './next-action.js';
import { duplicateWindowMs, hashOf, unusedPayloadVariant } from './payload-variants.js';

/**
 * The entries of all these days, in a form that was not sent lately.
 * @throws {NoFreshFormError} when all forms were
 */
export async function freshEntries(
  context: CalendarContext,
  days: readonly WantedDay[],
): Promise<readonly Slot[]> {
  const entries = days.flatMap((day) => entriesOf(day, context.account.timeZone));
  return unusedPayloadVariant(
    entries,
    await payloadsSince(context.db, context.calendar.id, sentLatelySince(context)),
  );
}

/**
 * @param entries as `freshEntries` gives them
 * @throws {PlanOutdatedError} before it is sent
 */
export async function sendSlots(
  context: CalendarContext,
  days: readonly WantedDay[],
  entries: readonly Slot[],
): Promise<void> {
  const { db, calendar, now } = context;
  const dates = days.map((day) => day.date);
  // Before it is sent: a crash or a lost answer must find it written down that it may have arrived.
  const client = context.client(priorityOf(days), async () => {
    await checkPlan(context, days);
    await runPipelined(db, (session) =>
      Promise.all([
        clearVerified(session, calendar.id, dates),
        recordPayload(session, calendar.id, hashOf(entries), new Date(now()), sentLatelySince(context)),
      ]),
    );
  });
  await client.replaceSlots(calendar, entries);
}

const sentLatelySince = ({ now, requestTimeoutMs }: CalendarContext): Date =>
  new Date(now() - duplicateWindowMs(requestTimeoutMs));

/** A date that is only named stays as it is: an entry without services has to cover it. Contract: replaceSlots. */
function entriesOf({ date, wanted }: WantedDay, timeZone: string): readonly Slot[] {
  if (wanted.length > 0) return wanted;
  const start = toIso(startOfDate(date, timeZone), timeZone);
  // An entry that ends at midnight has left its date.
  const end = toIso(startOfDate(addDays(date, 1), timeZone) - MINUTE, timeZone);
  return [{ start, end, address_services: [] }];
}
