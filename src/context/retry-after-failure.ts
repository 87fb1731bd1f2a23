/** When to ask the marketplace again for what is nobody's change: its notifications, its bookings. */
import { recordAccountRefused } from '../db/tables/account-states.js';
import type { Account } from '../db/tables/accounts.js';
import { backoffMs, RETRY } from '../lib/backoff.js';
import { openCircuit } from './circuit-breaker.js';
import { classifyError } from './classify-error.js';
import type { Dependencies } from './context.js';

/**
 * @param failures how many there were one after another, this one included
 * @returns milliseconds
 */
export async function retryAfterMs(
  dependencies: Pick<Dependencies, 'db' | 'budget' | 'log' | 'now' | 'random'>,
  account: Account,
  error: unknown,
  failures: number,
): Promise<number> {
  const failure = classifyError(error, dependencies.now());
  const backoff = backoffMs(RETRY, failures, dependencies.random());
  switch (failure.kind) {
    case 'wait':
      return failure.afterMs;
    case 'firewall':
      return await openCircuit(dependencies, account, failure.reason);
    case 'retry':
      if (failure.refusal !== undefined) {
        await recordAccountRefused(
          dependencies.db,
          account.id,
          failure.refusal,
          new Date(dependencies.now()),
        );
      }
      return Math.max(failure.afterMs ?? 0, backoff);
    case 'give-up':
    case 'unknown':
      return backoff;
  }
}
