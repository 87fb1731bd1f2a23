/** Marks days dirty and claims the jobs that must be enqueued to publish them. */

import type { Db } from '../db/schema.js';
import { type DirtyDay, markDaysOfWindows, markStoredDays } from '../db/tables/days.js';
import type { MarkCause } from '../db/tables/history.js';
import { claimJobsOfMarkedDays, type PendingCalendar } from '../db/tables/pending-calendars.js';
import { highestPriorities } from './dirty-days.js';

/**
 * Sends all its statements at once, so that it can be a part of a pipeline.
 * @param changes a change of `windows` creates a day that is not stored; a change of `occupancy` marks only stored days
 * @param additional calendars that have other work than dirty days
 * @returns the calendars that have something to publish and no job for it
 */
export async function markDaysDirty(
  tx: Db,
  changes: { readonly windows?: readonly DirtyDay[]; readonly occupancy?: readonly DirtyDay[] },
  now: number,
  cause: MarkCause,
  additional: readonly PendingCalendar[] = [],
): Promise<readonly PendingCalendar[]> {
  const { windows = [], occupancy = [] } = changes;
  const at = new Date(now);
  const others = collectJobs(windows, additional);
  const [, jobs] = await Promise.all([
    markDaysOfWindows(tx, windows, at, cause),
    claimJobsOfMarkedDays(tx, markStoredDays(occupancy, at), others, cause, at),
  ]);
  return jobs;
}

/** The calendars of these days and the additional ones, each once. */
export function collectJobs(
  days: readonly DirtyDay[],
  additional: readonly PendingCalendar[] = [],
): readonly PendingCalendar[] {
  const calendars = highestPriorities(days);
  const ids = new Set(calendars.map(({ calendar }) => calendar));
  return [...calendars, ...additional.filter(({ calendar }) => !ids.has(calendar))];
}
