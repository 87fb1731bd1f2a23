/** Logs once that a break blocks an appointment although the strategy would have booked it. */
import type { CalendarContext } from '../../context/context.js';
import type { ObservedState } from './observed-state.js';
import type { BlockingPlan } from './plan-blocking.js';
import { formatInstant } from './request-options.js';

export function logBreakFallback(
  context: CalendarContext,
  observed: ObservedState,
  { byBreaks }: BlockingPlan,
): void {
  const { calendar, log } = context;
  if (calendar.strategy !== 'book') return;
  for (const { start, end } of observed.findNewlyBlocked(byBreaks)) {
    log.info(
      { calendar: calendar.id, start: formatInstant(context, start), end: formatInstant(context, end) },
      'an appointment cannot be booked at its time; a break blocks it',
    );
  }
}
