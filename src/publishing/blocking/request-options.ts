/** How what hides something is asked for: as urgently as the time that it closes or opens, in the account's wall clock. */
import type { CalendarContext } from '../../context/context.js';
import { priority, toIso } from '../../core/index.js';
import type { Span } from '../../core/span.js';
import type { DocplannerClient } from '../../docplanner/index.js';

/** @param aboutToWrite see {@link CalendarContext.client} */
export function toClose(
  context: CalendarContext,
  span: Span,
  aboutToWrite?: () => Promise<void>,
): DocplannerClient {
  return context.client(priority({ closed: [span], opened: [], now: context.now() }), aboutToWrite);
}

/** @param aboutToWrite see {@link CalendarContext.client} */
export function toOpen(
  context: CalendarContext,
  span: Span,
  aboutToWrite: () => Promise<void>,
): DocplannerClient {
  return context.client(priority({ closed: [], opened: [span], now: context.now() }), aboutToWrite);
}

export const written = (context: CalendarContext, ms: number): string => toIso(ms, context.account.timeZone);
