/** The clients and time format of blocking requests: their priority is that of the time that they close or open. */

import type { CalendarContext, WriteSubject } from '../../context/context.js';
import { datesOf, priority, toIso } from '../../core/index.js';
import type { Span } from '../../core/span.js';
import type { DocplannerClient } from '../../docplanner/index.js';

type BeforeWrite = Parameters<CalendarContext['client']>[1];

/** @param beforeWrite see {@link CalendarContext.client} */
export function closingClient(
  context: CalendarContext,
  span: Span,
  beforeWrite?: BeforeWrite,
  subject?: Pick<WriteSubject, 'booking' | 'ref'>,
): DocplannerClient {
  const change = priority({ closed: [span], opened: [], now: context.now() });
  return context.client(change, beforeWrite, { ...subject, days: daysOf(context, span, true) });
}

/** @param beforeWrite see {@link CalendarContext.client} */
export function openingClient(
  context: CalendarContext,
  span: Span,
  beforeWrite: BeforeWrite,
  subject?: Pick<WriteSubject, 'booking' | 'ref'>,
): DocplannerClient {
  const change = priority({ closed: [], opened: [span], now: context.now() });
  return context.client(change, beforeWrite, { ...subject, days: daysOf(context, span, false) });
}

const daysOf = ({ account }: CalendarContext, span: Span, closes: boolean) =>
  datesOf(span, account.timeZone).map((date) => ({ date, closes }));

export const formatInstant = (context: CalendarContext, ms: number): string =>
  toIso(ms, context.account.timeZone);
