/** Resolves a snapshot in its calendar's zone, by the same rules as events. */

import { DAY, MINUTE } from '../../core/duration.js';
import { computeSlotConfigs, InvalidScheduleError, parseInstant } from '../../core/index.js';
import type { LockedCalendar } from '../../db/tables/locked-calendars.js';
import type { StoredWindow } from '../../db/tables/windows.js';
import type { Problem } from '../../lib/validation.js';
import {
  groupByDate,
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
  /** Whether the snapshot lists everything of its dates: it is marked as complete, and all of it is valid. */
  readonly complete: boolean;
  /** Epoch milliseconds, never later than the snapshot's arrival. */
  readonly takenAt: number;
  /** Every date of the range, also those without a window. */
  readonly dates: ReadonlyMap<string, readonly StoredWindow[]>;
  readonly occupied: readonly Occupied[];
  /** Entries of zero length: the stored state of their refs stays. */
  readonly ignored: readonly { readonly ref: string }[];
  /** Invalid entries: the stored state that they are about stays. */
  readonly rejected: readonly RejectedEntry[];
}

/** The tolerated difference of clocks; a larger one means a wrong clock or a wrong zone. */
const MAX_AHEAD_MS = 5 * MINUTE;
/** Releases are stored for longer than this, so that an old snapshot cannot restore a released occupancy. */
export const OLDEST_SNAPSHOT_MS = 7 * DAY;
/** The number of contradicting windows that are rejected one by one; where there are more, the snapshot is refused. */
const MAX_CONTRADICTIONS = 20;

/**
 * @param arrivedAt when the snapshot began to arrive, epoch milliseconds
 * @param now when the snapshot is parsed: a slow snapshot may have been taken while it arrived
 * @throws {InvalidScheduleError} with the path of a problem of the snapshot as a whole
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

  const valid = snapshot.windows.filter((one) => {
    const problems = problemsOfWindow(one.value, snapshot, timeZone);
    if (problems.length > 0) reject(one, problems);
    return problems.length === 0;
  });
  const windows = rejectContradictions(valid, snapshot, timeZone, reject);
  const [occupied, ignored] = [[] as Occupied[], [] as { readonly ref: string }[]];
  const refs = new Set<string>();
  for (const one of snapshot.occupancy) {
    const { ref } = one.value;
    const resolution = resolveOccupied(
      { ...one.value, type: 'occupied', id: '', calendar: calendar.id },
      timeZone,
    );
    if (refs.has(ref)) reject(one, [{ path: 'ref', reason: 'is there twice' }]);
    else if (!resolution.success) reject(one, resolution.problems);
    else if (resolution.event.type === 'occupied') occupied.push(resolution.event);
    else ignored.push({ ref });
    refs.add(ref);
  }
  return {
    from,
    to,
    complete: snapshot.complete && rejected.length === 0,
    takenAt,
    dates: groupByDate({ from, to, windows: windows.map(({ value }) => value) }, timeZone),
    occupied,
    ignored,
    rejected,
  };
}

type Window = ParsedSnapshot['windows'][number];

/** Rejects the windows that contradict an earlier one, and returns the others. */
function rejectContradictions(
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
