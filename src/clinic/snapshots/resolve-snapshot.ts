/** Reads a snapshot in its calendar's zone, in the same way as events are read. */

import { DAY, MINUTE } from '../../core/duration.js';
import { computeSlotConfigs, InvalidScheduleError, parseInstant } from '../../core/index.js';
import type { LockedCalendar } from '../../db/tables/events.js';
import type { StoredWindow } from '../../db/tables/windows.js';
import type { Problem } from '../../lib/validation.js';
import {
  byDate,
  problemsOfRange,
  problemsOfWindow,
  type ResolvedEvent,
  resolveOccupied,
} from '../resolve-event.js';
import { type ParsedSnapshot, type PathValue, type RejectedEntry, rejectedEntry } from './parse-snapshot.js';

export type Occupied = Extract<ResolvedEvent, { type: 'occupied' }>;

export interface ResolvedSnapshot {
  readonly from: string;
  readonly to: string;
  /** Whether it is the whole truth: it said so, and all of it could be read. */
  readonly complete: boolean;
  /** Epoch milliseconds, never later than when it began to arrive. */
  readonly takenAt: number;
  /** Every date of the range, also those without a window. */
  readonly dates: ReadonlyMap<string, readonly StoredWindow[]>;
  readonly occupied: readonly Occupied[];
  /** What takes no time: what is known of these refs stays as it is. */
  readonly ignored: readonly { readonly ref: string }[];
  /** What could not be read: what is known of it stays as it is. */
  readonly rejected: readonly RejectedEntry[];
}

/** Clocks differ; beyond this one of them is wrong, or the zone is. */
const MAX_AHEAD_MS = 5 * MINUTE;
/** What was released is remembered for longer than this, so that an old snapshot does not bring it back. */
export const OLDEST_SNAPSHOT_MS = 7 * DAY;
/** Of windows that contradict others, so many are left out; where there are more, the snapshot is refused. */
const MAX_CONTRADICTIONS = 20;

/**
 * @param arrivedAt when it began to arrive, epoch milliseconds
 * @param now when it is read: what arrives for long may have been taken meanwhile
 * @throws {InvalidScheduleError} with the path of what is wrong with the whole of it
 */
export function resolveSnapshot(
  snapshot: ParsedSnapshot,
  calendar: LockedCalendar,
  arrivedAt: number,
  now: number,
): ResolvedSnapshot {
  const { from, to } = snapshot;
  const { timeZone } = calendar;
  const takenAt = resolveTakenAt(snapshot, calendar, arrivedAt, now);
  const [wrong] = problemsOfRange(snapshot, timeZone);
  if (wrong !== undefined) throw new InvalidScheduleError(wrong.path, wrong.reason);
  const rejected = [...snapshot.rejected];
  const reject = ({ path, value }: PathValue<object>, problems: readonly Problem[]): void => {
    rejected.push(rejectedEntry(path, value, problems));
  };

  const alone = snapshot.windows.filter((one) => {
    const problems = problemsOfWindow(one.value, snapshot, timeZone);
    if (problems.length > 0) reject(one, problems);
    return problems.length === 0;
  });
  const windows = agreeing(alone, snapshot, timeZone, reject);
  const [occupied, ignored] = [[] as Occupied[], [] as { readonly ref: string }[]];
  const seen = new Set<string>();
  for (const one of snapshot.occupancy) {
    const { ref } = one.value;
    const resolution = resolveOccupied(
      { ...one.value, type: 'occupied', id: '', calendar: calendar.id },
      timeZone,
    );
    if (seen.has(ref)) reject(one, [{ path: 'ref', reason: 'is there twice' }]);
    else if (!resolution.success) reject(one, resolution.problems);
    else if (resolution.event.type === 'occupied') occupied.push(resolution.event);
    else ignored.push({ ref });
    seen.add(ref);
  }
  return {
    from,
    to,
    complete: snapshot.complete && rejected.length === 0,
    takenAt,
    dates: byDate({ from, to, windows: windows.map(({ value }) => value) }, timeZone),
    occupied,
    ignored,
    rejected,
  };
}

type Window = ParsedSnapshot['windows'][number];

/** Without those that contradict one before them. */
function agreeing(
  windows: readonly Window[],
  { from, to }: ParsedSnapshot,
  timeZone: string,
  reject: (one: Window, problems: readonly Problem[]) => void,
): readonly Window[] {
  const left = [...windows];
  for (let n = 0; ; n += 1) {
    try {
      computeSlotConfigs({ timeZone, windows: left.map(({ value }) => value), from, to });
      return left;
    } catch (error) {
      if (!(error instanceof InvalidScheduleError)) throw error;
      const [, index, path] = /^windows\[(\d+)\]\.(.*)$/.exec(error.path) ?? [];
      const [one] = index === undefined || n === MAX_CONTRADICTIONS ? [] : left.splice(Number(index), 1);
      if (one === undefined || path === undefined) throw error;
      reject(one, [{ path, reason: error.reason }]);
    }
  }
}

function resolveTakenAt(
  { takenAt }: ParsedSnapshot,
  { timeZone }: LockedCalendar,
  arrivedAt: number,
  now: number,
): number {
  if (takenAt === undefined) return arrivedAt;
  const ms = parseInstant(takenAt, timeZone, 'takenAt');
  if (ms > now + MAX_AHEAD_MS) throw new InvalidScheduleError('takenAt', 'lies in the future');
  if (ms < arrivedAt - OLDEST_SNAPSHOT_MS) {
    throw new InvalidScheduleError('takenAt', 'is more than 7 days ago');
  }
  return Math.min(ms, arrivedAt);
}
