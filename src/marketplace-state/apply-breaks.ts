/**
 * Merges updates of marketplace calendar breaks into the database. A doctor's break is busy time; a break of this engine only
 * repeats an occupancy. A break keeps its id when it moves, so the later update wins. A removed break never returns. A break that a
 * list leaves out is only marked as unlisted. Contract: Notifications, Breaks.
 */

import { SECOND } from '../core/duration.js';
import type { Db } from '../db/schema.js';
import { findBreaks, type StoredBreak, saveBreaks } from '../db/tables/breaks.js';
import type { DirtyDay } from '../db/tables/days.js';
import { isBreakInDoubt } from '../db/tables/in-doubt.js';
import type { LockedCalendar } from '../db/tables/locked-calendars.js';
import { type BusySpan, DirtyDays } from './dirty-days.js';

export interface BreakUpdate {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly till: number;
  /**
   * `answered`: the marketplace confirmed a request of this engine. `listed`: a list of its time contains the break.
   * `unlisted`: a list of its time does not contain it.
   */
  readonly kind: 'created' | 'moved' | 'answered' | 'removed' | 'listed' | 'unlisted';
  /** Whether this engine made the break; null where it may have, and absent where the source does not tell. */
  readonly own?: boolean | null | undefined;
  /** See {@link import('./ownership-tags.js').tagOf}. */
  readonly tag?: string | null | undefined;
  /** When the update was true, or when the list was requested, in epoch milliseconds. */
  readonly observedAt: number;
}

/** The order of updates within one second. */
const RANKS = { created: 100, moved: 200, answered: 300, removed: 400, listed: 900, unlisted: 900 } as const;

/**
 * The position of an update in the order of updates, as epoch milliseconds. The marketplace reports whole seconds. Within one
 * second a break is created before it moves, and a notification about a request of this engine counts as older than the
 * answer to that request. A list covers everything up to the second before it was requested.
 */
export function orderOf({ kind, observedAt }: Pick<BreakUpdate, 'kind' | 'observedAt'>): number {
  const second = Math.floor(observedAt / SECOND) * SECOND;
  const isList = kind === 'listed' || kind === 'unlisted';
  return (isList ? second - SECOND : second) + RANKS[kind];
}

export interface BreakChange {
  readonly before: StoredBreak | undefined;
  readonly after: StoredBreak;
}

export interface AppliedBreaks {
  /** Only the breaks that differ from what is stored. */
  readonly changes: readonly BreakChange[];
  readonly days: readonly DirtyDay[];
  /** Whether there are updates, and each of them is of a break that this engine made or may have made. */
  readonly isOwn: boolean;
}

/**
 * Saves the updates. The caller marks the days dirty.
 * @param tx a transaction in which the calendar is locked
 * @param now epoch milliseconds
 */
export async function applyBreaks(
  tx: Db,
  calendar: LockedCalendar,
  updates: readonly BreakUpdate[],
  now: number,
): Promise<AppliedBreaks> {
  const known = await findBreaks(tx, calendar.id, [...new Set(updates.map(({ id }) => id))]);
  const classified: BreakUpdate[] = [];
  for (const update of updates) {
    const span = { start: update.since, end: update.till };
    // A doctor may have closed exactly the time that this engine asked to close: an update does not tell who made the break.
    const mayBeOwn =
      !known.has(update.id) && update.own === undefined && (await isBreakInDoubt(tx, calendar.id, span));
    classified.push(mayBeOwn ? { ...update, own: null } : update);
  }
  const applied = mergeBreaks(calendar, known, classified, now);
  await saveBreaks(
    tx,
    applied.changes.map(({ after }) => after),
    new Date(now),
  );
  return applied;
}

/** Pure. */
export function mergeBreaks(
  calendar: LockedCalendar,
  known: ReadonlyMap<string, StoredBreak>,
  updates: readonly BreakUpdate[],
  now: number,
): AppliedBreaks {
  const current = new Map(known);
  for (const update of updates) {
    const before = current.get(update.id);
    const own = mergeOwn(before?.own, update.own);
    const coupled = mergeCoupled(before?.coupled, calendar.id, update.tag);
    if (before !== undefined && !isLater(update, before)) {
      current.set(update.id, { ...before, own, coupled });
      continue;
    }
    if (update.kind === 'unlisted') {
      // The list covered the break's former time. An update with its present time may still be in transit, so the time of the
      // last observation stays.
      if (before !== undefined && hasTimesOf(update, before)) {
        current.set(update.id, { ...before, own, coupled, unlisted: true });
      }
      continue;
    }
    current.set(update.id, {
      calendar: calendar.id,
      id: update.id,
      since: new Date(update.since),
      till: new Date(update.till),
      own,
      coupled,
      removed: update.kind === 'removed',
      unlisted: false,
      observedAt: new Date(Math.max(orderOf(update), before?.observedAt.getTime() ?? 0)),
    });
  }
  const changedByOthers = new Set(updates.flatMap(({ id, own }) => (own === true ? [] : [id])));
  const days = new DirtyDays(now);
  const changes: BreakChange[] = [];
  for (const [id, after] of current) {
    const before = known.get(id);
    if (before !== undefined && isSame(before, after)) continue;
    changes.push({ before, after });
    days.addMove(calendar, before && busySpanOf(before), busySpanOf(after), true);
    // The time of an own break that somebody else removed or moved is on sale.
    if (
      before?.own === true &&
      isPresent(before) &&
      changedByOthers.has(id) &&
      !hasSameTimes(before, after)
    ) {
      days.addMove(calendar, undefined, spanOf(before));
    }
  }
  const isOwn = updates.length > 0 && updates.every(({ id }) => current.get(id)?.own !== false);
  return { changes, days: days.list(), isOwn };
}

const spanOf = ({ since, till, coupled }: StoredBreak): BusySpan => ({
  start: since.getTime(),
  end: till.getTime(),
  hasBuffers: coupled === true,
});

/** The owner of a break never changes, so that a late update also counts: an own answer or an own tag is final. */
function mergeOwn(known: boolean | null | undefined, update: boolean | null | undefined): boolean | null {
  if (known === true || update === true) return true;
  if (update === false || known === false) return false;
  return known === undefined && update === undefined ? false : null;
}

/** The tag in a description never changes either. An update without a description leaves the known value. */
function mergeCoupled(
  known: boolean | null | undefined,
  calendar: string,
  tag: string | null | undefined,
): boolean | null {
  if (known === true || tag === undefined) return known ?? null;
  return tag !== null && tag !== calendar;
}

/** Whether an update changes what is known. Of two at the same position the one that arrives last counts; a repetition does not. */
function isLater(update: BreakUpdate, known: StoredBreak): boolean {
  if (known.removed) return false;
  if (update.kind === 'removed') return true;
  const [order, knownOrder] = [orderOf(update), known.observedAt.getTime()];
  return order > knownOrder || (order === knownOrder && !hasTimesOf(update, known));
}

const hasTimesOf = ({ since, till }: BreakUpdate, known: StoredBreak): boolean =>
  since === known.since.getTime() && till === known.till.getTime();

const isPresent = ({ removed, unlisted }: StoredBreak): boolean => !removed && !unlisted;

/** A break that may be own coincides with an appointment, so that it occupies no time of its own until it is read. */
const busySpanOf = (one: StoredBreak): BusySpan | undefined =>
  one.own !== false || !isPresent(one) ? undefined : spanOf(one);

const hasSameTimes = (a: StoredBreak, b: StoredBreak): boolean =>
  isPresent(a) === isPresent(b) &&
  a.since.getTime() === b.since.getTime() &&
  a.till.getTime() === b.till.getTime();

const isSame = (a: StoredBreak, b: StoredBreak): boolean =>
  hasSameTimes(a, b) &&
  a.own === b.own &&
  a.coupled === b.coupled &&
  a.removed === b.removed &&
  a.unlisted === b.unlisted &&
  a.observedAt.getTime() === b.observedAt.getTime();
