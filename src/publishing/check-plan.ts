/** The last check before a write is sent: whether the days that it was planned from are unchanged. */

import type { CalendarContext } from '../context/context.js';
import type { Db } from '../db/schema.js';
import { haveDaysChanged } from '../db/tables/days.js';
import type { DesiredDay } from './desired-days.js';
import { PlanOutdatedError } from './plan-outdated-error.js';

/** Where days change continually, a write that closes is sent all the same. */
const MAX_OUTDATED = 5;

/**
 * Called immediately before a request that can put time on sale, after every wait.
 * @param db of `beforeWrite` ({@link CalendarContext.client})
 * @param days the days that the plan was made from
 * @throws {PlanOutdatedError} where any of them changed since, a few times at most
 */
export async function checkPlan(
  context: CalendarContext,
  db: Db,
  days: readonly Pick<DesiredDay, 'date' | 'generation'>[],
): Promise<void> {
  const { calendar, outdated } = context;
  if (outdated.count < MAX_OUTDATED && (await haveDaysChanged(db, calendar.id, days))) {
    outdated.count += 1;
    throw new PlanOutdatedError(calendar.id);
  }
  outdated.count = 0;
}
