/**
 * Publishes a calendar: synchronizes its linked bookings, publishes its pending days by its strategy, verifies what was
 * published, and compares the whole calendar where a resync waits for it.
 */
import { findPermanentReason } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
import { LOWEST_PRIORITY } from '../core/index.js';
import { runPipelined } from '../db/pipeline.js';
import type { Db } from '../db/schema.js';
import { hasPlaceholders } from '../db/tables/bookings.js';
import { hasOwnBreaks } from '../db/tables/breaks.js';
import { findPendingGenerations, recordSuccess } from '../db/tables/calendar-retries.js';
import { ServerError } from '../docplanner/index.js';
import { isImmediate, type Requeue, requeueAfter, type WorkResult } from '../lib/work-result.js';
import {
  findSyncWork,
  hasWaited,
  type SyncWork,
  syncLinkedBookings,
} from '../linked-bookings/linked-booking-sync.js';
import { explainRefusal, readDueAddress } from '../publishing/address-services.js';
import { publishBlocking } from '../publishing/blocking/publish-blocking.js';
import { finishClosing, wantEverythingClosed } from '../publishing/close-calendar.js';
import { closeAllByFallback } from '../publishing/fallback-closing.js';
import { horizonOf } from '../publishing/horizon.js';
import { PlanOutdatedError } from '../publishing/plan-outdated-error.js';
import { publishSlots } from '../publishing/publish-slots.js';
import { verifyDue } from '../publishing/verify-and-record.js';
import { countingWrites, resyncStep } from '../resync/step.js';
import { CalendarRefusedError } from './calendar-refused-error.js';

/** A synchronization that got no answer is retried this often: each attempt may be a wasted request. */
const SYNC_RETRY_MS = 5 * MINUTE;

/** What decides how a calendar's days are published. */
interface PublishingWork {
  readonly sync: SyncWork;
  /** Whether there are own breaks or placeholders. */
  readonly hasBlocks: boolean;
}

export async function findPublishingWork(db: Db, calendar: string, now: Date): Promise<PublishingWork> {
  const [sync, ...hasBlocks] = await Promise.all([
    findSyncWork(db, calendar, now),
    hasOwnBreaks(db, calendar, now),
    hasPlaceholders(db, calendar, now),
  ]);
  return { sync, hasBlocks: hasBlocks.includes(true) };
}

/** @param first read together with the lease */
export async function publish(context: CalendarContext, first: PublishingWork): Promise<WorkResult> {
  const { db, calendar } = context;
  const { closing } = calendar;
  if (closing !== undefined) await wantEverythingClosed(context);
  let comparisonLater: WorkResult | undefined;
  let work: PublishingWork | undefined = first;
  for (;;) {
    const published = await countingWrites(context, () => publishPending(context, work));
    work = undefined;
    if (isImmediate(published)) return published;
    const verified = await verifyDue(context);
    if (isImmediate(verified)) continue;
    if (verified.kind === 'requeue') {
      // Publishing succeeded, whatever the reads return.
      if (published.kind === 'done') await recordSuccess(db, calendar.id);
      return earlier(published, verified);
    }
    if (published.kind !== 'done') return published;
    if (comparisonLater !== undefined) {
      // Publishing succeeded, whatever the comparison waits for.
      await recordSuccess(db, calendar.id);
      return comparisonLater;
    }
    const compared = await resyncStep(context);
    if (compared.kind === 'done') {
      if (closing !== undefined) return await finishClosing(context, closing.since);
      if (await readDueAddress(context)) continue;
      return published;
    }
    // What the comparison read is published first. The comparison itself has the lowest priority; a change enqueues the
    // calendar again.
    if (!isImmediate(compared)) comparisonLater = { ...compared, priority: LOWEST_PRIORITY };
  }
}

const earlier = (one: WorkResult, other: Requeue): WorkResult =>
  one.kind === 'requeue' && one.afterMs < other.afterMs ? one : other;

/** Where the calendar as a whole is refused, or gets no answer for long, a fallback closes what must not be on sale. */
async function publishPending(context: CalendarContext, first?: PublishingWork): Promise<WorkResult> {
  const { db, calendar, now } = context;
  for (let work = first; ; work = undefined) {
    try {
      work ??= await runPipelined(db, (session) => findPublishingWork(session, calendar.id, new Date(now())));
      return await publishDays(context, work);
    } catch (error) {
      // Nothing was sent: the plan is made again from the current database.
      if (!(error instanceof PlanOutdatedError)) return await closeAndThrow(context, error);
    }
  }
}

/** @throws {CalendarRefusedError} where the calendar is refused; otherwise the error */
async function closeAndThrow(context: CalendarContext, error: unknown): Promise<never> {
  const reason = findPermanentReason(error);
  const isRefused = reason !== undefined;
  if (!isRefused && !(error instanceof ServerError && (await hasWaited(context)))) throw error;
  const { from, to } = horizonOf(context.account.timeZone, context.now());
  const tried = await findPendingGenerations(context.db, context.calendar.id);
  const leavesOnSale = await closeAllByFallback(context, from, to);
  if (!isRefused) throw error;
  throw new CalendarRefusedError({ reason: await explainRefusal(context, reason), leavesOnSale, tried });
}

async function publishDays(
  context: CalendarContext,
  { sync, hasBlocks }: PublishingWork,
): Promise<WorkResult> {
  const waitsUntil = await syncLinkedBookings(context, sync);
  // With the strategy `slots`, blocking only removes what another strategy left.
  const published =
    context.calendar.strategy !== 'slots' || hasBlocks
      ? await publishBlocking(context)
      : await publishSlots(context);
  // Days that are left to publish come first.
  if (published.kind !== 'done') return published;
  if (context.unanswered.error !== undefined) return await syncLater(context);
  return waitsUntil === undefined ? published : requeueAfter(waitsUntil - context.now());
}

/**
 * The first attempts are retried soon, as the calendar's failures. Later ones are retried now and then, without failing the
 * calendar: a calendar that waits for its retry would delay everything that closes meanwhile.
 */
async function syncLater(context: CalendarContext): Promise<WorkResult> {
  const { calendar, log, unanswered } = context;
  if (!(await hasWaited(context))) throw unanswered.error;
  const reason = unanswered.error instanceof Error ? unanswered.error.message : 'there was no answer';
  log.warn({ calendar: calendar.id, reason }, 'linked bookings cannot be synchronized; they are retried');
  return requeueAfter(SYNC_RETRY_MS, LOWEST_PRIORITY);
}
