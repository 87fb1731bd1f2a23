/**
 * Takes a snapshot of the clinic into the record: one transaction replaces what is known of its dates, releases what is
 * missing from it, and marks the days that this changes. What would take away too much is held instead.
 */

import { InvalidScheduleError } from '../../core/index.js';
import type { Encryptor } from '../../crypto/encryptor.js';
import { retryDeadlock } from '../../db/retry.js';
import type { Db } from '../../db/schema.js';
import { lockCalendars, recordLastEvent } from '../../db/tables/events.js';
import { replaceHeld } from '../../db/tables/held-changes.js';
import type { AddedNotification } from '../../db/tables/notifications.js';
import type { PendingCalendar } from '../../db/tables/pending-calendars.js';
import { confirmOccupancies, recordSnapshot, recordWindows } from '../../db/tables/snapshots.js';
import type { Problem } from '../../lib/validation.js';
import { notifyConflicts } from '../../notifications/conflicts.js';
import type { ResolvedEvent } from '../resolve-event.js';
import { checkDeletions, type DeletionGuardOptions } from './deletion-guard.js';
import { type HeldSummary, holdChange, type OnHeld } from './hold-change.js';
import { loadKnown } from './load-known.js';
import { type ParsedSnapshot, parseSnapshot, type RejectedEntry } from './parse-snapshot.js';
import { planSnapshot } from './plan-snapshot.js';
import { resolveSnapshot } from './resolve-snapshot.js';
import { saveChanges, windowsEvent } from './save-snapshot.js';
import { hasSameWindows } from './window-coverage.js';

export interface SnapshotOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** When it began to arrive, epoch milliseconds: it was taken then at the latest. Default `now`. */
  readonly arrivedAt?: number | undefined;
  /** Undefined: nothing is held. */
  readonly deletionGuard: DeletionGuardOptions | undefined;
  /** Snapshots of one run are weighed together, also over all calendars of an account. */
  readonly run?: string | undefined;
  /** Told of each hold, in the transaction that makes it. */
  readonly onHeld?: OnHeld | undefined;
  /** For what the clinic has to hear of it: times that are now sold twice. */
  readonly encryptor?: Encryptor | undefined;
}

/** What became of a snapshot. */
export interface SnapshotResult {
  /** Days that have to be published anew. */
  readonly changedDays: number;
  /** Occupancies that are new, moved or otherwise changed. */
  readonly occupied: number;
  readonly released: number;
  /** Occupancies that were known as they are. */
  readonly unchanged: number;
  /** Occupancies left as they were, because something newer is known of them. */
  readonly stale: number;
  /** Occupancies that take no time: what is known of their refs was left as it was. */
  readonly ignored: number;
  /** Dates whose windows were left as they were, because something newer is known of them. */
  readonly staleDates: number;
  /** Windows and appointments that could not be read. What is known of them stays, and nothing was removed. */
  readonly rejected: readonly RejectedEntry[];
  /** Keys that a snapshot does not have: they were dropped. */
  readonly warnings: readonly Problem[];
  /** What waits for a person, if anything does. */
  readonly held: HeldSummary | null;
}

export type SnapshotOutcome =
  | {
      readonly kind: 'taken';
      readonly result: SnapshotResult;
      readonly jobsToEnqueue: readonly PendingCalendar[];
      readonly added: readonly AddedNotification[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly [Problem, ...Problem[]] }
  | { readonly kind: 'unknown-calendar' /** Whether it is being deleted. */; readonly isClosing?: true };

/** @param input as it came, unchecked */
export async function applySnapshot(
  db: Db,
  calendar: string,
  input: unknown,
  options: SnapshotOptions,
): Promise<SnapshotOutcome> {
  const reading = parseSnapshot(input);
  if (!reading.success) return { kind: 'invalid', problems: reading.problems };
  try {
    return await retryDeadlock(() =>
      db.transaction().execute((tx) => takeIn(tx, calendar, reading.snapshot, options)),
    );
  } catch (error) {
    if (!(error instanceof InvalidScheduleError)) throw error;
    return { kind: 'invalid', problems: [{ path: error.path, reason: error.reason }] };
  }
}

/** The whole of it, in one transaction. */
async function takeIn(
  tx: Db,
  id: string,
  input: ParsedSnapshot,
  options: SnapshotOptions,
): Promise<SnapshotOutcome> {
  const { now } = options;
  const calendar = (await lockCalendars(tx, [id])).get(id);
  if (calendar === undefined || calendar.formerOf !== undefined) return { kind: 'unknown-calendar' };
  if (calendar.isClosing) return { kind: 'unknown-calendar', isClosing: true };
  await recordLastEvent(tx, [calendar], new Date(now));
  const snapshot = resolveSnapshot(input, calendar, options.arrivedAt ?? now, now);
  const at = new Date(snapshot.takenAt);
  const known = await loadKnown(tx, calendar, snapshot);
  const plan = planSnapshot(snapshot, known);
  const replaced = snapshot.complete ? await replaceHeld(tx, id, snapshot.from, snapshot.to, at) : 0;
  const deletions =
    options.deletionGuard === undefined
      ? []
      : await checkDeletions(tx, calendar, plan, options.deletionGuard, options);
  const isHeld = deletions.length > 0;

  const released = isHeld ? [] : plan.missing;
  const dates = plan.dates.flatMap(({ date, before, requested, added, isFirstReport }) => {
    const after = isHeld ? added : requested;
    return isFirstReport || !hasSameWindows(before, after) ? [{ date, after }] : [];
  });
  const saved = await saveChanges(
    tx,
    calendar,
    [
      ...windowsEvent(id, dates),
      ...plan.occupied,
      ...released.map(
        ({ ref }): ResolvedEvent => ({ type: 'released', calendar: id, ref, version: undefined }),
      ),
    ],
    {
      occupancies: known.occupancies,
      windows: plan.dates.map(({ date, before }) => ({ calendar: id, date, windows: before })),
    },
    at,
    now,
  );
  // A complete one leaves its moment with its dates, and so with all that lies in them.
  if (!snapshot.complete) await confirmOccupancies(tx, id, plan.confirmed, at);
  await recordWindows(
    tx,
    plan.reportedDates.map((date) => ({ calendar: id, date })),
    at,
  );
  if (snapshot.complete) await recordSnapshot(tx, id, snapshot.from, snapshot.to, at);
  const held = isHeld
    ? await holdChange(tx, calendar, snapshot, plan, deletions, { ...options, isAgain: replaced > 0 })
    : null;
  const added = await notifyConflicts(
    tx,
    options.encryptor,
    plan.occupied.map(({ ref }) => ({ calendar: id, ref })),
    now,
  );
  return {
    kind: 'taken',
    jobsToEnqueue: saved.jobsToEnqueue,
    added,
    result: {
      changedDays: saved.changedDays,
      occupied: plan.occupied.length,
      released: released.length,
      unchanged: plan.confirmed.length,
      stale: plan.stale.occupancies,
      staleDates: plan.stale.dates,
      ignored: snapshot.ignored.length,
      rejected: snapshot.rejected,
      warnings: input.warnings,
      held,
    },
  };
}
