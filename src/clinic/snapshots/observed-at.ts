/**
 * Computes when an occupancy was last observed. Its row contains the time of its last event or change. A later snapshot that is
 * complete for one of its dates and left it unchanged also counts, so that nothing is written for unchanged occupancies.
 */
import { DAY } from '../../core/duration.js';
import { datesOf, localDate } from '../../core/index.js';
import type { KnownOccupancy, ReportedDate } from '../../db/tables/snapshots.js';

export type ReportedDates = ReadonlyMap<string, ReportedDate>;

type Span = { readonly start: Date | number; readonly end: Date | number };

interface Timed {
  /** Absent for a released occupancy. */
  readonly interval?: Span | undefined;
}

/** The first and the last local date that an occupancy lies in; undefined where it is released. */
export function firstAndLastDate(
  { interval }: Timed,
  timeZone: string,
): readonly [string, string] | undefined {
  if (interval === undefined) return undefined;
  return [localDate(Number(interval.start), timeZone), localDate(Number(interval.end) - 1, timeZone)];
}

/** The given dates that an occupancy lies in. */
export function findTouchedDates(one: Timed, timeZone: string, dates: Iterable<string>): string[] {
  const reached = firstAndLastDate(one, timeZone);
  return reached === undefined ? [] : [...dates].filter((date) => reached[0] <= date && date <= reached[1]);
}

/** When the newest snapshot that is complete for one of the occupancy's dates was taken; epoch milliseconds, 0 for none. */
export function newestSnapshotAt(one: Timed, timeZone: string, reported: ReportedDates): number {
  const { interval } = one;
  if (interval === undefined) return 0;
  const [start, end] = [Number(interval.start), Number(interval.end)];
  // A long occupancy has more dates than are reported.
  const isShort = (end - start) / DAY < reported.size;
  const dates = isShort
    ? datesOf({ start, end }, timeZone)
    : findTouchedDates(one, timeZone, reported.keys());
  return dates.reduce((newest, date) => Math.max(newest, reported.get(date)?.snapshotAt?.getTime() ?? 0), 0);
}

/** Epoch milliseconds. */
export function observedAtOf(known: KnownOccupancy, timeZone: string, reported: ReportedDates): number {
  return Math.max(known.updatedAt.getTime(), newestSnapshotAt(known, timeZone, reported));
}
