/** Writes what was decided about a snapshot into the record and marks the days that it changes. */
import { LOWEST_PRIORITY } from '../../core/index.js';
import type { Db } from '../../db/schema.js';
import type { LockedCalendar } from '../../db/tables/events.js';
import { beginSyncOfAppointments } from '../../db/tables/linked-bookings.js';
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
 * @param events to be folded over what is known; all of them count
 * @param at of when they are known
 * @param now epoch milliseconds
 */
export async function saveChanges(
  tx: Db,
  calendar: LockedCalendar,
  events: readonly ResolvedEvent[],
  known: { readonly occupancies: readonly Occupancy[]; readonly windows: readonly WindowsOfDate[] },
  at: Date,
  now: number,
): Promise<Saved> {
  const folded = applyToState(events, { ...known, calendars: new Map([[calendar.id, calendar]]) }, now);
  await saveOccupancies(tx, folded.occupancies, at);
  await saveWindows(tx, folded.windows);
  const following = await beginSyncOfAppointments(
    tx,
    folded.occupancies.map(({ ref }) => ({ calendar: calendar.id, ref })),
  );
  const jobsToEnqueue = await markDaysDirty(
    tx,
    { windows: folded.changedByWindows, occupancy: folded.changedByOccupancy },
    now,
    following.map((id) => ({ calendar: id, priority: LOWEST_PRIORITY })),
  );
  const dates = [...folded.changedByWindows, ...folded.changedByOccupancy].map(({ date }) => date);
  return { changedDays: await countDays(tx, calendar.id, [...new Set(dates)]), jobsToEnqueue };
}

/** The windows of these dates as an event, if there are any. */
export function windowsEvent(
  calendar: string,
  dates: readonly { readonly date: string; readonly after: readonly StoredWindow[] }[],
): ResolvedEvent[] {
  if (dates.length === 0) return [];
  return [{ type: 'available', calendar, dates: new Map(dates.map(({ date, after }) => [date, after])) }];
}
