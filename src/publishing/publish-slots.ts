/**
 * The strategy `slots`, and the default: a day is regenerated without what is taken, and replaces what the
 * marketplace has. Contract: replaceSlots.
 */

import type { CalendarContext } from '../context/context.js';
import type { BusyTime } from '../db/tables/busy-time.js';
import { DocplannerError } from '../docplanner/index.js';
import { DONE, requeueNow, type WorkResult } from '../lib/work-result.js';
import { ingestBreaks } from '../marketplace-state/fetch-state.js';
import { RateLimitError } from '../rate-limit/rate-limit-error.js';
import { unreadBreaks } from './blocking/required-blocks.js';
import type { WantedDay } from './desired-days.js';
import { nextAction, priorityOf } from './next-action.js';
import { clearDay, compareOnly, pending, replaceDays, wanted } from './send-slots.js';
import { saveAsPublished, settle, verifyAndRecord } from './verify-and-record.js';
import { rangeOf } from './verify-publication.js';

/** After so many steps another calendar gets a turn; the rest of this one follows. */
const MAX_STEPS = 100;

/** Before each step the record is read anew, so that nothing is sent that is known to be taken by then. */
export async function publishSlots(context: CalendarContext): Promise<WorkResult> {
  const showing = new Set<string>();
  const lookedFor = new Set<string>();
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const { days, taken } = await wanted(context);
    if (await learnsWhoseBreaks(context, days, taken, lookedFor)) continue;
    const action = nextAction(days, context.maxEntries, showing);
    if (action === undefined) return DONE;
    switch (action.kind) {
      case 'settle':
        await settle(context, action.days);
        break;
      case 'look': {
        const found = await compareOnly(context, action.days);
        for (const date of found) showing.add(date);
        const empty = action.days.filter((day) => !found.has(day.date));
        await saveAsPublished(context, empty, true);
        break;
      }
      case 'clear':
        if (await clearDay(context, action.days[0])) await verifyAndRecord(context, action.days);
        break;
      case 'replace':
        await verifyAndRecord(context, await replaceDays(context, action.days));
        break;
    }
  }
  return requeueNow(priorityOf(await pending(context)));
}

/**
 * A notification of a break has no description, which says whether we made it for a coupled calendar: then its buffers are in
 * it. It is read for that, once in a run; until it is known, buffers are kept free around it.
 * @returns whether more is known than before
 */
async function learnsWhoseBreaks(
  context: CalendarContext,
  days: readonly WantedDay[],
  taken: readonly BusyTime[],
  lookedFor: Set<string>,
): Promise<boolean> {
  const unread = unreadBreaks(taken, context.calendar).filter((id) => !lookedFor.has(id));
  if (unread.length === 0) return false;
  for (const id of unread) lookedFor.add(id);
  const { db, calendar, now } = context;
  try {
    await ingestBreaks(
      { db, calendar, now, client: context.client(priorityOf(days)) },
      rangeOf(context, days),
    );
    return true;
  } catch (error) {
    if (!(error instanceof DocplannerError || error instanceof RateLimitError)) throw error;
    // What closes does not wait for it.
    context.log.warn({ calendar: calendar.id, reason: error.message }, 'breaks of others could not be read');
    return false;
  }
}
