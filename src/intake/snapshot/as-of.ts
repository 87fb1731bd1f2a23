/**
 * Of when an occupancy is known. Its row says when it was last said or changed; where a later snapshot, complete for a
 * date that it lies in, left it as it is, it is known of that: nothing has to be written for what has not changed.
 */
import { datesOf } from '../../core/index.js';
import type { KnownOccupancy, ToldDate } from '../../store/snapshots.js';

export type Told = ReadonlyMap<string, ToldDate>;

type Span = { readonly start: Date | number; readonly end: Date | number };

/** The local dates that an occupancy lies in; none where it is released. */
export function datesTouched(
  { interval }: { readonly interval?: Span | undefined },
  timeZone: string,
): string[] {
  if (interval === undefined) return [];
  return datesOf({ start: Number(interval.start), end: Number(interval.end) }, timeZone);
}

/** When the newest snapshot was taken that was complete for one of these dates; epoch milliseconds, 0 for none. */
export function newestSnapshot(dates: readonly string[], told: Told): number {
  return dates.reduce((newest, date) => Math.max(newest, told.get(date)?.snapshotAt?.getTime() ?? 0), 0);
}

/** Epoch milliseconds. */
export function asOf(known: KnownOccupancy, timeZone: string, told: Told): number {
  return Math.max(known.updatedAt.getTime(), newestSnapshot(datesTouched(known, timeZone), told));
}
