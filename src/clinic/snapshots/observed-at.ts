/**
 * Of when an occupancy is known. Its row says when it was last said or changed; where a later snapshot, complete for a
 * date that it lies in, left it as it is, it is known of that: nothing has to be written for what has not changed.
 */
import { DAY } from '../../core/duration.js';
import { datesOf, localDate } from '../../core/index.js';
import type { KnownOccupancy, ReportedDate } from '../../db/tables/snapshots.js';

export type ReportedDates = ReadonlyMap<string, ReportedDate>;

type Span = { readonly start: Date | number; readonly end: Date | number };

interface Timed {
  /** Absent where it is released. */
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

/** Those of the dates that an occupancy lies in, however long it is. */
export function findTouchedDates(one: Timed, timeZone: string, dates: Iterable<string>): string[] {
  const reached = firstAndLastDate(one, timeZone);
  return reached === undefined ? [] : [...dates].filter((date) => reached[0] <= date && date <= reached[1]);
}

/** When the newest snapshot was taken that was complete for a date that it lies in; epoch milliseconds, 0 for none. */
export function newestSnapshotAt(one: Timed, timeZone: string, told: ReportedDates): number {
  const { interval } = one;
  if (interval === undefined) return 0;
  const [start, end] = [Number(interval.start), Number(interval.end)];
  // Of one that is long, the dates that were spoken of are fewer than its own.
  const isShort = (end - start) / DAY < told.size;
  const dates = isShort ? datesOf({ start, end }, timeZone) : findTouchedDates(one, timeZone, told.keys());
  return dates.reduce((newest, date) => Math.max(newest, told.get(date)?.snapshotAt?.getTime() ?? 0), 0);
}

/** Epoch milliseconds. */
export function observedAtOf(known: KnownOccupancy, timeZone: string, told: ReportedDates): number {
  return Math.max(known.updatedAt.getTime(), newestSnapshotAt(known, timeZone, told));
}
