/** Marks days as changed and says which calendars then need somebody to publish them. */

import type { Db } from '../db/schema.js';
import { type DirtyDay, markDays } from '../db/tables/days.js';
import { claimJobs, type PendingCalendar } from '../db/tables/pending-calendars.js';
import { highestPriorities } from './dirty-days.js';

/**
 * @param changes of windows make a day known; of what is taken they only touch days that are
 * @param also calendars that have something else to do
 * @returns the calendars that have something to publish and no job that would see to it
 */
export async function markDaysDirty(
  tx: Db,
  changes: { readonly windows?: readonly DirtyDay[]; readonly occupancy?: readonly DirtyDay[] },
  now: number,
  also: readonly PendingCalendar[] = [],
): Promise<PendingCalendar[]> {
  const { windows = [], occupancy = [] } = changes;
  const marked = await markDays(tx, { windows, occupancy }, new Date(now));
  return await claimJobs(tx, jobsOf(marked, also));
}

/** The calendars that these changes concern, each once. */
export function jobsOf(
  changes: readonly DirtyDay[],
  also: readonly PendingCalendar[] = [],
): readonly PendingCalendar[] {
  const calendars = highestPriorities(changes);
  const enqueued = new Set(calendars.map(({ calendar }) => calendar));
  return [...calendars, ...also.filter(({ calendar }) => !enqueued.has(calendar))];
}
