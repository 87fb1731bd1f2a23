/** The clients and time format of blocking requests: their priority is that of the time that they close or open. */

import type { CalendarContext } from '../../context/context.js';
import { priority, toIso } from '../../core/index.js';
import type { Span } from '../../core/span.js';
import type { DocplannerClient } from '../../docplanner/index.js';

/** @param beforeWrite see {@link CalendarContext.client} */
export function closingClient(
  context: CalendarContext,
  span: Span,
  beforeWrite?: () => Promise<void>,
): DocplannerClient {
  return context.client(priority({ closed: [span], opened: [], now: context.now() }), beforeWrite);
}

/** @param beforeWrite see {@link CalendarContext.client} */
export function openingClient(
  context: CalendarContext,
  span: Span,
  beforeWrite: () => Promise<void>,
): DocplannerClient {
  return context.client(priority({ closed: [], opened: [span], now: context.now() }), beforeWrite);
}

export const formatInstant = (context: CalendarContext, ms: number): string =>
  toIso(ms, context.account.timeZone);
