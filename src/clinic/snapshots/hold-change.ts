/** Keeps for a person what a snapshot would take away. */
import { addDays } from '../../core/index.js';
import type { Db } from '../../db/schema.js';
import type { LockedCalendar } from '../../db/tables/events.js';
import {
  type Deletion,
  type HeldChange,
  type HeldDate,
  type NewHeldChange,
  saveHeldChange,
} from '../../db/tables/held-changes.js';
import { findTouchedDates } from './observed-at.js';
import type { SnapshotPlan } from './plan-snapshot.js';
import type { ResolvedSnapshot } from './resolve-snapshot.js';
import { hasSameWindows } from './window-coverage.js';

/**
 * Is told of a hold in the transaction that makes it, so that neither can be without the other.
 * @param isAgain whether it takes the place of one that was told before
 */
export type OnHeld = (tx: Db, hold: HeldChange, isAgain: boolean) => Promise<void>;

export interface HeldSummary {
  readonly id: string;
  readonly deletions: readonly Deletion[];
  /** Local dates that keep windows which would be taken away, or occupancies that would be released. */
  readonly dates: readonly string[];
  /** How many occupancies would be released. */
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
  const asked: NewHeldChange = {
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
  const id = await saveHeldChange(tx, asked);
  await options.onHeld?.(tx, { ...asked, id }, options.isAgain);
  return { id, deletions, dates: asked.dates.map(({ date }) => date), releases: asked.releases.length };
}

/** Of what reaches out of the range only the dates in it: no later snapshot of the same range would speak of the others. */
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

function* datesBetween(from: string, to: string): Iterable<string> {
  for (let date = from; date <= to; date = addDays(date, 1)) yield date;
}
