/** How what hides something is asked for: as urgently as the time that it closes or opens, in the account's wall clock. */

import type { CalendarContext } from '../../context/context.js';
import { priority, toIso } from '../../core/index.js';
import type { DocplannerClient } from '../../docplanner/index.js';
import type { Interval } from '../../marketplace-state/dirty-days.js';

/** @param aboutToWrite see {@link CalendarContext.client} */
export function toClose(
  run: CalendarContext,
  span: Interval,
  aboutToWrite?: () => Promise<void>,
): DocplannerClient {
  return run.client(priority({ closed: [span], opened: [], now: run.now() }), aboutToWrite);
}

/** @param aboutToWrite see {@link CalendarContext.client} */
export function toOpen(
  run: CalendarContext,
  span: Interval,
  aboutToWrite: () => Promise<void>,
): DocplannerClient {
  return run.client(priority({ closed: [], opened: [span], now: run.now() }), aboutToWrite);
}

export const written = (run: CalendarContext, ms: number): string => toIso(ms, run.account.timeZone);
