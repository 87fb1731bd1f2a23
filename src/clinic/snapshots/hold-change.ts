/** Saves the deletions of a snapshot as a held change that waits for a person's approval. */
import { datesBetween } from '../../core/calendar-date.js';
import type { Db } from '../../db/schema.js';
import {
  type Deletion,
  type HeldChange,
  type HeldDate,
  type NewHeldChange,
  saveHeldChange,
} from '../../db/tables/held-changes.js';
import type { LockedCalendar } from '../../db/tables/locked-calendars.js';
import { findTouchedDates } from './observed-at.js';
import type { SnapshotPlan } from './plan-snapshot.js';
import type { ResolvedSnapshot } from './resolve-snapshot.js';
import { hasSameWindows } from './window-coverage.js';

/**
 * Called with a held change in the transaction that saves it, so that both commit together.
 * @param isAgain whether the change replaces one that was passed before
 */
export type OnHeld = (tx: Db, hold: HeldChange, isAgain: boolean) => Promise<void>;

export interface HeldSummary {
  readonly id: string;
  /** The deletions that exceed the guard's limits. */
  readonly losses: readonly Deletion[];
  /** Local dates that keep windows which would be deleted, or occupancies which would be released. */
  readonly dates: readonly string[];
  /** The number of occupancies that would be released. */
  readonly releases: number;
}

/** @param options `now` in epoch milliseconds */
export async function holdChange(
  tx: Db,
  calendar: LockedCalendar,
  snapshot: ResolvedSnapshot,
  plan: SnapshotPlan,
  deletions: readonly Deletion[],
  options: { readonly now: number; readonly isAgain: boolean; readonly onHeld?: OnHeld | undefined },
): Promise<HeldSummary> {
  const change: NewHeldChange = {
    calendar: calendar.id,
    cause: 'snapshot',
    from: snapshot.from,
    to: snapshot.to,
    observedAt: new Date(snapshot.takenAt),
    heldAt: new Date(options.now),
    deletions,
    dates: heldDates(plan, snapshot, calendar),
    releases: plan.missing.map(({ ref }) => ref),
  };
  const id = await saveHeldChange(tx, change);
  await options.onHeld?.(tx, { ...change, id }, options.isAgain);
  const dates = change.dates.map(({ date }) => date);
  return { id, losses: deletions, dates, releases: change.releases.length };
}

/** The held dates within the snapshot's range: a later snapshot of the same range does not cover other dates of a long occupancy. */
function heldDates(
  { missing, dates }: SnapshotPlan,
  { from, to }: ResolvedSnapshot,
  { timeZone }: LockedCalendar,
): HeldDate[] {
  const held = new Map<string, HeldDate>();
  for (const one of missing) {
    for (const date of findTouchedDates(one, timeZone, datesBetween(from, to))) held.set(date, { date });
  }
  for (const { date, requested, added } of dates) {
    if (!hasSameWindows(requested, added)) held.set(date, { date, windows: requested });
  }
  return [...held.values()].sort((a, b) => (a.date < b.date ? -1 : 1));
}
