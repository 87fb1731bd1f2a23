/**
 * Compares a snapshot with the stored state: what changes, what is stale, and what would be deleted. Each occupancy and each date's
 * windows have a time of observation; the later observation wins, and where both sides have a version, the version decides. Pure.
 */
import type { LockedCalendar } from '../../db/tables/locked-calendars.js';
import type { KnownOccupancy, ReportedDate } from '../../db/tables/snapshots.js';
import type { StoredWindow } from '../../db/tables/windows.js';
import { newestSnapshotAt, observedAtOf, type ReportedDates } from './observed-at.js';
import type { Occupied, ResolvedSnapshot } from './resolve-snapshot.js';
import { addedWindows, hasSameWindows } from './window-coverage.js';

export interface KnownState {
  readonly calendar: LockedCalendar;
  readonly occupancies: readonly KnownOccupancy[];
  /** The windows of the snapshot's dates. */
  readonly windows: readonly StoredWindow[];
  /** The snapshot's dates, and the dates of its occupancies and of the stored ones. */
  readonly reportedDates: readonly ReportedDate[];
}

/** A date whose windows change. */
export interface DatePlan {
  readonly date: string;
  readonly before: readonly StoredWindow[];
  /** The windows of the snapshot. */
  readonly requested: readonly StoredWindow[];
  /** The windows after the additions alone, without any deletion. */
  readonly added: readonly StoredWindow[];
  /** Whether the date was never reported: the marketplace may show anything there, so that even an empty list is a change. */
  readonly isFirstReport: boolean;
}

export interface SnapshotPlan {
  /** Occupancies that are new, moved or otherwise changed. */
  readonly occupied: readonly Occupied[];
  /** Refs that are stored as the snapshot lists them. */
  readonly confirmed: readonly string[];
  /** Stored occupancies that a complete snapshot lacks; empty for any other snapshot. */
  readonly missing: readonly KnownOccupancy[];
  readonly dates: readonly DatePlan[];
  /** Dates whose windows are observed at the snapshot's time. */
  readonly reportedDates: readonly string[];
  /** The numbers of occupancies and dates that stay because newer state of them is stored. */
  readonly stale: { readonly occupancies: number; readonly dates: number };
}

export function planSnapshot(snapshot: ResolvedSnapshot, known: KnownState): SnapshotPlan {
  const reported = new Map(known.reportedDates.map((one) => [one.date, one]));
  const occupancies = planOccupied(snapshot, known, reported);
  const missing = planMissing(snapshot, known, reported);
  const windows = planDates(snapshot, known, reported);
  return {
    occupied: occupancies.occupied,
    confirmed: occupancies.confirmed,
    missing: missing.gone,
    dates: windows.dates,
    reportedDates: windows.reported,
    stale: { occupancies: occupancies.stale + missing.stale, dates: windows.stale },
  };
}

function planOccupied(
  { takenAt, occupied }: ResolvedSnapshot,
  { calendar, occupancies }: KnownState,
  reported: ReportedDates,
) {
  const known = new Map(occupancies.map((one) => [one.ref, one]));
  const changed: Occupied[] = [];
  const confirmed: string[] = [];
  let stale = 0;
  for (const one of occupied) {
    const before = known.get(one.ref);
    const since = before && observedAtOf(before, calendar.timeZone, reported);
    if (isNewer(before, since, one, takenAt) || isMissingSince(one, since, takenAt, calendar, reported))
      stale += 1;
    else if (before !== undefined && isSame(before, one)) confirmed.push(one.ref);
    else changed.push(one);
  }
  return { occupied: changed, confirmed, stale };
}

/** Whether the stored state is newer than the snapshot's. */
function isNewer(
  known: KnownOccupancy | undefined,
  since: number | undefined,
  { version }: Occupied,
  takenAt: number,
): boolean {
  if (known === undefined || since === undefined) return false;
  if (version !== undefined && known.version !== undefined && version !== known.version) {
    return version < known.version;
  }
  return since > takenAt;
}

/** Whether a later snapshot that is complete for one of its dates did not list the occupancy. */
function isMissingSince(
  one: Occupied,
  since: number | undefined,
  takenAt: number,
  { timeZone }: LockedCalendar,
  reported: ReportedDates,
): boolean {
  return newestSnapshotAt(one, timeZone, reported) > Math.max(takenAt, since ?? takenAt);
}

const isSame = (known: KnownOccupancy, { interval, kind, service, version }: Occupied): boolean =>
  known.interval?.start.getTime() === interval.start &&
  known.interval.end.getTime() === interval.end &&
  known.kind === kind &&
  known.service === service &&
  (version === undefined || version === known.version);

function planMissing(
  { complete, takenAt, occupied, ignored }: ResolvedSnapshot,
  { calendar, occupancies }: KnownState,
  reported: ReportedDates,
) {
  if (!complete) return { gone: [], stale: 0 };
  const listed = new Set([...occupied, ...ignored].map(({ ref }) => ref));
  const absent = occupancies.filter(({ ref, interval }) => interval !== undefined && !listed.has(ref));
  const gone = absent.filter((one) => observedAtOf(one, calendar.timeZone, reported) <= takenAt);
  return { gone, stale: absent.length - gone.length };
}

function planDates(
  { complete, takenAt, dates }: ResolvedSnapshot,
  { windows }: KnownState,
  known: ReportedDates,
) {
  const before = new Map<string, StoredWindow[]>();
  for (const window of windows) {
    const list = before.get(window.date);
    if (list === undefined) before.set(window.date, [window]);
    else list.push(window);
  }
  const plans: DatePlan[] = [];
  const reported: string[] = [];
  let stale = 0;
  for (const [date, after] of dates) {
    const day = known.get(date);
    if (Math.max(day?.windowsAt?.getTime() ?? 0, day?.snapshotAt?.getTime() ?? 0) > takenAt) {
      stale += 1;
      continue;
    }
    if (complete) reported.push(date);
    const old = before.get(date) ?? [];
    const more = addedWindows(old, after);
    const requested = complete ? after : more;
    const isFirstReport = complete && day === undefined;
    if (isFirstReport || !hasSameWindows(old, requested)) {
      plans.push({ date, before: old, requested, added: more, isFirstReport });
    }
  }
  return { dates: plans, reported, stale };
}
