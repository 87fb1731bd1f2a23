/** Says that a break hides an appointment which the calendar would rather have booked: once, when that becomes so. */
import type { CalendarContext } from '../../context/context.js';
import type { ObservedState } from './observed-state.js';
import type { BlockingPlan } from './plan-blocking.js';
import { written } from './request-options.js';

export function logBreakFallback(
  context: CalendarContext,
  seen: ObservedState,
  { byBreaks }: BlockingPlan,
): void {
  const { calendar, log } = context;
  if (calendar.strategy !== 'book') return;
  for (const { start, end } of seen.cameToHide(byBreaks)) {
    log.info(
      { calendar: calendar.id, start: written(context, start), end: written(context, end) },
      'an appointment cannot be booked there; a break hides it',
    );
  }
}
