/** When to ask the marketplace again for what is nobody's change: its notifications, its bookings. */
import { refuseAccount } from '../db/tables/account-states.js';
import type { Account } from '../db/tables/accounts.js';
import { backoffMs, RETRY } from '../lib/backoff.js';
import { keepSilent } from './circuit-breaker.js';
import { failureOf } from './classify-error.js';
import type { Means } from './context.js';

/**
 * @param failures how many there were one after another, this one included
 * @returns milliseconds
 */
export async function askAgainAfterMs(
  means: Pick<Means, 'db' | 'budget' | 'log' | 'now' | 'random'>,
  account: Account,
  error: unknown,
  failures: number,
): Promise<number> {
  const failure = failureOf(error, means.now());
  const backoff = backoffMs(RETRY, failures, means.random());
  switch (failure.kind) {
    case 'wait':
      return failure.afterMs;
    case 'firewall':
      return await keepSilent(means, account, failure.reason);
    case 'retry':
      if (failure.refusal !== undefined) {
        await refuseAccount(means.db, account.id, failure.refusal, new Date(means.now()));
      }
      return Math.max(failure.afterMs ?? 0, backoff);
    case 'give-up':
    case 'unknown':
      return backoff;
  }
}
