/** The last look before a write is sent: whether what it was planned from is still so. */

import type { CalendarContext } from '../context/context.js';
import { haveChanged } from '../db/tables/days.js';
import type { WantedDay } from './desired-days.js';
import { PlanOutdatedError } from './plan-outdated-error.js';

/** Where days change without end, what closes is sent all the same. */
const MAX_OUTDATED = 5;

/**
 * Called when nothing is waited for any more before a request leaves that can put time on sale.
 * @param days what the plan was made from
 * @throws {PlanOutdatedError} where any of them changed since, a few times at most
 */
export async function checkPlan(
  context: CalendarContext,
  days: readonly Pick<WantedDay, 'date' | 'generation'>[],
): Promise<void> {
  const { db, calendar, outdated } = context;
  if (outdated.count < MAX_OUTDATED && (await haveChanged(db, calendar.id, days))) {
    outdated.count += 1;
    throw new PlanOutdatedError(calendar.id);
  }
  outdated.count = 0;
}
