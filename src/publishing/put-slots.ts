/** Sends the slots of days in one request that the marketplace does not ignore as a duplicate. Contract: replaceSlots. */

import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
import { addDays, type Slot, startOfDate, toIso } from '../core/index.js';
import { runPipelined } from '../db/pipeline.js';
import { clearVerified } from '../db/tables/days.js';
import { findRecentPayloads, recordPayload } from '../db/tables/payloads.js';
import { checkPlan } from './check-plan.js';
import type { DesiredDay } from './desired-days.js';
import { priorityOf, subjectOf } from './next-action.js';
import { duplicateWindowMs, payloadHash, unusedPayloadVariant } from './payload-variants.js';

/**
 * The entries of all these days, as a variant that was not sent within the duplicate window.
 * @throws {NoPayloadVariantError} where all variants were sent
 */
export async function chooseEntries(
  context: CalendarContext,
  days: readonly DesiredDay[],
): Promise<readonly Slot[]> {
  const entries = days.flatMap((day) => entriesOf(day, context.account.timeZone));
  return unusedPayloadVariant(
    entries,
    await findRecentPayloads(context.db, context.calendar.id, sentLatelySince(context)),
  );
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
  const { db, calendar, now } = context;
  const dates = days.map((day) => day.date);
  // Recorded before the request is sent: after a crash or a lost answer, the database shows that the request may have been
  // applied.
  const beforeWrite = async (): Promise<void> => {
    await checkPlan(context, days);
    await runPipelined(db, (session) =>
      Promise.all([
        clearVerified(session, calendar.id, dates),
        recordPayload(session, calendar.id, payloadHash(entries), new Date(now()), sentLatelySince(context)),
      ]),
    );
  };
  const client = context.client(priorityOf(days), beforeWrite, subjectOf(days));
  await client.replaceSlots(calendar, entries);
}

const sentLatelySince = ({ now, requestTimeoutMs }: CalendarContext): Date =>
  new Date(now() - duplicateWindowMs(requestTimeoutMs));

/** A date without an entry stays as it is, so an entry without services covers it. Contract: replaceSlots. */
function entriesOf({ date, wanted }: DesiredDay, timeZone: string): readonly Slot[] {
  if (wanted.length > 0) return wanted;
  const start = toIso(startOfDate(date, timeZone), timeZone);
  // An entry that ends at midnight would leave its date.
  const end = toIso(startOfDate(addDays(date, 1), timeZone) - MINUTE, timeZone);
  return [{ start, end, address_services: [] }];
}
