/** How what hides something is asked for: as urgently as the time that it closes or opens, in the account's wall clock. */

import type { Run } from '../../context/context.js';
import { toIso, urgency } from '../../core/index.js';
import type { DocplannerClient } from '../../docplanner/index.js';
import type { Interval } from '../../marketplace-state/dirty-days.js';

/** @param aboutToWrite see {@link Run.client} */
export function toClose(run: Run, span: Interval, aboutToWrite?: () => Promise<void>): DocplannerClient {
  return run.client(urgency({ closed: [span], opened: [], now: run.now() }), aboutToWrite);
}

/** @param aboutToWrite see {@link Run.client} */
export function toOpen(run: Run, span: Interval, aboutToWrite: () => Promise<void>): DocplannerClient {
  return run.client(urgency({ closed: [], opened: [span], now: run.now() }), aboutToWrite);
}

export const written = (run: Run, ms: number): string => toIso(ms, run.account.timeZone);
