/**
 * A comparison that the marketplace refused or had no answer for: it is tried again a few times, or it is the resync's
 * failure. It is none of the calendar's publishing. Contract: Errors.
 */
import {
  ConflictError,
  DocplannerError,
  InvalidRequestError,
  TokenUnavailableError,
  UnauthorizedError,
} from '../../docplanner/index.js';
import { comparisonFailed, comparisonWaits, type OpenResync } from '../../store/resyncs.js';
import { type Backoff, backoffMs } from '../backoff.js';
import { BudgetSpentError } from '../budget-spent-error.js';
import { failureOf } from '../failure.js';
import type { Run } from '../run.js';

export type NotCompared =
  | { readonly kind: 'failed' }
  | { readonly kind: 'later'; readonly afterMs: number; readonly reason: string };

const MOST_TRIES = 5;
const AGAIN: Backoff = { firstMs: 5_000, capMs: 5 * 60_000 };

/**
 * @param waiting what the comparison was for
 * @throws what concerns the account, or is none of the marketplace's doing
 */
export async function notCompared(
  run: Run,
  waiting: readonly OpenResync[],
  error: unknown,
): Promise<NotCompared> {
  const { db, calendar, account, log, now, random } = run;
  const resyncs = waiting.map(({ resync }) => resync);
  if (error instanceof BudgetSpentError) {
    await comparisonWaits(db, resyncs, calendar.id, new Date(error.until));
    return { kind: 'later', afterMs: Math.max(0, error.until - now()), reason: error.message };
  }
  const verdict = verdictOf(error, now());
  if (verdict === 'not-ours' || !(error instanceof DocplannerError)) throw error;
  const reason = error.message;
  const tries = Math.max(...waiting.map((one) => one.tries)) + 1;
  const what = { calendar: calendar.id, account: account.id, tries, reason };
  if (verdict === 'final' || tries >= MOST_TRIES) {
    log.error(what, 'a calendar could not be compared');
    await comparisonFailed(db, resyncs, calendar.id, reason, null);
    return { kind: 'failed' };
  }
  const afterMs = Math.max(backoffMs(AGAIN, tries, random()), error.retryAfterMs ?? 0);
  log.warn({ ...what, afterMs }, 'comparing a calendar failed and is tried again');
  await comparisonFailed(db, resyncs, calendar.id, reason, new Date(now() + afterMs));
  return { kind: 'later', afterMs, reason };
}

function verdictOf(error: unknown, now: number): 'final' | 'again' | 'not-ours' {
  if (error instanceof InvalidRequestError || error instanceof ConflictError) return 'final';
  // Without a token nothing of the account can be asked, its publishing included.
  if (error instanceof UnauthorizedError || error instanceof TokenUnavailableError) return 'not-ours';
  const { kind } = failureOf(error, now);
  return kind === 'give-up' ? 'final' : kind === 'retry' ? 'again' : 'not-ours';
}
