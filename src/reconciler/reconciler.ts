/**
 * The reconciler: publishes the days of a calendar that differ from the marketplace, and verifies them. It receives a
 * calendar's id and reads everything else from the database, so that it may run at any time, twice, or after a crash. A lease
 * allows one reconcile of a calendar at a time.
 */

import { CalendarChangedError } from '../context/calendar-changed-error.js';
import { classifyError } from '../context/classify-error.js';
import type { Dependencies } from '../context/context.js';
import { isInDoubt, type LeasedWork, withLease } from '../context/lease.js';
import { LeaseLostError } from '../context/lease-lost-error.js';
import { retryAfterMs } from '../context/retry-after-failure.js';
import { VERIFICATION_PRIORITY } from '../core/index.js';
import { runPipelined } from '../db/pipeline.js';
import { type Account, getAccountOfCalendar } from '../db/tables/accounts.js';
import {
  type CalendarRefusal,
  recordCalendarRefused,
  recordFailure,
  recordSuccess,
  scheduleRetry,
} from '../db/tables/calendar-retries.js';
import { type CalendarState, getCalendar } from '../db/tables/calendars.js';
import { isNotifiedOf } from '../db/tables/changes-to-notify.js';
import { saveHistory } from '../db/tables/history.js';
import { CLOSING_REFUSED_MS } from '../db/tables/pending-calendars.js';
import { Bulkhead } from '../lib/bulkhead.js';
import { DONE, requeueAfter, type WorkResult } from '../lib/work-result.js';
import { PlanOutdatedError } from '../publishing/plan-outdated-error.js';
import { CalendarRefusedError } from './calendar-refused-error.js';
import { findPublishingWork, publish } from './publish-calendar.js';

/** Where another worker holds the lease. */
const LEASE_RETRY_MS = 500;

export class Reconciler {
  readonly #dependencies: Dependencies;
  readonly #bulkhead: Bulkhead;

  /** @param concurrency calendars at the same time in this process */
  constructor(dependencies: Dependencies, concurrency: number) {
    this.#dependencies = dependencies;
    this.#bulkhead = new Bulkhead({ concurrency, now: dependencies.now });
  }

  /**
   * @param id the calendar's
   * @param priority the job's
   * @throws errors that neither the marketplace nor the calendar causes
   */
  async reconcile(id: string, priority: number): Promise<WorkResult> {
    const { db, rateLimiter, now } = this.#dependencies;
    const [calendar, account] = await runPipelined(db, (session) =>
      Promise.all([getCalendar(session, id), getAccountOfCalendar(session, id)]),
    );
    if (calendar === undefined || account === undefined) return DONE;
    // The requeue sweep enqueues the calendar when it is due.
    if (isPaused(calendar, priority, now())) return DONE;
    const retryInMs = calendar.retrying ? calendar.retrying.at.getTime() - now() : 0;
    if (retryInMs > 0) return requeueAfter(retryInMs);

    const limitedMs = rateLimiter.waitMs(account.id, priority);
    if (limitedMs > 0) return requeueAfter(limitedMs);
    const entry = this.#bulkhead.acquire(account.id);
    if (entry.kind === 'full') return requeueAfter(entry.afterMs);
    try {
      return await this.#publishWithLease(calendar, account, priority);
    } finally {
      entry.release();
    }
  }

  async #publishWithLease(calendar: CalendarState, account: Account, priority: number): Promise<WorkResult> {
    const { db, now } = this.#dependencies;
    // The error is handled after the lease was released, or extended where a write is in doubt.
    const leased = await withLease(
      this.#dependencies,
      calendar,
      account,
      (session) => findPublishingWork(session, calendar.id, new Date(now())),
      async (context, work) => {
        const result = await publish(context, work);
        if (result.kind === 'done') await recordSuccess(db, calendar.id);
        return result;
      },
    ).catch(async (error: unknown): Promise<LeasedWork<WorkResult>> => {
      return { kind: 'ran', result: await this.#handleError(calendar, account, priority, error) };
    });
    return leased.kind === 'ran' ? leased.result : requeueAfter(LEASE_RETRY_MS);
  }

  /** Records what an error means for the calendar and its account. @throws an error that is neither's */
  async #handleError(
    calendar: CalendarState,
    account: Account,
    priority: number,
    error: unknown,
  ): Promise<WorkResult> {
    const { db, log, now, requestTimeoutMs } = this.#dependencies;
    if (error instanceof LeaseLostError) return requeueAfter(LEASE_RETRY_MS);
    if (error instanceof CalendarChangedError || error instanceof PlanOutdatedError) return requeueAfter(0);
    if (error instanceof CalendarRefusedError) {
      const { message: reason, leavesOnSale, tried } = error;
      return await this.#recordCalendarFailure(calendar, account, { reason, leavesOnSale, tried });
    }
    const classified = classifyError(error, now());
    switch (classified.kind) {
      case 'wait':
        // A comparison may have found days of a higher priority than its own; a job that aged keeps its priority.
        return requeueAfter(classified.afterMs, Math.min(priority, classified.priority ?? priority));
      case 'permanent': {
        const { reason } = classified;
        return await this.#recordCalendarFailure(calendar, account, {
          reason,
          leavesOnSale: true,
          tried: [],
        });
      }
      case 'firewall':
        return requeueAfter(await retryAfterMs(this.#dependencies, account, error, 1));
      case 'retry': {
        const { reason } = classified;
        const attempts = await recordFailure(db, calendar.id, reason);
        const afterMs = Math.max(
          await retryAfterMs(this.#dependencies, account, error, attempts),
          isInDoubt(error) ? requestTimeoutMs : 0,
        );
        const [at, retryAt] = [new Date(now()), new Date(now() + afterMs)];
        await runPipelined(db, (session) =>
          Promise.all([
            scheduleRetry(session, calendar.id, retryAt),
            saveHistory(session, [
              {
                kind: 'failed',
                at,
                account: account.id,
                calendar: calendar.id,
                actor: 'engine',
                detail: { what: 'attempt', reason, attempts, retryAt },
              },
            ]),
          ]),
        );
        log.warn(
          { calendar: calendar.id, account: account.id, attempts, afterMs, reason },
          'publishing failed and is retried',
        );
        return requeueAfter(afterMs);
      }
      case 'unknown':
        throw error;
    }
  }

  async #recordCalendarFailure(
    calendar: CalendarState,
    account: Account,
    failure: CalendarRefusal,
  ): Promise<WorkResult> {
    const { db, log, now, random, delivery, ownNotifications } = this.#dependencies;
    const at = new Date(now());
    const isNotified = isNotifiedOf(account, ownNotifications, 'failed');
    const failures = await recordCalendarRefused(db, calendar, failure, at, random(), isNotified);
    // The calendar was changed meanwhile.
    if (failures === undefined) return requeueAfter(0);
    if (isNotified) delivery.enqueueOwn(account.id, calendar.id);
    const { reason, leavesOnSale } = failure;
    const about = { calendar: calendar.id, account: account.id, failures, leavesOnSale, reason };
    if (leavesOnSale || failures === 1) log.error(about, 'the calendar failed');
    else log.warn(about, 'the calendar still fails');
    return DONE;
  }
}

/**
 * Whether a failed calendar is not published now. Until its retry is due, only jobs that close time publish it: at once where
 * a fallback closed it the last time, and after {@link CLOSING_REFUSED_MS} where every fallback was refused.
 */
function isPaused({ failed }: CalendarState, priority: number, now: number): boolean {
  if (failed === undefined || (failed.retryAt?.getTime() ?? 0) <= now) return false;
  const refusedAt = failed.closingRefusedAt?.getTime();
  return (
    priority >= VERIFICATION_PRIORITY || (refusedAt !== undefined && refusedAt + CLOSING_REFUSED_MS > now)
  );
}
