/** Loads the stored state of the dates and occupancies that a snapshot covers. */
import { addDays, startOfDate } from '../../core/index.js';
import type { Db } from '../../db/schema.js';
import type { LockedCalendar } from '../../db/tables/locked-calendars.js';
import { findOccupanciesAround, findReportedDates } from '../../db/tables/snapshots.js';
import { listWindows } from '../../db/tables/windows.js';
import { firstAndLastDate } from './observed-at.js';
import type { KnownState } from './plan-snapshot.js';
import type { ResolvedSnapshot } from './resolve-snapshot.js';

export async function loadKnown(
  tx: Db,
  calendar: LockedCalendar,
  { from, to, complete, occupied }: ResolvedSnapshot,
): Promise<KnownState> {
  const refs = occupied.map(({ ref }) => ref);
  // Only a complete snapshot changes occupancies that it does not list.
  const around = complete
    ? {
        start: new Date(startOfDate(from, calendar.timeZone)),
        end: new Date(startOfDate(addDays(to, 1), calendar.timeZone)),
      }
    : undefined;
  const occupancies = await findOccupanciesAround(tx, calendar.id, refs, around);
  const touched = [...occupied, ...occupancies].flatMap(
    (one) => firstAndLastDate(one, calendar.timeZone) ?? [],
  );
  const dates = [from, to, ...touched].sort();
  return {
    calendar,
    occupancies,
    windows: await listWindows(tx, calendar.id, from, to),
    reportedDates: await findReportedDates(tx, calendar.id, dates[0] ?? from, dates.at(-1) ?? to),
  };
}
