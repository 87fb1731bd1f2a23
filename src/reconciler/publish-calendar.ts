/**
 * Publishes a calendar: its bookings follow their appointments, then its days are told by its strategy, and where a
 * resync waits for it, everything is compared.
 */

import { classifyCalendarRefusal } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import type { ReconcileResult } from '../context/reconcile-result.js';
import { LOWEST_PRIORITY } from '../core/index.js';
import { runPipelined } from '../db/pipeline.js';
import { hasPlaceholders } from '../db/tables/bookings.js';
import { hasOwnBreaks } from '../db/tables/breaks.js';
import { findPendingGenerations, recordSuccess } from '../db/tables/calendar-retries.js';
import { ServerError } from '../docplanner/index.js';
import { hasWaited, syncLinkedBookings } from '../linked-bookings/linked-booking-sync.js';
import { explainRefusal, readDueAddress } from '../publishing/address-services.js';
import { publishBlocking } from '../publishing/blocking/publish-blocking.js';
import { finishClosing, wantEverythingClosed } from '../publishing/close-calendar.js';
import { closeAllOtherwise } from '../publishing/fallback-closing.js';
import { horizonOf } from '../publishing/horizon.js';
import { PlanOutdatedError } from '../publishing/plan-outdated-error.js';
import { publishSlots } from '../publishing/publish-slots.js';
import { verifyDue } from '../publishing/verify-and-record.js';
import { countingWrites, resyncStep } from '../resync/step.js';
import { CalendarRefusedError } from './calendar-refused-error.js';

/** Each time is a request that may be in vain; whatever else the calendar is woken for brings another. */
const SYNC_AGAIN_MS = 5 * 60_000;

export async function publish(run: CalendarContext): Promise<ReconcileResult> {
  const { closing } = run.calendar;
  if (closing !== undefined) await wantEverythingClosed(run);
  let later: ReconcileResult | undefined;
  for (;;) {
    const reconciled = await countingWrites(run, () => publishPending(run));
    if (reconciled.kind === 'again') return reconciled;
    const verified = await verifyDue(run);
    if (verified.kind === 'repair') continue;
    if (verified.kind === 'later') {
      // Publishing went well, whatever the readings say.
      if (reconciled.kind === 'done') await recordSuccess(run.db, run.calendar.id);
      return sooner(reconciled, { ...verified, reason: 'what was published is read again' });
    }
    if (reconciled.kind !== 'done') return reconciled;
    if (later !== undefined) {
      // Publishing went well, whatever the comparison waits for.
      await recordSuccess(run.db, run.calendar.id);
      return later;
    }
    const step = await resyncStep(run);
    if (step.kind === 'through') {
      if (closing !== undefined) return await finishClosing(run, closing.since);
      if (await readDueAddress(run)) continue;
      return reconciled;
    }
    // It comes last, whatever its calendar was woken for: a change wakes that again. What it read is published first.
    if (step.kind === 'later') later = { ...step, priority: LOWEST_PRIORITY };
  }
}

function sooner(one: ReconcileResult, other: Extract<ReconcileResult, { kind: 'later' }>): ReconcileResult {
  return one.kind === 'later' && one.afterMs < other.afterMs ? one : other;
}

/** Where the calendar as a whole is refused, or is not answered for long, what must not be on sale is closed by another way. */
async function publishPending(run: CalendarContext): Promise<ReconcileResult> {
  for (;;) {
    try {
      return await publishDays(run);
    } catch (error) {
      // It was not sent: it is planned again from what is known by now.
      if (!(error instanceof PlanOutdatedError)) return await closeAndThrow(run, error);
    }
  }
}

/** @throws the error, or that the calendar is refused */
async function closeAndThrow(run: CalendarContext, error: unknown): Promise<never> {
  const reason = classifyCalendarRefusal(error, run.now());
  const isRefused = reason !== undefined;
  if (!isRefused && !(error instanceof ServerError && (await hasWaited(run)))) throw error;
  const { from, to } = horizonOf(run.account.timeZone, run.now());
  const tried = await findPendingGenerations(run.db, run.calendar.id);
  const leavesOnSale = await closeAllOtherwise(run, from, to);
  if (!isRefused) throw error;
  throw new CalendarRefusedError({ reason: await explainRefusal(run, reason), leavesOnSale, tried });
}

async function publishDays(run: CalendarContext): Promise<ReconcileResult> {
  const waitsUntil = await syncLinkedBookings(run);
  const reconciled = (await hidesAnything(run)) ? await publishBlocking(run) : await publishSlots(run);
  // Days that need another run are published first.
  if (run.unanswered.error !== undefined && reconciled.kind === 'done') return await syncLater(run);
  if (waitsUntil === undefined || reconciled.kind !== 'done') return reconciled;
  const afterMs = Math.max(0, waitsUntil - run.now());
  return { kind: 'later', afterMs, reason: 'the budget of its account is spent' };
}

/** Soon, and after some failures now and then: a calendar that is retried would wait with all that closes meanwhile. */
async function syncLater(run: CalendarContext): Promise<ReconcileResult> {
  const { calendar, log, unanswered } = run;
  if (!(await hasWaited(run))) throw unanswered.error;
  const reason = unanswered.error instanceof Error ? unanswered.error.message : 'there was no answer';
  log.warn({ calendar: calendar.id, reason }, 'bookings cannot follow their appointments yet');
  return { kind: 'later', afterMs: SYNC_AGAIN_MS, reason, priority: LOWEST_PRIORITY };
}

/** With `slots` only what another strategy left. */
async function hidesAnything({ calendar, db, now }: CalendarContext): Promise<boolean> {
  if (calendar.strategy !== 'slots') return true;
  const at = new Date(now());
  const left = await runPipelined(db, (session) =>
    Promise.all([hasOwnBreaks(session, calendar.id, at), hasPlaceholders(session, calendar.id, at)]),
  );
  return left.includes(true);
}
