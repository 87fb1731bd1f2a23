/** Times that are sold twice, as callers see them: to be settled by moving or cancelling one of the two. */
import { toIso } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { listOpenConflicts } from '../db/tables/conflicts.js';

export interface ConflictItem {
  /** The same for as long as it lasts. */
  readonly id: string;
  readonly calendar: string;
  /** The visit booking id of the marketplace's booking. */
  readonly booking: string;
  /** The PMS's appointment. */
  readonly ref: string;
  /** What the two have in common: ISO 8601 in the account's zone, half-open. */
  readonly start: string;
  readonly end: string;
  /** When the later of the two became known as it is; ISO 8601. */
  readonly since: string;
}

const MAX_ITEMS = 1_000;

/** @returns those that are not over yet, by time, {@link MAX_ITEMS} at most */
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
