/** Marks days as changed and says which calendars then need somebody to publish them. */

import type { Db } from '../db/schema.js';
import { type DayChange, markDays } from '../db/tables/days.js';
import { claimWakes, type WantedCalendar } from '../db/tables/pending-calendars.js';
import { mostUrgent } from './dirty-days.js';

/**
 * @param changes of windows make a day known; of what is taken they only touch days that are
 * @param also calendars that have something else to do
 * @returns the calendars that have something to publish and no job that would see to it
 */
export async function markChanges(
  tx: Db,
  changes: { readonly windows?: readonly DayChange[]; readonly occupancy?: readonly DayChange[] },
  now: number,
  also: readonly WantedCalendar[] = [],
): Promise<WantedCalendar[]> {
  const { windows = [], occupancy = [] } = changes;
  const marked = await markDays(tx, { windows, occupancy }, new Date(now));
  return await claimWakes(tx, wakesOf(marked, also));
}

/** The calendars that these changes concern, each once. */
export function wakesOf(
  changes: readonly DayChange[],
  also: readonly WantedCalendar[] = [],
): readonly WantedCalendar[] {
  const calendars = mostUrgent(changes);
  const woken = new Set(calendars.map(({ calendar }) => calendar));
  return [...calendars, ...also.filter(({ calendar }) => !woken.has(calendar))];
}
