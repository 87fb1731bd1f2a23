/** Conflicts: times that are sold twice. A person resolves one by moving or cancelling the booking or the appointment. */
import { toIso } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { listOpenConflicts } from '../db/tables/conflicts.js';

export interface ConflictItem {
  /** Stable while the conflict exists. */
  readonly id: string;
  readonly calendar: string;
  /** The visit booking id of the marketplace's booking. */
  readonly booking: string;
  /** The PMS's appointment. */
  readonly ref: string;
  /** The overlap of the two: ISO 8601 in the account's zone, half-open. */
  readonly start: string;
  readonly end: string;
  /** When the later of the two was recorded with its present time; ISO 8601. */
  readonly since: string;
}

const MAX_ITEMS = 1_000;

/** @returns conflicts that are not over, by time, at most {@link MAX_ITEMS} */
export async function listConflicts(db: Db, now: number): Promise<ConflictItem[]> {
  const conflicts = await listOpenConflicts(db, new Date(now), MAX_ITEMS);
  return conflicts.map(
    ({ id, calendar, booking, ref, start, end, bookingStart, bookingEnd, since, timeZone }) => ({
      id,
      calendar,
      booking,
      ref,
      start: toIso(Math.max(start.getTime(), bookingStart.getTime()), timeZone),
      end: toIso(Math.min(end.getTime(), bookingEnd.getTime()), timeZone),
      since: since.toISOString(),
    }),
  );
}
