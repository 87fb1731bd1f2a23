/**
 * A comparison that the marketplace refused or had no answer for: it is the resync's failure, or it is tried again for as
 * long as the resync has (store/resyncs.ts). It is none of the calendar's publishing. Contract: Errors.
 */

import type { CalendarContext } from '../context/context.js';
import {
  type OpenResync,
  recordComparisonFailed,
  recordComparisonRefused,
  recordComparisonWait,
} from '../db/tables/resync-calendars.js';
import { type Backoff, backoffMs } from '../lib/backoff.js';
import { verdictOf } from './verdict.js';

export type ComparisonOutcome =
  | { readonly kind: 'failed' }
  | { readonly kind: 'later'; readonly afterMs: number; readonly reason: string };

/** An outage of the marketplace in the night must not cost the night. */
const AGAIN: Backoff = { firstMs: 5_000, capMs: 5 * 60_000 };

/**
 * @param waiting what the comparison was for
 * @throws what concerns the account, or is none of the marketplace's doing
 */
export async function notCompared(
  run: CalendarContext,
  waiting: readonly OpenResync[],
  error: unknown,
): Promise<ComparisonOutcome> {
  const { db, calendar, account, log, now, random } = run;
  const verdict = verdictOf(error, now());
  if (verdict.kind === 'not-ours') throw error;
  const { reason } = verdict;
  const resyncs = waiting.map(({ resync }) => resync);
  const about = { calendar: calendar.id, account: account.id, reason };
  switch (verdict.kind) {
    case 'refused':
      log.error(about, 'a calendar could not be compared');
      await recordComparisonRefused(db, resyncs, calendar.id, reason);
      return { kind: 'failed' };
    case 'wait':
      await recordComparisonWait(db, resyncs, calendar.id, new Date(now() + verdict.afterMs));
      return { kind: 'later', afterMs: verdict.afterMs, reason };
    case 'no-answer': {
      // Each resync counts its own: one that has just joined waits no longer than its first failure.
      const waits = await Promise.all(
        waiting.map(async ({ resync, tries }) => {
          const afterMs = Math.max(backoffMs(AGAIN, tries + 1, random()), verdict.notBeforeMs);
          await recordComparisonFailed(db, resync, calendar.id, reason, new Date(now() + afterMs));
          return afterMs;
        }),
      );
      const afterMs = Math.min(...waits);
      log.warn({ ...about, afterMs }, 'comparing a calendar failed and is tried again');
      return { kind: 'later', afterMs, reason };
    }
  }
}
