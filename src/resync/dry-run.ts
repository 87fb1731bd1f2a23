/**
 * Compares one calendar and changes nothing: no day is published or marked, and nothing that was read is saved. The comparison
 * holds the calendar's lease, so that no write is in flight meanwhile, and waits for the rate limiter like any request.
 */
import { CalendarChangedError } from '../context/calendar-changed-error.js';
import { classifyError, findPermanentReason } from '../context/classify-error.js';
import type { Dependencies } from '../context/context.js';
import { readNothing, withLease } from '../context/lease.js';
import { retryAfterMs } from '../context/retry-after-failure.js';
import { MINUTE } from '../core/duration.js';
import { getAccount } from '../db/tables/accounts.js';
import { getCalendar } from '../db/tables/calendars.js';
import type { ComparisonResult } from '../db/tables/resync-calendars.js';
import { CircuitOpenError } from '../rate-limit/circuit-open-error.js';
import { compareCalendar } from './compare.js';

export type DryRunResult =
  | { readonly kind: 'compared'; readonly compared: ComparisonResult }
  | { readonly kind: 'failed'; readonly reason: string }
  /** The calendar does not exist any more. */
  | { readonly kind: 'deleted' };

/** Where another worker holds the lease. */
const LEASE_RETRY_MS = 500;
/** The caller waits for the answer. */
const MAX_ATTEMPTS = 5;
const MAX_OPEN_CIRCUIT_MS = 10 * MINUTE;

export async function dryRun(dependencies: Dependencies, id: string): Promise<DryRunResult> {
  const { db, now, timers } = dependencies;
  for (let attempts = 1; ; ) {
    const calendar = await getCalendar(db, id);
    const account = calendar && (await getAccount(db, calendar.account));
    if (calendar === undefined || account === undefined) return { kind: 'deleted' };
    if (calendar.failed !== undefined) return { kind: 'failed', reason: calendar.failed.reason };
    try {
      const leased = await withLease(dependencies, calendar, account, readNothing, (context) =>
        compareCalendar(context, true),
      );
      if (leased.kind === 'busy') {
        await timers.sleep(LEASE_RETRY_MS);
        continue;
      }
      const { compared, readAgainAt } = leased.result;
      if (readAgainAt === undefined || attempts >= MAX_ATTEMPTS) return { kind: 'compared', compared };
      attempts += 1;
      await timers.sleep(Math.max(0, readAgainAt - now()));
    } catch (error) {
      if (error instanceof CalendarChangedError) continue;
      const refusal = findPermanentReason(error);
      if (refusal !== undefined) return { kind: 'failed', reason: refusal };
      const classified = classifyError(error, now());
      if (classified.kind === 'unknown') throw error;
      if (classified.kind === 'retry' && classified.accountRefusal !== undefined) {
        return { kind: 'failed', reason: classified.accountRefusal };
      }
      if (error instanceof CircuitOpenError && error.until - now() > MAX_OPEN_CIRCUIT_MS) {
        return { kind: 'failed', reason: error.message };
      }
      if (classified.kind === 'retry' || classified.kind === 'firewall') {
        if (attempts >= MAX_ATTEMPTS) return { kind: 'failed', reason: classified.reason };
        attempts += 1;
      }
      await timers.sleep(await retryAfterMs(dependencies, account, error, attempts));
    }
  }
}
