/**
 * Explains whether a start is on offer, from one snapshot of the database: the conditions in their order, what was last sent and
 * last read, and what happens next. The slots are those that publishing computes.
 */
import { toIso } from '../core/index.js';
import type { Db } from '../db/schema.js';
import type { BusyTime } from '../db/tables/busy-time.js';
import { stateOf } from '../publishing/day-report.js';
import { inSnapshot } from '../publishing/desired-days.js';
import { priorityOf } from '../publishing/next-action.js';
import type { RateLimiter } from '../rate-limit/limiter.js';
import { checkStart } from './check-start.js';
import { CHECKS, type Explanation } from './explanation.js';
import { describeNext } from './next-step.js';
import { readFacts, type StartQuestion } from './start-facts.js';
import { readTimeline } from './timeline.js';

const covers = ({ start, end }: BusyTime, at: number): boolean => start.getTime() <= at && at < end.getTime();

export interface ExplainOptions {
  readonly db: Db;
  readonly rateLimiter: Pick<RateLimiter, 'findExhaustedUntil'>;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * @returns undefined for an unknown calendar
 * @throws {InvalidScheduleError} at `at` or `service`
 */
export async function explain(
  { db, rateLimiter, now }: ExplainOptions,
  question: StartQuestion,
): Promise<Explanation | undefined> {
  const facts = await inSnapshot(db, (tx) => readFacts(tx, question, now));
  if (facts === undefined) return undefined;
  const { calendar, account, at, service, view } = facts;
  const state = stateOf(view, calendar, account, now);
  const { checks, ...flags } = checkStart(facts);
  const exhaustedUntil =
    state === 'pending'
      ? await rateLimiter.findExhaustedUntil(account, priorityOf(view.day === undefined ? [] : [view.day]))
      : undefined;
  return {
    calendar: calendar.id,
    at: toIso(at, account.timeZone),
    service: service ?? null,
    ...flags,
    state,
    checks: CHECKS.map((check) => ({ check, ...checks[check] })),
    next: describeNext({ ...facts, state, exhaustedUntil }),
    timeline: await readTimeline(db, {
      calendar: calendar.id,
      date: view.date,
      at,
      refs: facts.busyTime.flatMap((one) =>
        one.source !== 'break' && one.ref !== null && covers(one, at) ? [one.ref] : [],
      ),
    }),
  };
}
