/** Saves the changes of a snapshot and marks the days dirty. */
import { LOWEST_PRIORITY } from '../../core/index.js';
import type { Db } from '../../db/schema.js';
import { startSyncOfAppointments } from '../../db/tables/linked-bookings.js';
import type { LockedCalendar } from '../../db/tables/locked-calendars.js';
import { type Occupancy, saveOccupancies } from '../../db/tables/occupancy.js';
import type { PendingCalendar } from '../../db/tables/pending-calendars.js';
import { countDays } from '../../db/tables/snapshots.js';
import { type StoredWindow, saveWindows, type WindowsOfDate } from '../../db/tables/windows.js';
import { markDaysDirty } from '../../marketplace-state/mark-days-dirty.js';
import { applyToState } from '../apply-to-state.js';
import type { ResolvedEvent } from '../resolve-event.js';

export interface Saved {
  readonly changedDays: number;
  readonly jobsToEnqueue: readonly PendingCalendar[];
}

/**
 * @param tx a transaction in which the calendar is locked
 * @param events the changes; none of them is stale
 * @param at the time of observation
 * @param now epoch milliseconds
 */
export async function saveChanges(
  tx: Db,
  calendar: LockedCalendar,
  events: readonly ResolvedEvent[],
  known: { readonly occupancies: readonly Occupancy[]; readonly windows: readonly WindowsOfDate[] },
  at: Date,
  now: number,
  cause: 'snapshot' | 'approved',
): Promise<Saved> {
  const applied = applyToState(events, { ...known, calendars: new Map([[calendar.id, calendar]]) }, now);
  await saveOccupancies(tx, applied.occupancies, at);
  await saveWindows(tx, applied.windows);
  const toSync = await startSyncOfAppointments(
    tx,
    applied.occupancies.map(({ ref }) => ({ calendar: calendar.id, ref })),
  );
  const jobsToEnqueue = await markDaysDirty(
    tx,
    { windows: applied.changedByWindows, occupancy: applied.changedByOccupancy },
    now,
    cause,
    toSync.map((id) => ({ calendar: id, priority: LOWEST_PRIORITY })),
  );
  const dates = [...applied.changedByWindows, ...applied.changedByOccupancy].map(({ date }) => date);
  return { changedDays: await countDays(tx, calendar.id, [...new Set(dates)]), jobsToEnqueue };
}

/** The windows of these dates as one event; none where there are no dates. */
export function windowsEvent(
  calendar: string,
  dates: readonly { readonly date: string; readonly after: readonly StoredWindow[] }[],
): ResolvedEvent[] {
  if (dates.length === 0) return [];
  return [{ type: 'available', calendar, dates: new Map(dates.map(({ date, after }) => [date, after])) }];
}
