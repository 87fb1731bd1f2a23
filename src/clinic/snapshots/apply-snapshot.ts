/**
 * Applies a snapshot of the PMS: one transaction replaces the stored state of its dates, releases the occupancies that the snapshot
 * lacks, and marks days dirty. Deletions that exceed the guard are held instead.
 */

import { InvalidScheduleError } from '../../core/index.js';
import type { Encryptor } from '../../crypto/encryptor.js';
import { retryDeadlock } from '../../db/retry.js';
import type { Db } from '../../db/schema.js';
import { deleteReplacedHeldChanges } from '../../db/tables/held-changes.js';
import { saveHistory } from '../../db/tables/history.js';
import { lockCalendars, recordLastEvent } from '../../db/tables/locked-calendars.js';
import type { AddedNotification } from '../../db/tables/notifications.js';
import type { PendingCalendar } from '../../db/tables/pending-calendars.js';
import { confirmOccupancies, recordSnapshot, recordWindowsReported } from '../../db/tables/snapshots.js';
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
  /** When the snapshot began to arrive, epoch milliseconds: it was taken then at the latest. Default `now`. */
  readonly arrivedAt?: number | undefined;
  /** Undefined: no deletion is held. */
  readonly deletionGuard: DeletionGuardOptions | undefined;
  /** The name of the API key, or the channel: `library` by default. */
  readonly actor?: string | undefined;
  /** The deletions of all snapshots of one run count together, also over all calendars of an account. */
  readonly run?: string | undefined;
  /** Called for each held change, in the transaction that saves it. */
  readonly onHeld?: OnHeld | undefined;
  /** Encrypts the notifications of conflicts; without it none are added. */
  readonly encryptor?: Encryptor | undefined;
}

/** The result of a snapshot. */
export interface SnapshotResult {
  /** Days that must be published again. */
  readonly changedDays: number;
  /** Occupancies that are new, moved or otherwise changed. */
  readonly occupied: number;
  readonly released: number;
  /** Occupancies that are stored as the snapshot lists them. */
  readonly unchanged: number;
  /** Occupancies that stay because newer state of them is stored. */
  readonly stale: number;
  /** Occupancies of zero length: the stored state of their refs stays. */
  readonly ignored: number;
  /** Dates whose windows stay because newer windows of them are stored. */
  readonly staleDates: number;
  /** Invalid windows and appointments. Their stored state stays, and nothing is removed. */
  readonly rejected: readonly RejectedEntry[];
  /** Unknown keys, which were dropped. */
  readonly warnings: readonly Problem[];
  /** The change that waits for a person's approval, or null. */
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
  | {
      readonly kind: 'unknown-calendar' /** Present where the calendar is being deleted. */;
      readonly isClosing?: true;
    };

/** @param input raw, not validated */
export async function applySnapshot(
  db: Db,
  calendar: string,
  input: unknown,
  options: SnapshotOptions,
): Promise<SnapshotOutcome> {
  const parsed = parseSnapshot(input);
  if (!parsed.success) return { kind: 'invalid', problems: parsed.problems };
  try {
    return await retryDeadlock(() =>
      db.transaction().execute((tx) => applyParsed(tx, calendar, parsed.snapshot, options)),
    );
  } catch (error) {
    if (!(error instanceof InvalidScheduleError)) throw error;
    return { kind: 'invalid', problems: [{ path: error.path, reason: error.reason }] };
  }
}

async function applyParsed(
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
  const replaced = snapshot.complete
    ? await deleteReplacedHeldChanges(tx, id, snapshot.from, snapshot.to, at)
    : 0;
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
  const { from, to, complete } = snapshot;
  const result = {
    occupied: plan.occupied.length,
    released: released.length,
    unchanged: plan.confirmed.length,
    stale: plan.stale.occupancies,
    staleDates: plan.stale.dates,
    ignored: snapshot.ignored.length,
  };
  const { actor = 'library', run } = options;
  const detail = { from, to, complete, ...result, rejected: snapshot.rejected.length, run };
  await saveHistory(tx, [{ kind: 'snapshot', at: new Date(now), calendar: id, actor, detail }]);
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
    'snapshot',
  );
  // A complete snapshot records its time with its dates, and so with all occupancies in them.
  if (!snapshot.complete) await confirmOccupancies(tx, id, plan.confirmed, at);
  await recordWindowsReported(
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
      ...result,
      rejected: snapshot.rejected,
      warnings: input.warnings,
      held,
    },
  };
}
