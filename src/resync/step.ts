/**
 * A calendar's part in a full resync, taken when nothing of it is pending: it is compared, what differs is published by its
 * strategy, and then it is through. What was cut off goes on with the calendar's next run.
 */

import type { CalendarContext } from '../context/context.js';
import { COMPARISON_PRIORITY } from '../core/index.js';
import { markDrift } from '../db/tables/days.js';
import { retryDays } from '../db/tables/failures.js';
import {
  addResyncReads,
  addResyncWrites,
  finishCalendar,
  markUnverified,
  type OpenResync,
  openResyncs,
  recordComparisonWait,
  recordRetried,
  saveCompared,
} from '../db/tables/resync-calendars.js';
import { finishResyncs } from '../db/tables/resyncs.js';
import { readAddress } from '../publishing/address-services.js';
import { horizonOf } from '../publishing/horizon.js';
import { type Comparison, compareCalendar } from './compare.js';
import { type ComparisonOutcome, notCompared } from './not-compared.js';

export type ResyncStep =
  /** Nothing of it is left here. */
  | { readonly kind: 'through' }
  /** There may be days to publish now. */
  | { readonly kind: 'publish' }
  /** It goes on then; what is to be published has nothing to do with it. */
  | { readonly kind: 'later'; readonly afterMs: number; readonly reason: string };

export async function resyncStep(run: CalendarContext): Promise<ResyncStep> {
  const { db, calendar, now } = run;
  const open = await openResyncs(db, calendar.id);
  if (open.length === 0) return { kind: 'through' };
  for (const { resync, state } of open) {
    if (state === 'compared') await finishCalendar(db, resync, calendar.id);
  }
  const waiting = open.filter(({ state }) => state === 'waiting');
  const step = waiting.length === 0 ? THROUGH : await compareFor(run, waiting);
  await finishResyncs(db, new Date(now()));
  return step;
}

const THROUGH: ResyncStep = { kind: 'through' };

async function compareFor(run: CalendarContext, waiting: readonly OpenResync[]): Promise<ResyncStep> {
  const { db, calendar, now } = run;
  const afterMs = Math.min(...waiting.map(({ retryAt }) => (retryAt?.getTime() ?? 0) - now()));
  if (afterMs > 0) return { kind: 'later', afterMs, reason: 'its comparison waits until then' };
  if (await beginsAnew(run, waiting)) return { kind: 'publish' };
  const isDry = waiting.every(({ dryRun }) => dryRun);
  const comparison = await tryToCompare(run, isDry, waiting);
  if (comparison.kind === 'later') return comparison;
  // What was read before it failed is in the record.
  if (comparison.kind === 'failed') return { kind: 'publish' };
  const { compared, changes, distrusted, readAgainAt } = comparison;
  if (readAgainAt !== undefined) {
    const resyncs = waiting.map(({ resync }) => resync);
    await addResyncReads(db, resyncs, calendar.id, compared.reads);
    await recordComparisonWait(db, resyncs, calendar.id, new Date(readAgainAt));
    return {
      kind: 'later',
      afterMs: Math.max(0, readAgainAt - now()),
      reason: 'what was just written is read again',
    };
  }
  const finds = !isDry && compared.days.length > 0;
  // What is marked is reported: one that is cut off here finds it again, and one that is cut off later does not.
  await db.transaction().execute(async (tx) => {
    if (!isDry) {
      await markDrift(tx, calendar.id, changes, new Date(now()));
      await markUnverified(tx, calendar.id, distrusted);
    }
    for (const { resync, dryRun } of waiting) {
      await saveCompared(tx, resync, calendar.id, compared, dryRun || !finds);
    }
  });
  return finds ? { kind: 'publish' } : THROUGH;
}

/**
 * Once for each resync it is read what the address has, and days that had failed are tried again; what there is to publish
 * by that is published first, and compared like everything else.
 */
async function beginsAnew(run: CalendarContext, waiting: readonly OpenResync[]): Promise<boolean> {
  const { db, calendar, account, now } = run;
  const resyncs = waiting.filter(({ dryRun, retried }) => !dryRun && !retried).map(({ resync }) => resync);
  if (resyncs.length === 0) return false;
  const before = run.requests.reads;
  const changes = !run.address.wasRead && (await readAddress(run, COMPARISON_PRIORITY));
  if (run.requests.reads > before)
    await addResyncReads(db, resyncs, calendar.id, run.requests.reads - before);
  const { from, to } = horizonOf(account.timeZone, now());
  return await db.transaction().execute(async (tx) => {
    await recordRetried(tx, resyncs, calendar.id);
    return (await retryDays(tx, calendar.id, from, to)) > 0 || changes;
  });
}

async function tryToCompare(
  run: CalendarContext,
  isDry: boolean,
  waiting: readonly OpenResync[],
): Promise<ComparisonOutcome | ({ readonly kind: 'compared' } & Comparison)> {
  const before = run.requests.reads;
  try {
    return { kind: 'compared', ...(await compareCalendar(run, isDry)) };
  } catch (error) {
    const resyncs = waiting.map(({ resync }) => resync);
    const reads = run.requests.reads - before;
    if (reads > 0) await addResyncReads(run.db, resyncs, run.calendar.id, reads);
    return await notCompared(run, waiting, error);
  }
}

/** Counts what publishing wrote towards the resync that found it. */
export async function countingWrites<T>(run: CalendarContext, publish: () => Promise<T>): Promise<T> {
  const before = run.requests.writes;
  try {
    return await publish();
  } finally {
    const writes = run.requests.writes - before;
    if (writes > 0) await addResyncWrites(run.db, run.calendar.id, writes);
  }
}
