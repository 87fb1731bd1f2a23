/** Reads a snapshot in its calendar's zone, in the same way as events are read. */
import { InvalidScheduleError, parseInstant } from '../../core/index.js';
import type { LockedCalendar } from '../../store/events.js';
import type { StoredWindow } from '../../store/windows.js';
import { type ResolvedEvent, resolveEvent } from '../resolve.js';
import type { Snapshot } from './vocabulary.js';

export type Occupied = Extract<ResolvedEvent, { type: 'occupied' }>;

export interface ResolvedSnapshot {
  readonly from: string;
  readonly to: string;
  readonly complete: boolean;
  /** Epoch milliseconds, never later than when it began to arrive. */
  readonly takenAt: number;
  /** Every date of the range, also those without a window. */
  readonly dates: ReadonlyMap<string, readonly StoredWindow[]>;
  readonly occupied: readonly Occupied[];
  /** What takes no time: what is known of these refs stays as it is. */
  readonly ignored: readonly { readonly ref: string }[];
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Clocks differ; beyond this one of them is wrong, or the zone is. */
const MOST_AHEAD_MS = 5 * MINUTE;
/** What was released is remembered for longer than this, so that an old snapshot does not bring it back. */
export const OLDEST_SNAPSHOT_MS = 7 * DAY;

/**
 * @param arrivedAt when it began to arrive, epoch milliseconds
 * @param now when it is read: what arrives for long may have been taken meanwhile
 * @throws {InvalidScheduleError} with the path of what is wrong
 */
export function resolveSnapshot(
  snapshot: Snapshot,
  calendar: LockedCalendar,
  arrivedAt: number,
  now: number,
): ResolvedSnapshot {
  const { from, to, complete } = snapshot;
  const takenAt = resolveTakenAt(snapshot, calendar, arrivedAt, now);
  const available = resolveEvent(
    { type: 'available', id: '', calendar: calendar.id, from, to, windows: snapshot.windows },
    calendar,
  );
  const seen = new Set<string>();
  const occupied: Occupied[] = [];
  const ignored: { readonly ref: string }[] = [];
  snapshot.occupancy.forEach((one, index) => {
    const path = `occupancy[${index}]`;
    if (seen.has(one.ref)) throw new InvalidScheduleError(`${path}.ref`, 'is there twice');
    seen.add(one.ref);
    const event = at(path, () =>
      resolveEvent({ ...one, type: 'occupied', id: '', calendar: calendar.id }, calendar),
    );
    if (event.type === 'occupied') occupied.push(event);
    else if (event.type === 'ignored') ignored.push(event);
    else throw new TypeError('an occupancy was read as something else');
  });
  if (available.type !== 'available') throw new TypeError('windows were read as something else');
  return { from, to, complete, takenAt, dates: available.dates, occupied, ignored };
}

function resolveTakenAt(
  { takenAt }: Snapshot,
  { timeZone }: LockedCalendar,
  arrivedAt: number,
  now: number,
): number {
  if (takenAt === undefined) return arrivedAt;
  const ms = parseInstant(takenAt, timeZone, 'takenAt');
  if (ms > now + MOST_AHEAD_MS) throw new InvalidScheduleError('takenAt', 'lies in the future');
  if (ms < arrivedAt - OLDEST_SNAPSHOT_MS) {
    throw new InvalidScheduleError('takenAt', 'is more than 7 days ago');
  }
  return Math.min(ms, arrivedAt);
}

function at<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InvalidScheduleError)) throw error;
    throw new InvalidScheduleError(`${path}.${error.path}`, error.reason);
  }
}
