/**
 * Requests redelivery of pushes that failed while this engine was unreachable, at most once per hour. Contract: Notifications
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
import type { ScheduledTask } from '../tasks/scheduled-tasks.js';

export interface RedeliveryOptions {
  readonly client: (account: Account) => DocplannerClient;
  readonly backoff: (account: Account, error: unknown, failures: number) => Promise<number>;
}

/** More than an hour, because the marketplace counts by its own clock. */
const INTERVAL_MS = 62 * MINUTE;

export function createRedeliveryTask({ client, backoff }: RedeliveryOptions): ScheduledTask {
  return {
    kind: 'redelivery',
    isEnabled: ({ notifications: { mode } }) => mode === 'push' || mode === 'both',
    minIntervalMs: INTERVAL_MS,
    run: async (account) => {
      await client(account).release();
      return INTERVAL_MS;
    },
    retryAfterMs: async (account, error, failures) => {
      // The marketplace does not push to this client; only its support can change that.
      if (error instanceof ForbiddenError) return DAY;
      if (error instanceof RateLimitedError) return error.retryAfterMs ?? INTERVAL_MS;
      // The request may have been applied, and a second one would be refused for an hour.
      if (error instanceof ConnectionError && error.mayHaveApplied) return INTERVAL_MS;
      return await backoff(account, error, failures);
    },
  };
}
