/**
 * What is said about the marketplace's calendar breaks, taken into the record. A doctor's breaks are taken time; ours
 * only repeat an occupancy. A break keeps its id when it moves, so what was said later counts; one that was removed
 * never comes back, and one that is not in a list is no more than not there. Contract: Notifications, Breaks.
 */

import { SECOND } from '../core/duration.js';
import type { Db } from '../db/schema.js';
import { findBreaks, isBreakInDoubt, type StoredBreak, saveBreaks } from '../db/tables/breaks.js';
import type { DirtyDay } from '../db/tables/days.js';
import type { LockedCalendar } from '../db/tables/events.js';
import { type BusySpan, DirtyDays } from './dirty-days.js';

export interface BreakUpdate {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly till: number;
  /** `unlisted`: a list of its time is without it. `answered`: the marketplace did what we asked for. */
  readonly word: 'created' | 'moved' | 'answered' | 'removed' | 'listed' | 'unlisted';
  /** Whether it is ours; null where it may be, and absent where that is not said. */
  readonly own?: boolean | null | undefined;
  /** See {@link import('./ownership-tags.js').markOf}. */
  readonly mark?: string | null | undefined;
  /** When this was so, or when the list was asked for, in epoch milliseconds. */
  readonly at: number;
}

/** Where a word stands within its second. */
const RANKS = { created: 100, moved: 200, answered: 300, removed: 400, listed: 900, unlisted: 900 } as const;

/**
 * The order of words. The marketplace says whole seconds: within one a break is made before it moves, and what it says of
 * our own request comes after our request was answered. A list is of everything up to the second before it was asked for.
 */
export function updateAt({ word, at }: Pick<BreakUpdate, 'word' | 'at'>): number {
  const second = Math.floor(at / SECOND) * SECOND;
  const isList = word === 'listed' || word === 'unlisted';
  return (isList ? second - SECOND : second) + RANKS[word];
}

export interface BreakChange {
  readonly before: StoredBreak | undefined;
  readonly after: StoredBreak;
}

export interface AppliedBreaks {
  /** Only what is really news. */
  readonly changes: readonly BreakChange[];
  readonly days: readonly DirtyDay[];
  /** Whether something was said, and all of it of breaks that are ours, or may be. */
  readonly isOwn: boolean;
}

/**
 * Takes it in; the caller marks the days.
 * @param tx a transaction in which the calendar is locked
 * @param now epoch milliseconds
 */
export async function applyBreaks(
  tx: Db,
  calendar: LockedCalendar,
  said: readonly BreakUpdate[],
  now: number,
): Promise<AppliedBreaks> {
  const known = await findBreaks(tx, calendar.id, [...new Set(said.map(({ id }) => id))]);
  const recognised: BreakUpdate[] = [];
  for (const one of said) {
    const span = { since: new Date(one.since), till: new Date(one.till) };
    // A doctor may have closed the very time that we asked to close: what is said of a break does not tell whose it is.
    const mayBeOurs =
      !known.has(one.id) && one.own === undefined && (await isBreakInDoubt(tx, calendar.id, span));
    recognised.push(mayBeOurs ? { ...one, own: null } : one);
  }
  const taken = mergeBreaks(calendar, known, recognised, now);
  await saveBreaks(
    tx,
    taken.changes.map(({ after }) => after),
    new Date(now),
  );
  return taken;
}

/** Pure. */
export function mergeBreaks(
  calendar: LockedCalendar,
  known: ReadonlyMap<string, StoredBreak>,
  said: readonly BreakUpdate[],
  now: number,
): AppliedBreaks {
  const current = new Map(known);
  for (const one of said) {
    const before = current.get(one.id);
    const own = whose(before?.own, one.own);
    const coupled = isCoupled(before?.coupled, calendar.id, one.mark);
    if (before !== undefined && !isLater(one, before)) {
      current.set(one.id, { ...before, own, coupled });
      continue;
    }
    if (one.word === 'unlisted') {
      // It was looked for where it was then. Where it is now may have been said already and be on its way, so nothing is later
      // than what was said last.
      if (before !== undefined && isWhere(one, before)) {
        current.set(one.id, { ...before, own, coupled, unlisted: true });
      }
      continue;
    }
    current.set(one.id, {
      calendar: calendar.id,
      id: one.id,
      since: new Date(one.since),
      till: new Date(one.till),
      own,
      coupled,
      removed: one.word === 'removed',
      unlisted: false,
      observedAt: new Date(Math.max(updateAt(one), before?.observedAt.getTime() ?? 0)),
    });
  }
  const byOthers = new Set(said.flatMap(({ id, own }) => (own === true ? [] : [id])));
  const days = new DirtyDays(now);
  const changes: BreakChange[] = [];
  for (const [id, after] of current) {
    const before = known.get(id);
    if (before !== undefined && isSame(before, after)) continue;
    changes.push({ before, after });
    days.moved(calendar, before && takes(before), takes(after), true);
    // What somebody else has taken away of ours is on sale.
    if (before?.own === true && isThere(before) && byOthers.has(id) && !isAt(before, after)) {
      days.moved(calendar, undefined, spanOf(before));
    }
  }
  const isOwn = said.length > 0 && said.every(({ id }) => current.get(id)?.own !== false);
  return { changes, days: days.list(), isOwn };
}

const spanOf = ({ since, till, coupled }: StoredBreak): BusySpan => ({
  start: since.getTime(),
  end: till.getTime(),
  hasBuffers: coupled === true,
});

/** Whose it is never changes, so that counts also when it is said late: an answer of our own, or a mark, is for good. */
function whose(known: boolean | null | undefined, said: boolean | null | undefined): boolean | null {
  if (known === true || said === true) return true;
  if (said === false || known === false) return false;
  return known === undefined && said === undefined ? false : null;
}

/** What a description says does not change either; what is said without one says nothing of it. */
function isCoupled(
  known: boolean | null | undefined,
  calendar: string,
  mark: string | null | undefined,
): boolean | null {
  if (known === true || mark === undefined) return known ?? null;
  return mark !== null && mark !== calendar;
}

/** Whether a word changes what is known. Of two of the same moment the one that comes last counts; the same again is none. */
function isLater(one: BreakUpdate, known: StoredBreak): boolean {
  if (known.removed) return false;
  if (one.word === 'removed') return true;
  const [at, knownAt] = [updateAt(one), known.observedAt.getTime()];
  return at > knownAt || (at === knownAt && !isWhere(one, known));
}

const isWhere = ({ since, till }: BreakUpdate, known: StoredBreak): boolean =>
  since === known.since.getTime() && till === known.till.getTime();

const isThere = ({ removed, unlisted }: StoredBreak): boolean => !removed && !unlisted;

/** One that may be ours is where an appointment is: until somebody reads it, it takes no time of its own. */
const takes = (one: StoredBreak): BusySpan | undefined =>
  one.own !== false || !isThere(one) ? undefined : spanOf(one);

const isAt = (a: StoredBreak, b: StoredBreak): boolean =>
  isThere(a) === isThere(b) &&
  a.since.getTime() === b.since.getTime() &&
  a.till.getTime() === b.till.getTime();

const isSame = (a: StoredBreak, b: StoredBreak): boolean =>
  isAt(a, b) &&
  a.own === b.own &&
  a.coupled === b.coupled &&
  a.removed === b.removed &&
  a.unlisted === b.unlisted &&
  a.observedAt.getTime() === b.observedAt.getTime();
