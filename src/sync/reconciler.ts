/**
 * The reconciler: from "days of this calendar differ" to "the marketplace shows it, and we checked".
 * It is given a key and reads everything else from the record, so that it may run at any time, twice, or after
 * a crash. One run at a time for a calendar, by its lease.
 */
import { randomUUID } from 'node:crypto';
import { InvalidScheduleError } from '../core/index.js';
import { ConnectionError, type RequestGate } from '../docplanner/index.js';
import { type Account, getAccount } from '../store/accounts.js';
import { attemptFailed, attemptSucceeded, calendarFailed, retryAt } from '../store/attempts.js';
import { type Calendar, getCalendar } from '../store/calendars.js';
import { giveBackLease, renewLease, takeLease } from '../store/leases.js';
import { backoffMs, RETRY } from './backoff.js';
import { failureOf } from './failure.js';
import { keepSilent } from './keep-silent.js';
import { Lanes } from './lanes.js';
import { LeaseLostError } from './lease-lost-error.js';
import type { Reconciled } from './reconciled.js';
import type { Means, Run } from './run.js';
import { publishSlots } from './strategies/slots.js';

const ANOTHER_WORKER_HAS_IT_MS = 500;

export class Reconciler {
  readonly #options: Means;
  /** A new token and the request: no write of ours is in flight for longer. */
  readonly #leaseMs: number;
  readonly #lanes: Lanes;

  /** @param concurrency calendars at the same time in this process */
  constructor(options: Means, concurrency: number) {
    this.#options = options;
    this.#lanes = new Lanes({ concurrency, now: options.now });
    this.#leaseMs = options.requestTimeoutMs * 2 + 3_000;
  }

  /**
   * @param id the calendar's
   * @param urgency of what it was woken for
   */
  async reconcile(id: string, urgency: number): Promise<Reconciled> {
    const { db, budget } = this.#options;
    const calendar = await getCalendar(db, id);
    if (calendar === undefined || calendar.failed !== undefined) return { kind: 'done' };
    const account = await getAccount(db, calendar.account);
    if (account === undefined) return { kind: 'done' };
    const wait = calendar.retrying ? calendar.retrying.at.getTime() - this.#options.now() : 0;
    if (wait > 0) return { kind: 'later', afterMs: wait, reason: calendar.retrying?.reason ?? 'retrying' };

    const spentMs = budget.waitMs(account.id, urgency);
    if (spentMs > 0) return { kind: 'later', afterMs: spentMs, reason: 'the budget of its account is spent' };
    const lane = this.#lanes.enter(account.id);
    if (lane.kind === 'full') {
      return { kind: 'later', afterMs: lane.afterMs, reason: 'its account keeps this process busy' };
    }
    try {
      return await this.#leased(calendar, account);
    } finally {
      lane.leave();
    }
  }

  async #leased(calendar: Calendar, account: Account): Promise<Reconciled> {
    const { db } = this.#options;
    const { id } = calendar;
    const token = randomUUID();
    if (!(await takeLease(db, id, token, this.#leaseMs))) {
      return { kind: 'later', afterMs: ANOTHER_WORKER_HAS_IT_MS, reason: 'another worker has the calendar' };
    }
    let inDoubt = false;
    try {
      const { clients, budget: _, ...means } = this.#options;
      const run: Run = {
        ...means,
        calendar,
        account,
        client: (urgency, aboutToWrite) =>
          clients.of(account).through(this.#gate(account, urgency, id, token, aboutToWrite)),
        keepSilent: (reason) => keepSilent(this.#options, account, reason),
      };
      const reconciled = await publishSlots(run);
      if (reconciled.kind === 'done') await attemptSucceeded(db, id);
      return reconciled;
    } catch (error) {
      inDoubt = isInDoubt(error);
      return await this.#failed(calendar, account, error);
    } finally {
      if (inDoubt) await renewLease(db, id, token, this.#options.requestTimeoutMs);
      else await giveBackLease(db, id, token);
    }
  }

  #gate(
    account: Account,
    urgency: number,
    calendar: string,
    token: string,
    aboutToWrite: (() => Promise<void>) | undefined,
  ): RequestGate {
    const { db, budget } = this.#options;
    const gate = budget.gate(account, urgency);
    return {
      before: async (request) => {
        await gate.before(request);
        if (!request.write) return;
        await aboutToWrite?.();
        if (!(await renewLease(db, calendar, token, this.#leaseMs))) throw new LeaseLostError(calendar);
      },
      after: (answer) => gate.after(answer),
    };
  }

  /** Decides what a failure means for the calendar and its account. What is no failure of theirs is thrown on. */
  async #failed(calendar: Calendar, account: Account, error: unknown): Promise<Reconciled> {
    const { db, log, now, random, requestTimeoutMs } = this.#options;
    if (error instanceof LeaseLostError) {
      return { kind: 'later', afterMs: ANOTHER_WORKER_HAS_IT_MS, reason: error.message };
    }
    if (error instanceof InvalidScheduleError) {
      await calendarFailed(db, calendar.id, `${error.path}: ${error.reason}`, new Date(now()));
      return { kind: 'done' };
    }
    const failure = failureOf(error, now());
    switch (failure.kind) {
      case 'wait':
        return { kind: 'later', afterMs: failure.afterMs, reason: failure.reason };
      case 'give-up':
        log.error(
          { calendar: calendar.id, account: account.id, reason: failure.reason },
          'the calendar failed',
        );
        await calendarFailed(db, calendar.id, failure.reason, new Date(now()));
        return { kind: 'done' };
      case 'firewall': {
        const afterMs = await keepSilent(this.#options, account, failure.reason);
        return { kind: 'later', afterMs, reason: failure.reason };
      }
      case 'retry': {
        const attempts = await attemptFailed(db, calendar.id, failure.reason);
        const afterMs = Math.max(
          backoffMs(RETRY, attempts, random()),
          failure.afterMs ?? 0,
          isInDoubt(error) ? requestTimeoutMs : 0,
        );
        await retryAt(db, calendar.id, new Date(now() + afterMs));
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
 * A write that nobody waits for any more may still be under way in the marketplace, and would undo what is sent
 * after it. So the calendar stays leased for as long again, by when such a write is over.
 */
function isInDoubt(error: unknown): boolean {
  return error instanceof ConnectionError && error.reason === 'timeout' && error.method !== 'GET';
}
