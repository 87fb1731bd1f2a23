/**
 * The reconciler: from "days of this calendar differ" to "the marketplace shows it, and we checked".
 * It is given a key and reads everything else from the record, so that it may run at any time, twice, or after
 * a crash. One run at a time for a calendar, by its lease.
 */

import { CalendarChangedError } from '../context/calendar-changed-error.js';
import { openCircuit } from '../context/circuit-breaker.js';
import { classifyError } from '../context/classify-error.js';
import type { Dependencies } from '../context/context.js';
import { isInDoubt, type LeasedWork, withLease } from '../context/lease.js';
import { LeaseLostError } from '../context/lease-lost-error.js';
import type { ReconcileResult } from '../context/reconcile-result.js';
import { VERIFICATION_PRIORITY } from '../core/index.js';
import { runPipelined } from '../db/pipeline.js';
import { recordAccountRefused } from '../db/tables/account-states.js';
import { type Account, getAccountOfCalendar } from '../db/tables/accounts.js';
import {
  recordCalendarRefused,
  recordFailure,
  recordSuccess,
  scheduleRetry,
} from '../db/tables/calendar-retries.js';
import { type CalendarState, getCalendar } from '../db/tables/calendars.js';
import { CLOSING_REFUSED_MS } from '../db/tables/pending-calendars.js';
import { backoffMs, RETRY } from '../lib/backoff.js';
import { Bulkhead } from '../lib/bulkhead.js';
import { PlanOutdatedError } from '../publishing/plan-outdated-error.js';
import { CalendarRefusedError } from './calendar-refused-error.js';
import { publish } from './publish-calendar.js';

const ANOTHER_WORKER_HAS_IT_MS = 500;

export class Reconciler {
  readonly #options: Dependencies;
  readonly #bulkhead: Bulkhead;

  /** @param concurrency calendars at the same time in this process */
  constructor(options: Dependencies, concurrency: number) {
    this.#options = options;
    this.#bulkhead = new Bulkhead({ concurrency, now: options.now });
  }

  /**
   * @param id the calendar's
   * @param urgency of what it was woken for
   */
  async reconcile(id: string, priority: number): Promise<ReconcileResult> {
    const { db, budget } = this.#options;
    const [calendar, account] = await runPipelined(db, (session) =>
      Promise.all([getCalendar(session, id), getAccountOfCalendar(session, id)]),
    );
    if (calendar === undefined || account === undefined) return { kind: 'done' };
    // The sweep finds it when it is due.
    if (isPaused(calendar, priority, this.#options.now())) return { kind: 'done' };
    const wait = calendar.retrying ? calendar.retrying.at.getTime() - this.#options.now() : 0;
    if (wait > 0) return { kind: 'later', afterMs: wait, reason: calendar.retrying?.reason ?? 'retrying' };

    const spentMs = budget.waitMs(account.id, priority);
    if (spentMs > 0) return { kind: 'later', afterMs: spentMs, reason: 'the budget of its account is spent' };
    const group = this.#bulkhead.enter(account.id);
    if (group.kind === 'full') {
      return { kind: 'later', afterMs: group.afterMs, reason: 'its account keeps this process busy' };
    }
    try {
      return await this.#leased(calendar, account, priority);
    } finally {
      group.leave();
    }
  }

  async #leased(calendar: CalendarState, account: Account, priority: number): Promise<ReconcileResult> {
    const { db } = this.#options;
    // What is in doubt stays leased, and is judged after that.
    const ran = await withLease(this.#options, calendar, account, async (run) => {
      const reconciled = await publish(run);
      if (reconciled.kind === 'done') await recordSuccess(db, calendar.id);
      return reconciled;
    }).catch(async (error: unknown): Promise<LeasedWork<ReconcileResult>> => {
      return { kind: 'ran', result: await this.#failed(calendar, account, priority, error) };
    });
    if (ran.kind === 'ran') return ran.result;
    return { kind: 'later', afterMs: ANOTHER_WORKER_HAS_IT_MS, reason: 'another worker has the calendar' };
  }

  /** Decides what a failure means for the calendar and its account. What is no failure of theirs is thrown on. */
  async #failed(
    calendar: CalendarState,
    account: Account,
    priority: number,
    error: unknown,
  ): Promise<ReconcileResult> {
    const { db, log, now, random, requestTimeoutMs } = this.#options;
    if (error instanceof LeaseLostError) {
      return { kind: 'later', afterMs: ANOTHER_WORKER_HAS_IT_MS, reason: error.message };
    }
    if (error instanceof CalendarChangedError || error instanceof PlanOutdatedError) {
      return { kind: 'later', afterMs: 0, reason: error.message };
    }
    if (error instanceof CalendarRefusedError) {
      const { message: reason, leavesOnSale, tried } = error;
      const at = new Date(now());
      const failures = await recordCalendarRefused(
        db,
        calendar,
        { reason, leavesOnSale, tried },
        at,
        random(),
      );
      if (failures === undefined) return { kind: 'later', afterMs: 0, reason: 'the calendar was changed' };
      const about = { calendar: calendar.id, account: account.id, failures, leavesOnSale, reason };
      if (leavesOnSale || failures === 1) log.error(about, 'the calendar failed');
      else log.warn(about, 'the calendar still fails');
      return { kind: 'done' };
    }
    const failure = classifyError(error, now());
    switch (failure.kind) {
      case 'wait':
        // A comparison may have found what is more urgent than itself; what waited long is not made to wait anew.
        return { ...failure, kind: 'later', priority: Math.min(priority, failure.priority ?? priority) };
      case 'give-up':
        return await this.#failed(
          calendar,
          account,
          priority,
          new CalendarRefusedError({ reason: failure.reason, leavesOnSale: true, tried: [] }),
        );
      case 'firewall': {
        const afterMs = await openCircuit(this.#options, account, failure.reason);
        return { kind: 'later', afterMs, reason: failure.reason };
      }
      case 'retry': {
        const attempts = await recordFailure(db, calendar.id, failure.reason);
        const afterMs = Math.max(
          backoffMs(RETRY, attempts, random()),
          failure.afterMs ?? 0,
          isInDoubt(error) ? requestTimeoutMs : 0,
        );
        await scheduleRetry(db, calendar.id, new Date(now() + afterMs));
        if (failure.refusal !== undefined) {
          await recordAccountRefused(db, account.id, failure.refusal, new Date(now()));
        }
        log.warn(
          { calendar: calendar.id, account: account.id, attempts, afterMs, reason: failure.reason },
          'publishing failed and is tried again',
        );
        return { kind: 'later', afterMs, reason: failure.reason };
      }
      case 'unknown':
        throw error;
    }
  }
}

/**
 * Whether a calendar that failed is left alone: until it is due, and what closes for a minute where every way of closing was
 * refused, and not at all where there was one.
 */
function isPaused({ failed }: CalendarState, priority: number, now: number): boolean {
  if (failed === undefined || (failed.retryAt?.getTime() ?? 0) <= now) return false;
  const refusedAt = failed.closingRefusedAt?.getTime();
  return (
    priority >= VERIFICATION_PRIORITY || (refusedAt !== undefined && refusedAt + CLOSING_REFUSED_MS > now)
  );
}
