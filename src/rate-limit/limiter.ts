/**
 * The rate limiter of an account, which all workers share through the database. A request is granted within its band's part of
 * the limits (policy.ts), so that an appointment that closes time never waits for a resync. Contract: Limits.
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
import type { Account, Limits, OwnNotificationName } from '../db/tables/accounts.js';
import { acquireRequests, findExhaustedUntil, recordAnswer, releaseRequests } from '../db/tables/requests.js';
import type { GateAnswer, GatedRequest } from '../docplanner/index.js';
import { CircuitOpenError } from './circuit-open-error.js';
import { inFlightMs } from './in-flight.js';
import { READS_PER_COMPARISON, windowsFor } from './policy.js';
import { RateLimitError } from './rate-limit-error.js';
import { applyReportedLimits, type ReportedLimits, reportedLimitsOf } from './reported-limits.js';

/** Where a 429 states no `Retry-After`. */
const DEFAULT_WAIT_MS = 30_000;

export interface RateLimiterOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly now: () => number;
  /** The longest that a request takes, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** The own notifications of accounts without their own list; default: none. */
  readonly ownNotifications?: readonly OwnNotificationName[] | undefined;
}

type GrantedPermission = Exclude<Permission, { kind: 'paused' }>;
const FREE: GrantedPermission = { kind: 'free', isRefused: false };
const UNAUTHORIZED = 401;

/** Reads that were acquired and are not sent yet. */
interface ReservedReads {
  left: number;
  readonly answeredBy: Date;
}

/** A gate that can release a request that it granted. It limits operations by whether they write, not by their names. */
export interface RequestLimiter {
  before(request: Omit<GatedRequest, 'operation'>): Promise<void>;
  after(answer: Omit<GateAnswer, 'operation'>): Promise<void>;
  /** Called instead of `after` where the request was not sent: it does not count. */
  notSent(request: Omit<GatedRequest, 'operation'>): Promise<void>;
}

export class RateLimiter {
  readonly #options: RateLimiterOptions;
  /** Until when an account's writes are known to be exhausted, for closing changes and for everything else; epoch milliseconds. */
  readonly #exhaustedUntil = new Map<string, number>();
  readonly #consecutivePauses = new Map<string, number>();
  readonly #reportedLimits = new Map<string, ReportedLimits>();

  constructor(options: RateLimiterOptions) {
    this.#options = options;
  }

  /**
   * How long no write of this priority will be granted, in milliseconds, as far as this process knows; 0 where one may be
   * tried. It spares many waiting calendars a query each.
   */
  waitMs(account: string, priority: number): number {
    return Math.max(0, (this.#exhaustedUntil.get(limitKey(account, priority)) ?? 0) - this.#options.now());
  }

  /** Until when no write of this priority would be granted; undefined where one would be. Acquires nothing. */
  async findExhaustedUntil(account: Account, priority: number): Promise<Date | undefined> {
    const { db, now } = this.#options;
    const windows = windowsFor(this.#limits(account), { write: true, priority });
    return await findExhaustedUntil(db, account.id, windows, new Date(now()));
  }

  /** How many pauses in a row the firewall had caused when a request was last granted. */
  consecutivePauses(account: string): number {
    return this.#consecutivePauses.get(account) ?? 0;
  }

  /** A gate for requests of this priority, one at a time. It throws `RateLimitError`. */
  gate(account: Account, priority: number): RequestLimiter {
    return this.#gate(account, priority);
  }

  /**
   * Acquires the reads of a comparison all at once, because one of them is of no use without the others, and releases those
   * that it does not use. Further reads are acquired one at a time, so that the comparison need not begin again.
   * @throws {RateLimitError} before `compare` begins, where not all of them are granted
   */
  async withReservedReads<T>(account: Account, compare: (gate: RequestLimiter) => Promise<T>): Promise<T> {
    const { db } = this.#options;
    const reserved = await this.#reserveReads(account);
    try {
      return await compare(this.#gate(account, LOWEST_PRIORITY, reserved));
    } finally {
      if (reserved.left > 0) await releaseRequests(db, account.id, false, reserved.answeredBy, reserved.left);
    }
  }

  #limits({ id, limits }: Account): Limits {
    return applyReportedLimits(limits, this.#reportedLimits.get(id));
  }

  async #reserveReads(account: Account): Promise<ReservedReads> {
    const { db, now, requestTimeoutMs } = this.#options;
    const at = now();
    const windows = windowsFor(this.#limits(account), { write: false, priority: COMPARISON_PRIORITY });
    const count = Math.min(READS_PER_COMPARISON, ...windows.map(({ limit }) => limit));
    const answeredBy = new Date(at + count * requestTimeoutMs);
    const taken = await acquireRequests(db, account.id, false, windows, new Date(at), answeredBy, count);
    if (taken.kind === 'acquired') return { left: count, answeredBy };
    throw new RateLimitError(account.id, taken.until.getTime(), 'its reads are exhausted');
  }

  #gate(account: Account, priority: number, reserved?: ReservedReads): RequestLimiter {
    let permission = FREE;
    let answeredBy = new Date(0);
    return {
      before: async ({ write }) => {
        if (reserved === undefined || reserved.left === 0 || write) {
          [permission, answeredBy] = await this.#checkAndAcquire(account, write, priority);
        } else {
          permission = await this.#permission(account);
          reserved.left -= 1;
          answeredBy = reserved.answeredBy;
        }
      },
      notSent: async ({ write }) => {
        await releaseRequests(this.#options.db, account.id, write, answeredBy, 1);
        permission = FREE;
      },
      after: async (answer) => {
        try {
          await this.#recordAnswer(account, answer, answeredBy);
          if (isApiAnswer(answer.status)) await this.#recordApiAnswer(account, answer, permission);
        } catch (error) {
          // The caller gets its answer. The request was recorded before it was sent, so it counts all the same.
          this.#options.log.warn(
            { err: error, account: account.id },
            'an answer could not be recorded in the rate limiter; its request counts for longer',
          );
        }
        permission = FREE;
      },
    };
  }

  async #recordApiAnswer(
    account: Account,
    { status }: Pick<GateAnswer, 'status'>,
    permission: GrantedPermission,
  ): Promise<void> {
    const { db, now, ownNotifications } = this.#options;
    if (permission.kind === 'probe') await resetPauses(db, account.id, new Date(now()), ownNotifications);
    if (permission.isRefused && status !== UNAUTHORIZED) {
      await recordAccountAccepted(db, account.id, new Date(now()));
    }
  }

  /** @param known undefined where it has to be acquired. @throws {CircuitOpenError} */
  async #permission(account: Account, known?: Permission): Promise<GrantedPermission> {
    const { db, now, requestTimeoutMs } = this.#options;
    const at = now();
    const permission =
      known ?? (await acquirePermission(db, account.id, new Date(at), new Date(at + requestTimeoutMs)));
    if (permission.kind === 'paused') {
      throw new CircuitOpenError(account.id, permission.until.getTime(), permission.reason);
    }
    this.#consecutivePauses.set(account.id, permission.kind === 'probe' ? permission.pauses : 0);
    return permission;
  }

  /**
   * A request that is not permitted is released.
   * @returns also the latest moment at which the request is expected to be over
   */
  async #checkAndAcquire(
    account: Account,
    write: boolean,
    priority: number,
  ): Promise<readonly [GrantedPermission, Date]> {
    const { db, now, requestTimeoutMs } = this.#options;
    const at = now();
    const answeredBy = new Date(at + inFlightMs(requestTimeoutMs));
    const windows = windowsFor(this.#limits(account), { write, priority });
    const taken = await acquireRequests(db, account.id, write, windows, new Date(at), answeredBy);
    if (taken.kind === 'exhausted') {
      if (write) this.#exhaustedUntil.set(limitKey(account.id, priority), taken.until.getTime());
      if (taken.permission?.kind === 'paused') await this.#permission(account, taken.permission);
      throw new RateLimitError(account.id, taken.until.getTime(), 'its requests are exhausted', priority);
    }
    try {
      return [await this.#permission(account, taken.permission), answeredBy];
    } catch (error) {
      await releaseRequests(db, account.id, write, answeredBy, 1);
      throw error;
    }
  }

  async #recordAnswer(
    account: Account,
    answer: Omit<GateAnswer, 'operation'>,
    answeredBy: Date,
  ): Promise<void> {
    const { db, now, ownNotifications } = this.#options;
    const at = now();
    await recordAnswer(db, account.id, answer.write, answeredBy, new Date(at));
    if (answer.ownLimit) return;
    this.#reportedLimits.set(account.id, {
      ...this.#reportedLimits.get(account.id),
      ...reportedLimitsOf(answer, at),
    });
    // The marketplace counts other users of the client too: its limit applies.
    const until =
      answer.status === 429
        ? at + (answer.retryAfterMs ?? DEFAULT_WAIT_MS)
        : answer.rateLimit?.remaining === 0
          ? answer.rateLimit.resetAt
          : undefined;
    if (until === undefined || until <= at) return;
    const pause = { until: new Date(until), reason: "the marketplace's limit is reached" };
    await pauseAccount(db, account.id, pause, new Date(at), ownNotifications);
  }
}

const limitKey = (account: string, priority: number): string =>
  `${bandOf(priority) === 'closing' ? 'closing' : 'other'} ${account}`;

/** Whether the API answered, and not the firewall. A 403 can be from either. */
const isApiAnswer = (status: number | undefined): boolean =>
  status !== undefined && status < 500 && ![403, 405, 429].includes(status);
