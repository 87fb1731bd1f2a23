/**
 * The default strategy, `slots`: a day's slots are computed without the busy time, and replace the marketplace's slots.
 * Contract: replaceSlots.
 */

import type { CalendarContext } from '../context/context.js';
import type { BusyTime } from '../db/tables/busy-time.js';
import { DocplannerError } from '../docplanner/index.js';
import { DONE, requeueNow, type WorkResult } from '../lib/work-result.js';
import { ingestBreaks } from '../marketplace-state/fetch-state.js';
import { RateLimitError } from '../rate-limit/rate-limit-error.js';
import { breaksWithUnknownBuffers } from './blocking/required-blocks.js';
import type { DesiredDay } from './desired-days.js';
import { nextAction, priorityOf } from './next-action.js';
import { clearDay, preparePending, preparePendingDays, replaceDays } from './send-slots.js';
import { recordShownDays, saveAsPublished, verifyAndRecord } from './verify-and-record.js';
import { fetchNonEmptyDates, rangeOf } from './verify-publication.js';

/** After so many steps the calendar is requeued, so that others are published meanwhile. */
const MAX_STEPS = 100;

/** Reads the database before each step, so that no slot is sent that is known to be busy by then. */
export async function publishSlots(context: CalendarContext): Promise<WorkResult> {
  const nonEmptyDates = new Set<string>();
  const requestedBreaks = new Set<string>();
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const { days, busyTime } = await preparePending(context);
    if (await readUnknownBreaks(context, days, busyTime, requestedBreaks)) continue;
    const action = nextAction(days, context.maxEntries, nonEmptyDates);
    if (action === undefined) return DONE;
    switch (action.kind) {
      case 'record':
        await recordShownDays(context, action.days);
        break;
      case 'read': {
        const readAt = new Date(context.now());
        const found = await fetchNonEmptyDates(context, action.days);
        for (const date of found) nonEmptyDates.add(date);
        const empty = action.days.filter((day) => !found.has(day.date));
        await saveAsPublished(context, empty, { shown: { starts: [] }, readAt });
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
  return requeueNow(priorityOf(await preparePendingDays(context)));
}

/**
 * A notification of a break has no description, which tells whether we made the break for a coupled calendar; then its
 * buffers are included. The breaks are read for that once in a reconcile; until then, buffers are kept free around them.
 * @returns whether the breaks were read
 */
async function readUnknownBreaks(
  context: CalendarContext,
  days: readonly DesiredDay[],
  busyTime: readonly BusyTime[],
  requestedBreaks: Set<string>,
): Promise<boolean> {
  const unread = breaksWithUnknownBuffers(busyTime, context.calendar).filter(
    (id) => !requestedBreaks.has(id),
  );
  if (unread.length === 0) return false;
  for (const id of unread) requestedBreaks.add(id);
  const { db, calendar, now } = context;
  try {
    await ingestBreaks(
      { db, calendar, now, client: context.client(priorityOf(days)) },
      rangeOf(context, days),
    );
    return true;
  } catch (error) {
    if (!(error instanceof DocplannerError || error instanceof RateLimitError)) throw error;
    // Closing does not wait for this read.
    context.log.warn({ calendar: calendar.id, reason: error.message }, 'breaks of others could not be read');
    return false;
  }
}
