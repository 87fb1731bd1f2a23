/** Opens an account's circuit after its firewall blocked a request: each pause is longer than the one before. Contract: Limits. */

import { pauseAccount, recordPause } from '../db/tables/account-states.js';
import type { Account } from '../db/tables/accounts.js';
import { backoffMs, FIREWALL } from '../lib/backoff.js';
import type { Dependencies } from './context.js';

/** Another request counted this block already; the account's pause states its length. */
const ALREADY_COUNTED_MS = 1_000;

/**
 * Concurrent requests are blocked together: that counts as one block, and one pause.
 * @returns how long the circuit stays open, in milliseconds
 */
export async function openCircuit(
  dependencies: Pick<Dependencies, 'db' | 'rateLimiter' | 'log' | 'now' | 'random' | 'ownNotifications'>,
  account: Account,
  reason: string,
): Promise<number> {
  const { db, rateLimiter, log, now, random, ownNotifications } = dependencies;
  const pauses = await recordPause(db, account.id, rateLimiter.consecutivePauses(account.id));
  if (pauses === undefined) return ALREADY_COUNTED_MS;
  const afterMs = backoffMs(FIREWALL, pauses, random());
  const until = new Date(now() + afterMs);
  await pauseAccount(db, account.id, { until, reason }, new Date(now()), ownNotifications);
  log.error(
    { account: account.id, until, pauses },
    'the firewall blocked the account; its requests are paused',
  );
  return afterMs;
}
