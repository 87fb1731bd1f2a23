/**
 * A comparison and nothing else, for those who only want to know: nothing is published, marked, or taken into the record.
 * It has the calendar's lease, so that no write is under way meanwhile, and waits for what a request has to wait for.
 */

import { CalendarChangedError } from '../context/calendar-changed-error.js';
import { classifyError } from '../context/classify-error.js';
import type { Dependencies } from '../context/context.js';
import { withLease } from '../context/lease.js';
import { retryAfterMs } from '../context/retry-after-failure.js';
import { getAccount } from '../db/tables/accounts.js';
import { getCalendar } from '../db/tables/calendars.js';
import type { Compared } from '../db/tables/resync-calendars.js';
import { CircuitOpenError } from '../rate-limit/circuit-open-error.js';
import { compareCalendar } from './compare.js';
import { verdictOf } from './verdict.js';

export type Looked =
  | { readonly kind: 'compared'; readonly compared: Compared }
  | { readonly kind: 'failed'; readonly reason: string }
  /** There is no such calendar any more. */
  | { readonly kind: 'gone' };

const ANOTHER_HAS_IT_MS = 500;
/** Somebody waits for the answer. */
const MAX_TRIES = 5;
const MAX_OPEN_CIRCUIT_MS = 10 * 60_000;

export async function compareOnly(dependencies: Dependencies, id: string): Promise<Looked> {
  const { db, now, timers } = dependencies;
  for (let tries = 1; ; ) {
    const calendar = await getCalendar(db, id);
    const account = calendar && (await getAccount(db, calendar.account));
    if (calendar === undefined || account === undefined) return { kind: 'gone' };
    if (calendar.failed !== undefined) return { kind: 'failed', reason: calendar.failed.reason };
    try {
      const ran = await withLease(dependencies, calendar, account, (run) => compareCalendar(run, true));
      if (ran.kind === 'taken') {
        await timers.sleep(ANOTHER_HAS_IT_MS);
        continue;
      }
      const { compared, readAgainAt } = ran.result;
      if (readAgainAt === undefined || tries >= MAX_TRIES) return { kind: 'compared', compared };
      tries += 1;
      await timers.sleep(Math.max(0, readAgainAt - now()));
    } catch (error) {
      if (error instanceof CalendarChangedError) continue;
      const verdict = verdictOf(error, now());
      if (verdict.kind === 'refused') return { kind: 'failed', reason: verdict.reason };
      const failure = classifyError(error, now());
      if (failure.kind === 'unknown') throw error;
      if (failure.kind === 'retry' && failure.refusal !== undefined) {
        return { kind: 'failed', reason: failure.refusal };
      }
      if (error instanceof CircuitOpenError && error.until - now() > MAX_OPEN_CIRCUIT_MS) {
        return { kind: 'failed', reason: error.message };
      }
      if (failure.kind === 'retry' || failure.kind === 'firewall') {
        if (tries >= MAX_TRIES) return { kind: 'failed', reason: failure.reason };
        tries += 1;
      }
      await timers.sleep(await retryAfterMs(dependencies, account, error, tries));
    }
  }
}
