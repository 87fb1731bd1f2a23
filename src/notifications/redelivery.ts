/**
 * Has the marketplace send pushes again that failed, when it had nobody to talk to: at most hourly. Contract: Notifications
 * (push), Limits (release).
 */

import { DAY, MINUTE } from '../core/duration.js';
import type { Account } from '../db/tables/accounts.js';
import {
  ConnectionError,
  type DocplannerClient,
  ForbiddenError,
  RateLimitedError,
} from '../docplanner/index.js';
import type { AccountTask } from './account-tasks.js';

export interface RedeliveryOptions {
  readonly marketplace: (account: Account) => DocplannerClient;
  readonly backoff: (account: Account, error: unknown, failures: number) => Promise<number>;
}

/** More than an hour, because the marketplace counts by its own clock. */
const EVERY_MS = 62 * MINUTE;

export function redelivering({ marketplace, backoff }: RedeliveryOptions): AccountTask {
  return {
    kind: 'redelivery',
    wanted: ({ notifications: { mode } }) => mode === 'push' || mode === 'both',
    notWithinMs: EVERY_MS,
    run: async (account) => {
      await marketplace(account).release();
      return EVERY_MS;
    },
    againAfterMs: async (account, error, failures) => {
      // Not a client that is pushed to: that is for support to change.
      if (error instanceof ForbiddenError) return DAY;
      if (error instanceof RateLimitedError) return error.retryAfterMs ?? EVERY_MS;
      // It may have been heard, and then it would be refused for an hour.
      if (error instanceof ConnectionError && error.mayHaveApplied) return EVERY_MS;
      return await backoff(account, error, failures);
    },
  };
}
