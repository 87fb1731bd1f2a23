/** The dependencies of the services that call the marketplace, and the context of one calendar's reconcile. */
import type { Logger } from 'pino';
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import type { Account, OwnNotificationName } from '../db/tables/accounts.js';
import type { StoredCalendar } from '../db/tables/calendars.js';
import type { DocplannerClient } from '../docplanner/index.js';
import type { Metrics } from '../lib/metrics.js';
import type { Timers } from '../lib/timers.js';
import type { DeliveryEnqueuer, OwnChangeEnqueuer } from '../queue/delivery-queue.js';
import type { ClientPool } from '../rate-limit/client-pool.js';
import type { RateLimiter } from '../rate-limit/limiter.js';
import type { PendingHistory } from './pending-history.js';

export type Verify = 'always' | 'sampled' | 'off';

export interface Dependencies {
  readonly db: Db;
  readonly clients: ClientPool;
  readonly rateLimiter: RateLimiter;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly timers: Timers;
  /** From 0 to 1, for jitter and sampling. */
  readonly random: () => number;
  readonly verify: Verify;
  /** The most work periods in one PUT. */
  readonly maxEntries: number;
  /** The longest that one request takes, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Encrypts notifications; without a key no notification is stored. */
  readonly encryptor: Encryptor;
  readonly delivery: DeliveryEnqueuer & OwnChangeEnqueuer;
  /** The own notifications of accounts without their own list. */
  readonly ownNotifications: readonly OwnNotificationName[];
  readonly metrics: Metrics;
}

/** What a write changes. */
export interface WriteSubject {
  readonly days?: readonly {
    readonly date?: string;
    /** The generation that was sent, where the day's slots were. */
    readonly generation?: number;
    /** The number of work periods. */
    readonly slots?: number;
    /** Whether the write removes time that was published. */
    readonly closes?: boolean;
  }[];
  readonly booking?: string | undefined;
  readonly ref?: string | undefined;
}

/** The context of the worker that holds the calendar's lease. */
export interface CalendarContext extends Omit<Dependencies, 'clients' | 'rateLimiter'> {
  readonly calendar: StoredCalendar;
  readonly account: Account;
  /**
   * The marketplace's client for work of this priority. Every request first acquires a permit of the rate limiter; every
   * write first renews the lease, so that the lease outlasts the write. Its methods throw `RateLimitError` and
   * `LeaseLostError` too.
   * @param beforeWrite records what must be in the database before a write is sent, and throws where the write may not be sent.
   * Its argument sends statements together with the renewal of the lease
   * @param subject what its writes change, for the history
   */
  readonly client: (
    priority: number,
    beforeWrite?: (db: Db) => Promise<unknown>,
    subject?: WriteSubject,
  ) => DocplannerClient;
  /**
   * The marketplace's client for one comparison, whose reads are reserved in the rate limiter all at once.
   * @throws {RateLimitError} before any of the reads is sent
   */
  readonly withReservedReads: <T>(compare: (client: DocplannerClient) => Promise<T>) => Promise<T>;
  /** Bookings whose requests got no answer, which this reconcile does not retry, and the error of the first. */
  readonly unanswered: { readonly bookings: Set<string>; error?: unknown };
  /** Whether this reconcile has read the address's services. */
  readonly address: { wasRead: boolean };
  /** The hashes of the bodies that were sent within the duplicate window. */
  readonly recentPayloads: Set<string>;
  /** How many writes in a row were not sent because the days that they were planned from had changed. */
  readonly outdated: { count: number };
  readonly history: PendingHistory;
  /** The requests of this reconcile. */
  readonly requests: { reads: number; writes: number };
  /** Called after the firewall blocked a request. @returns how long the circuit stays open, in milliseconds */
  readonly openCircuit: (reason: string) => Promise<number>;
}
