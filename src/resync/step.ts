/**
 * One calendar's part in a full resync, which runs when the calendar has no pending days: the calendar is compared, the days
 * that differ are published by its strategy, and then its part is finished. An interrupted part continues with the calendar's
 * next reconcile.
 */

import { classifyError, findPermanentReason } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
import { COMPARISON_PRIORITY, localDate } from '../core/index.js';
import { addMeasurements, type Measurement } from '../db/tables/accuracy.js';
import { clearVerified, markDriftingDays, recordReadings } from '../db/tables/days.js';
import { retryFailedDaysBetween } from '../db/tables/failures.js';
import { type NewHistoryEntry, saveHistory } from '../db/tables/history.js';
import {
  addResyncReads,
  addResyncWrites,
  type ComparisonResult,
  countWaitingCalendars,
  listOpenResyncs,
  type OpenResync,
  recordCalendarDone,
  recordComparisonDelay,
  recordComparisonFailed,
  recordComparisonRefused,
  recordDaysRetried,
  saveComparison,
} from '../db/tables/resync-calendars.js';
import { finishResyncs } from '../db/tables/resyncs.js';
import { type Backoff, backoffMs } from '../lib/backoff.js';
import { DONE, requeueAfter, requeueNow, type WorkResult } from '../lib/work-result.js';
import { readAddress } from '../publishing/address-services.js';
import { horizonOf } from '../publishing/horizon.js';
import { comparisonSpacingMs } from '../rate-limit/policy.js';
import { type Comparison, compareCalendar } from './compare.js';

/** An outage of the marketplace at night must not cost the night's resync. */
const COMPARISON_RETRY: Backoff = { firstMs: 5_000, capMs: 5 * MINUTE };

/**
 * @returns an immediate requeue where there may be days to publish now, a later one where the comparison has to wait; what is
 * to be published does not depend on it
 */
export async function resyncStep(context: CalendarContext): Promise<WorkResult> {
  const { db, calendar, now } = context;
  const open = await listOpenResyncs(db, calendar.id);
  if (open.length === 0) return DONE;
  for (const { resync, state } of open) {
    if (state === 'compared') await recordCalendarDone(db, resync, calendar.id);
  }
  const waiting = open.filter(({ state }) => state === 'waiting');
  const result = waiting.length === 0 ? DONE : await compareFor(context, waiting);
  await finishResyncs(db, new Date(now()));
  return result;
}

async function compareFor(context: CalendarContext, waiting: readonly OpenResync[]): Promise<WorkResult> {
  const { db, calendar, account, now } = context;
  const afterMs = Math.min(...waiting.map(({ retryAt }) => (retryAt?.getTime() ?? 0) - now()));
  if (afterMs > 0) return requeueAfter(afterMs);
  try {
    if (await prepareResyncs(context, waiting)) return requeueNow();
  } catch (error) {
    const classified = classifyError(error, now());
    if (classified.kind !== 'wait') throw error;
    return await delayComparison(context, waiting, classified.afterMs);
  }
  const isDry = waiting.every(({ dryRun }) => dryRun);
  const readsBefore = context.requests.reads;
  let comparison: Comparison;
  try {
    comparison = await compareCalendar(context, isDry);
  } catch (error) {
    const reads = context.requests.reads - readsBefore;
    if (reads > 0) await addResyncReads(db, idsOf(waiting), calendar.id, reads);
    return await handleComparisonError(context, waiting, error);
  }
  const { compared, changes, distrusted, readings, readAgainAt } = comparison;
  if (readAgainAt !== undefined) {
    // Days that were just written are read again.
    await addResyncReads(db, idsOf(waiting), calendar.id, compared.reads);
    await recordComparisonDelay(db, idsOf(waiting), calendar.id, new Date(readAgainAt));
    return requeueAfter(readAgainAt - now());
  }
  const hasDrift = !isDry && compared.days.length > 0;
  // Days are marked and reported in one transaction: a comparison that is interrupted before it finds them again, one that is
  // interrupted after it does not.
  await db.transaction().execute(async (tx) => {
    if (!isDry) {
      await markDriftingDays(tx, calendar.id, changes, new Date(now()), 'resync');
      await clearVerified(tx, calendar.id, distrusted);
      await recordReadings(tx, calendar.id, readings);
    }
    await saveHistory(tx, comparisonHistory(context, compared, isDry));
    for (const { resync, dryRun } of waiting) {
      await saveComparison(tx, resync, calendar.id, compared, dryRun || !hasDrift);
    }
    // The last statement, because all calendars of the account lock these rows.
    if (!isDry) {
      await addMeasurements(tx, account.id, localDate(now(), account.timeZone), measurementsOf(compared));
    }
  });
  return hasDrift ? requeueNow() : DONE;
}

function measurementsOf({ daysCompared, days }: ComparisonResult): Measurement[] {
  const measurements: Measurement[] = [
    { measure: 'compared-days', value: daysCompared },
    { measure: 'matched-days', value: daysCompared - days.length },
  ];
  return measurements.filter(({ value }) => value > 0);
}

/** One entry for each day that differs, and one for those that match. */
function comparisonHistory(
  { calendar, now }: CalendarContext,
  { daysCompared, days }: ComparisonResult,
  isDry: boolean,
): NewHistoryEntry[] {
  const entry = { at: new Date(now()), account: calendar.account, calendar: calendar.id, actor: 'resync' };
  const matched = daysCompared - days.length;
  return [
    { ...entry, kind: 'verified', detail: { compared: daysCompared, matched, dryRun: isDry } },
    ...days.map(({ date, missing, extra, stale, foreign }) => ({
      ...entry,
      kind: 'differed' as const,
      date,
      detail: { missing: missing.length, extra: extra.length, stale, foreign, dryRun: isDry },
    })),
  ];
}

/**
 * Reads the address's services and retries failed days, once for each resync. Days that are pending after it are published
 * first, and then compared like all others.
 * @returns whether there may be days to publish
 */
async function prepareResyncs(context: CalendarContext, waiting: readonly OpenResync[]): Promise<boolean> {
  const { db, calendar, account, now } = context;
  const resyncs = idsOf(waiting.filter(({ dryRun, retried }) => !dryRun && !retried));
  if (resyncs.length === 0) return false;
  const before = context.requests.reads;
  const changes = !context.address.wasRead && (await readAddress(context, COMPARISON_PRIORITY));
  const reads = context.requests.reads - before;
  if (reads > 0) await addResyncReads(db, resyncs, calendar.id, reads);
  const { from, to } = horizonOf(account.timeZone, now());
  return await db.transaction().execute(async (tx) => {
    await recordDaysRetried(tx, resyncs, calendar.id);
    return (await retryFailedDaysBetween(tx, calendar.id, from, to)) > 0 || changes;
  });
}

/**
 * A comparison that the marketplace refuses is the resync's failure, one that gets no answer is retried until the resync
 * expires (db/tables/resyncs.ts). Neither is a failure of the calendar's publishing. Contract: Errors.
 * @param waiting the resyncs that the comparison was for
 * @throws an error that concerns the account, or does not come from the marketplace
 */
async function handleComparisonError(
  context: CalendarContext,
  waiting: readonly OpenResync[],
  error: unknown,
): Promise<WorkResult> {
  const { db, calendar, account, log, now, random } = context;
  const refusal = findPermanentReason(error);
  if (refusal !== undefined) {
    log.error(
      { calendar: calendar.id, account: account.id, reason: refusal },
      'a calendar could not be compared',
    );
    await recordComparisonRefused(db, idsOf(waiting), calendar.id, refusal);
    // What was read before the refusal is in the database.
    return requeueNow();
  }
  const classified = classifyError(error, now());
  if (classified.kind === 'wait') return await delayComparison(context, waiting, classified.afterMs);
  // Without a token no request of the account succeeds, its publishing included.
  if (classified.kind !== 'retry' || classified.scope === 'account') throw error;
  const { reason, afterMs: minMs = 0 } = classified;
  // Each resync counts its own failures: one that has just begun waits no longer than after its first.
  const waits = await Promise.all(
    waiting.map(async ({ resync, tries }) => {
      const afterMs = Math.max(backoffMs(COMPARISON_RETRY, tries + 1, random()), minMs);
      await recordComparisonFailed(db, resync, calendar.id, reason, new Date(now() + afterMs));
      return afterMs;
    }),
  );
  const afterMs = Math.min(...waits);
  log.warn(
    { calendar: calendar.id, account: account.id, reason, afterMs },
    'comparing a calendar failed and is retried',
  );
  return requeueAfter(afterMs);
}

const idsOf = (resyncs: readonly OpenResync[]): string[] => resyncs.map(({ resync }) => resync);

/**
 * Delays a comparison whose reads are not granted. All calendars that wait learn the same instant, so each adds a random part of
 * the time that the reads of all of them take.
 */
async function delayComparison(
  { db, calendar, account, now, random }: CalendarContext,
  waiting: readonly OpenResync[],
  untilGrantedMs: number,
): Promise<WorkResult> {
  const spreadMs = comparisonSpacingMs(account.limits) * (await countWaitingCalendars(db, account.id));
  const afterMs = Math.ceil(untilGrantedMs + random() * spreadMs);
  await recordComparisonDelay(db, idsOf(waiting), calendar.id, new Date(now() + afterMs));
  return requeueAfter(afterMs);
}

/** Counts the writes of publishing towards the resyncs that found the differences. */
export async function countingWrites<T>(context: CalendarContext, publish: () => Promise<T>): Promise<T> {
  const before = context.requests.writes;
  try {
    return await publish();
  } finally {
    const writes = context.requests.writes - before;
    if (writes > 0) await addResyncWrites(context.db, context.calendar.id, writes);
  }
}
