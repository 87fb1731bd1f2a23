/** What a reconcile works with. */
import type { Logger } from 'pino';
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import type { Account } from '../db/tables/accounts.js';
import type { StoredCalendar } from '../db/tables/calendars.js';
import type { AddedNotification } from '../db/tables/notifications.js';
import type { DocplannerClient } from '../docplanner/index.js';
import type { Timers } from '../lib/timers.js';
import type { Clients } from '../rate-limit/client-pool.js';
import type { RateLimiter } from '../rate-limit/limiter.js';

export type Verify = 'always' | 'sampled' | 'off';

export interface Dependencies {
  readonly db: Db;
  readonly clients: Clients;
  readonly budget: RateLimiter;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly timers: Timers;
  /** From 0 to 1, for jitter and sampling. */
  readonly random: () => number;
  readonly verify: Verify;
  /** Work periods in one PUT, at most. */
  readonly maxEntries: number;
  /** How long one request can take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Without a key the clinic is told nothing. */
  readonly encryptor: Encryptor;
  /** Has notifications brought to the clinic soon. Never fails. */
  readonly deliver: (added: readonly AddedNotification[]) => void;
  /** Has the clinic told what a booking that moved is in conflict with where it is now; what was told is not told again. */
  readonly notifyConflicts: (moved: { readonly calendar: string; readonly booking: string }) => Promise<void>;
}

/** What a strategy works with while it holds the calendar. */
export interface CalendarContext extends Omit<Dependencies, 'clients' | 'budget'> {
  readonly calendar: StoredCalendar;
  readonly account: Account;
  /**
   * The marketplace, for work of this urgency: before every request the budget is asked, and before one that
   * writes the lease is made to outlast it. Its methods throw `BudgetSpentError` and `LeaseLostError` too.
   * @param aboutToWrite what must be written down before a write is sent, and only if it is
   */
  readonly client: (priority: number, aboutToWrite?: () => Promise<void>) => DocplannerClient;
  /**
   * The marketplace, for one comparison: its readings are asked of the budget at once.
   * @throws {BudgetSpentError} before any of them is made
   */
  readonly comparing: <T>(compare: (client: DocplannerClient) => Promise<T>) => Promise<T>;
  /** Bookings that the marketplace had no answer for, which are left alone from then on, and what it said of the first. */
  readonly unanswered: { readonly bookings: Set<string>; error?: unknown };
  /** Whether it was asked in this run what the address has. */
  readonly address: { wasRead: boolean };
  /** How often in a row a write was not sent because what it was planned from had changed. */
  readonly outdated: { count: number };
  /** How many were made in this run. */
  readonly requests: { reads: number; writes: number };
  /** After the firewall stopped a request. @returns for how long, in milliseconds */
  readonly openCircuit: (reason: string) => Promise<number>;
}
