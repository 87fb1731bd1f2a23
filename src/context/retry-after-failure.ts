/** Applies a classified error to its account, and computes when the request is retried. */
import { recordAccountRefused } from '../db/tables/account-states.js';
import type { Account } from '../db/tables/accounts.js';
import { backoffMs, RETRY } from '../lib/backoff.js';
import { openCircuit } from './circuit-breaker.js';
import { classifyError } from './classify-error.js';
import type { Dependencies } from './context.js';

/**
 * Opens the account's circuit, or records that the marketplace refuses the account, where the error says so.
 * @param failures how many requests failed in a row, this one included
 * @returns milliseconds
 */
export async function retryAfterMs(
  dependencies: Pick<Dependencies, 'db' | 'rateLimiter' | 'log' | 'now' | 'random' | 'ownNotifications'>,
  account: Account,
  error: unknown,
  failures: number,
): Promise<number> {
  const { db, now, random } = dependencies;
  const classified = classifyError(error, now());
  const backoff = backoffMs(RETRY, failures, random());
  switch (classified.kind) {
    case 'wait':
      return classified.afterMs;
    case 'firewall':
      return await openCircuit(dependencies, account, classified.reason);
    case 'retry':
      if (classified.accountRefusal !== undefined) {
        await recordAccountRefused(db, account.id, classified.accountRefusal, new Date(now()));
      }
      return Math.max(classified.afterMs ?? 0, backoff);
    case 'permanent':
    case 'unknown':
      return backoff;
  }
}
