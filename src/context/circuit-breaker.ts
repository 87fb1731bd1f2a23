/** After the firewall took an account for a bot: silence, longer each time. Contract: Limits. */
import { type Account, pauseAccount, recordPause } from '../db/tables/accounts.js';
import { backoffMs, FIREWALL } from '../lib/backoff.js';
import type { Dependencies } from './context.js';

/** Somebody else counted this stop; the account's pause tells how long it is. */
const COUNTED_MS = 1_000;

/**
 * Requests that were under way together are stopped together: that is one stop, and one pause.
 * @returns for how long, in milliseconds
 */
export async function openCircuit(
  dependencies: Pick<Dependencies, 'db' | 'budget' | 'log' | 'now' | 'random'>,
  account: Account,
  reason: string,
): Promise<number> {
  const { db, budget, log, now, random } = dependencies;
  const pauses = await recordPause(db, account.id, budget.pausesBefore(account.id));
  if (pauses === undefined) return COUNTED_MS;
  const afterMs = backoffMs(FIREWALL, pauses, random());
  const until = new Date(now() + afterMs);
  await pauseAccount(db, account.id, { until, reason });
  log.error({ account: account.id, until, pauses }, 'the firewall stopped the account; it pauses');
  return afterMs;
}
