/**
 * Holds a snapshot against the record: what of it is news, what the record knows better, and what it would take away.
 * Each occupancy and each date's windows are known of a certain moment; the later word counts, and versions count
 * before moments where both sides have one. Pure.
 */
import type { LockedCalendar } from '../../db/tables/events.js';
import type { KnownOccupancy, ReportedDate } from '../../db/tables/snapshots.js';
import type { StoredWindow } from '../../db/tables/windows.js';
import { newestSnapshotAt, observedAtOf, type ReportedDates } from './observed-at.js';
import type { Occupied, ResolvedSnapshot } from './resolve-snapshot.js';
import { addedWindows, hasSameWindows } from './window-coverage.js';

export interface KnownState {
  readonly calendar: LockedCalendar;
  readonly occupancies: readonly KnownOccupancy[];
  /** Of the snapshot's dates. */
  readonly windows: readonly StoredWindow[];
  /** Of the snapshot's dates, and of those that its occupancies and the known ones lie in. */
  readonly reportedDates: readonly ReportedDate[];
}

/** A date whose windows are to change. */
export interface DatePlan {
  readonly date: string;
  readonly before: readonly StoredWindow[];
  /** The windows that the snapshot asks for. */
  readonly requested: readonly StoredWindow[];
  /** What of it can be done without taking anything away. */
  readonly added: readonly StoredWindow[];
  /** Nobody has spoken of the date before: it may show anything, so that even no windows are news. */
  readonly isFirstReport: boolean;
}

export interface SnapshotPlan {
  /** Occupancies that are new, moved or otherwise changed. */
  readonly occupied: readonly Occupied[];
  /** Refs that are known as the snapshot says. */
  readonly confirmed: readonly string[];
  /** What is missing from a complete snapshot; empty for any other. */
  readonly missing: readonly KnownOccupancy[];
  readonly dates: readonly DatePlan[];
  /** Dates whose windows are known of the snapshot's moment from now on. */
  readonly reportedDates: readonly string[];
  /** Occupancies and dates that are left alone because something newer is known of them. */
  readonly stale: { readonly occupancies: number; readonly dates: number };
}

export function planSnapshot(snapshot: ResolvedSnapshot, known: KnownState): SnapshotPlan {
  const told = new Map(known.reportedDates.map((one) => [one.date, one]));
  const occupancies = planOccupied(snapshot, known, told);
  const missing = planMissing(snapshot, known, told);
  const windows = planDates(snapshot, known, told);
  return {
    occupied: occupancies.occupied,
    confirmed: occupancies.confirmed,
    missing: missing.gone,
    dates: windows.dates,
    reportedDates: windows.told,
    stale: { occupancies: occupancies.stale + missing.stale, dates: windows.stale },
  };
}

function planOccupied(
  { takenAt, occupied }: ResolvedSnapshot,
  { calendar, occupancies }: KnownState,
  told: ReportedDates,
) {
  const known = new Map(occupancies.map((one) => [one.ref, one]));
  const news: Occupied[] = [];
  const confirmed: string[] = [];
  let stale = 0;
  for (const one of occupied) {
    const before = known.get(one.ref);
    const since = before && observedAtOf(before, calendar.timeZone, told);
    if (isNewer(before, since, one, takenAt) || isGoneSince(one, since, takenAt, calendar, told)) stale += 1;
    else if (before !== undefined && isSame(before, one)) confirmed.push(one.ref);
    else news.push(one);
  }
  return { occupied: news, confirmed, stale };
}

/** Whether what is known is later than what a snapshot says. */
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

/** Whether a later snapshot, complete for a date that it lies in, did not have it. */
function isGoneSince(
  one: Occupied,
  since: number | undefined,
  takenAt: number,
  { timeZone }: LockedCalendar,
  told: ReportedDates,
): boolean {
  return newestSnapshotAt(one, timeZone, told) > Math.max(takenAt, since ?? takenAt);
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
  told: ReportedDates,
) {
  if (!complete) return { gone: [], stale: 0 };
  const listed = new Set([...occupied, ...ignored].map(({ ref }) => ref));
  const absent = occupancies.filter(({ ref, interval }) => interval !== undefined && !listed.has(ref));
  const gone = absent.filter((one) => observedAtOf(one, calendar.timeZone, told) <= takenAt);
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
  const told: string[] = [];
  let stale = 0;
  for (const [date, said] of dates) {
    const day = known.get(date);
    if (Math.max(day?.windowsAt?.getTime() ?? 0, day?.snapshotAt?.getTime() ?? 0) > takenAt) {
      stale += 1;
      continue;
    }
    if (complete) told.push(date);
    const old = before.get(date) ?? [];
    const more = addedWindows(old, said);
    const requested = complete ? said : more;
    const isFirstReport = complete && day === undefined;
    if (isFirstReport || !hasSameWindows(old, requested)) {
      plans.push({ date, before: old, requested, added: more, isFirstReport });
    }
  }
  return { dates: plans, told, stale };
}
