/**
 * The budget of an account, held by all workers together through the record: who asks gets a request within its share
 * (shares.ts), so that a time that is taken at the desk never waits for a resync. Contract: Limits.
 */
import type { Logger } from 'pino';
import { bandOf, COMPARISON_PRIORITY, LOWEST_PRIORITY } from '../core/index.js';
import type { Db } from '../db/schema.js';
import {
  acquirePermission,
  type Permission,
  pauseAccount,
  recordAccountAccepted,
  resetPauses,
} from '../db/tables/account-states.js';
import type { Account, Limits } from '../db/tables/accounts.js';
import { acquireRequest, releaseRequests, requestAnswered } from '../db/tables/requests.js';
import type { GateAnswer, RequestGate } from '../docplanner/index.js';
import { CircuitOpenError } from './circuit-open-error.js';
import { inFlightMs } from './in-flight.js';
import { apartMs, READINGS_OF_A_COMPARISON, windowsFor } from './policy.js';
import { RateLimitError } from './rate-limit-error.js';
import { ReadReservations } from './read-reservations.js';
import { lowered, type StatedLimits, statedBy } from './reported-limits.js';

/** Where the marketplace says 429 and not until when. */
const UNSAID_WAIT_MS = 30_000;

export interface RateLimiterOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly now: () => number;
  /** How long a request can take, in milliseconds. */
  readonly requestTimeoutMs: number;
}

type Permitted = Exclude<Permission, { kind: 'paused' }>;
const FREE: Permitted = { kind: 'free', isRefused: false };
const UNAUTHORIZED = 401;

/** Readings that were taken and are not sent yet. */
interface Ahead {
  left: number;
  readonly answeredBy: Date;
}

/** A gate that takes back what it let through. */
export interface RequestLimiter extends RequestGate {
  /** In place of `after`, where the request was not sent after all: it does not count. */
  notSent(request: { readonly write: boolean }): Promise<void>;
}

export class RateLimiter {
  readonly #options: RateLimiterOptions;
  /** Until when an account's budget is known to be spent, for what closes and for everything else. */
  readonly #spent = new Map<string, number>();
  readonly #pauses = new Map<string, number>();
  /** What the marketplace's answers say of an account's limits. */
  readonly #stated = new Map<string, StatedLimits>();
  readonly #turns = new ReadReservations();

  constructor(options: RateLimiterOptions) {
    this.#options = options;
  }

  /**
   * How long there will be no write for work of this urgency, in milliseconds, as far as this process knows: 0 when
   * it may be tried. It spares a crowd of waiting calendars from asking the record in turn.
   */
  waitMs(account: string, priority: number): number {
    return Math.max(0, (this.#spent.get(spentKey(account, priority)) ?? 0) - this.#options.now());
  }

  /** How often the firewall had stopped the account, one after another, when a request was last let through. */
  consecutivePauses(account: string): number {
    return this.#pauses.get(account) ?? 0;
  }

  /** A gate for requests made on behalf of work of this urgency, one at a time. It throws `BudgetSpentError`. */
  gate(account: Account, priority: number): RequestLimiter {
    return this.#gate(account, priority);
  }

  /**
   * The readings of a comparison, taken all at once, because the first is worth nothing without the others; what is not
   * used of them is given back. Where it turns out to need more, these are the day's: it is not to be begun again.
   * @throws {RateLimitError} before `compare` begins, with the turn of whoever asks
   */
  async withReservedReads<T>(account: Account, compare: (gate: RequestLimiter) => Promise<T>): Promise<T> {
    const { db } = this.#options;
    const ahead = await this.#takeAhead(account);
    try {
      return await compare(this.#gate(account, LOWEST_PRIORITY, ahead));
    } finally {
      if (ahead.left > 0) await releaseRequests(db, account.id, false, ahead.answeredBy, ahead.left);
    }
  }

  #limits({ id, limits }: Account): Limits {
    return lowered(limits, this.#stated.get(id));
  }

  async #takeAhead(account: Account): Promise<Ahead> {
    const { db, now, requestTimeoutMs } = this.#options;
    const at = now();
    const turn = this.#turns.next(account.id, at);
    if (turn !== undefined) throw new RateLimitError(account.id, turn, 'its readings are spent');
    const windows = windowsFor(this.#limits(account), { write: false, priority: COMPARISON_PRIORITY });
    const count = Math.min(READINGS_OF_A_COMPARISON, ...windows.map(({ limit }) => limit));
    const answeredBy = new Date(at + count * requestTimeoutMs);
    const taken = await acquireRequest(db, account.id, false, windows, new Date(at), answeredBy, count);
    if (taken.kind === 'taken') return { left: count, answeredBy };
    const until = this.#turns.spent(account.id, taken.until.getTime(), apartMs(windows, count));
    throw new RateLimitError(account.id, until, 'its readings are spent');
  }

  #gate(account: Account, priority: number, ahead?: Ahead): RequestLimiter {
    let permission = FREE;
    let answeredBy = new Date(0);
    return {
      before: async ({ write }) => {
        if (ahead === undefined || ahead.left === 0 || write) {
          [permission, answeredBy] = await this.#permittedAndTaken(account, write, priority);
        } else {
          permission = await this.#permission(account);
          ahead.left -= 1;
          answeredBy = ahead.answeredBy;
        }
      },
      notSent: async ({ write }) => {
        await releaseRequests(this.#options.db, account.id, write, answeredBy, 1);
        permission = FREE;
      },
      after: async (answer) => {
        try {
          await this.#answered(account, answer, answeredBy);
          if (cameThrough(answer.status)) await this.#cameThrough(account, answer, permission);
        } catch (error) {
          // The answer is somebody's. The request stands in the record from before, so it is counted all the same.
          this.#options.log.warn(
            { err: error, account: account.id },
            'an answer could not be written down in the budget; its request counts for longer',
          );
        }
        permission = FREE;
      },
    };
  }

  async #cameThrough(account: Account, { status }: GateAnswer, permission: Permitted): Promise<void> {
    const { db } = this.#options;
    if (permission.kind === 'probe') await resetPauses(db, account.id);
    if (permission.isRefused && status !== UNAUTHORIZED) await recordAccountAccepted(db, account.id);
  }

  async #permission(account: Account): Promise<Permitted> {
    const { db, now, requestTimeoutMs } = this.#options;
    const at = now();
    const permission = await acquirePermission(db, account.id, new Date(at), new Date(at + requestTimeoutMs));
    if (permission.kind === 'paused') {
      throw new CircuitOpenError(account.id, permission.until.getTime(), permission.reason);
    }
    this.#pauses.set(account.id, permission.kind === 'probe' ? permission.pauses : 0);
    return permission;
  }

  /** Both at once, for a request waits for them; what was taken without a permission is given back. */
  async #permittedAndTaken(
    account: Account,
    write: boolean,
    priority: number,
  ): Promise<readonly [Permitted, Date]> {
    const [permission, taken] = await Promise.allSettled([
      this.#permission(account),
      this.#take(account, write, priority),
    ]);
    if (permission.status === 'rejected') {
      if (taken.status === 'fulfilled') {
        await releaseRequests(this.#options.db, account.id, write, taken.value, 1);
      }
      throw permission.reason;
    }
    if (taken.status === 'rejected') throw taken.reason;
    return [permission.value, taken.value];
  }

  /** @returns the latest moment at which the request is expected to be over */
  async #take(account: Account, write: boolean, priority: number): Promise<Date> {
    const { db, now, requestTimeoutMs } = this.#options;
    const at = now();
    const answeredBy = new Date(at + inFlightMs(requestTimeoutMs));
    const windows = windowsFor(this.#limits(account), { write, priority });
    const taken = await acquireRequest(db, account.id, write, windows, new Date(at), answeredBy);
    if (taken.kind === 'spent') {
      if (write) this.#spent.set(spentKey(account.id, priority), taken.until.getTime());
      throw new RateLimitError(account.id, taken.until.getTime(), 'its budget is spent', priority);
    }
    return answeredBy;
  }

  async #answered(account: Account, answer: GateAnswer, answeredBy: Date): Promise<void> {
    const { db, now } = this.#options;
    const at = now();
    await requestAnswered(db, account.id, answer.write, answeredBy, new Date(at));
    if (answer.ownLimit) return;
    this.#stated.set(account.id, { ...this.#stated.get(account.id), ...statedBy(answer, at) });
    // The server counts too, and may count others who share the client: what it says goes.
    const until =
      answer.status === 429
        ? at + (answer.retryAfterMs ?? UNSAID_WAIT_MS)
        : answer.rateLimit?.remaining === 0
          ? answer.rateLimit.resetAt
          : undefined;
    if (until === undefined || until <= at) return;
    await pauseAccount(db, account.id, {
      until: new Date(until),
      reason: "the marketplace's limit is reached",
    });
  }
}

const spentKey = (account: string, priority: number): string =>
  `${bandOf(priority) === 'closing' ? 'closing' : 'other'} ${account}`;

/** Whether it was the API that answered. It says 403 itself, too, but so does the firewall. */
const cameThrough = (status: number | undefined): boolean =>
  status !== undefined && status < 500 && ![403, 405, 429].includes(status);
