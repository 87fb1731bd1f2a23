/** The sentence about what happens next with a day, from what the database has about it. Pure. */
import { HOUR, MINUTE, SECOND } from '../core/duration.js';
import type { DayState } from '../publishing/day-report.js';
import { entersHorizonOn, horizonOf } from '../publishing/horizon.js';
import type { StartFacts } from './start-facts.js';

export interface NextStepFacts
  extends Pick<StartFacts, 'calendar' | 'account' | 'accountState' | 'view' | 'progress' | 'at' | 'now'> {
  readonly state: DayState;
  /** Until when the account's allowance grants no write of the day's priority. */
  readonly exhaustedUntil: Date | undefined;
}

export function describeNext(facts: NextStepFacts): string {
  const { calendar, view, at, now, state } = facts;
  if (calendar.closing !== undefined) {
    return 'the calendar is being closed: everything of it is taken off sale, then it is deleted';
  }
  if (at < now) return 'nothing follows: the time is in the past';
  switch (state) {
    case 'held':
      return 'a change of the day is held until a person decides: slotkeeper held list';
    case 'unknown':
      return `nothing follows until an event or a snapshot says when the calendar is available on ${view.date}`;
    case 'in-sync':
      return 'the day is in sync: nothing follows until it changes';
    case 'failed':
      return describeFailure(facts);
    case 'pending':
      return describePending(facts);
  }
}

function describeFailure({ calendar, view, progress }: NextStepFacts): string {
  const { day } = view;
  if (day?.failedGeneration === day?.generation) {
    const reason = day?.error?.reason ?? 'its reason is not known';
    return `the day could not be published and is retried ${when(progress.retryAt)}: ${reason}`;
  }
  const { retryAt = null, reason = '' } = calendar.failed ?? {};
  return `the marketplace refuses the calendar, and it is retried ${when(retryAt)}: ${reason}`;
}

function describePending(facts: NextStepFacts): string {
  const { calendar, account, accountState, view, progress, exhaustedUntil, now } = facts;
  if (view.date > horizonOf(account.timeZone, now).to) {
    return `the day is published from ${entersHorizonOn(view.date)} on, when its date is near enough`;
  }
  const { state, reason, until } = accountState;
  if (state === 'refused') {
    return `the day waits until the marketplace accepts the credentials of account ${account.id}: ${reason ?? ''}`;
  }
  if (state === 'paused')
    return `the day waits until the pause of account ${account.id} ends ${when(until)}: ${reason ?? ''}`;
  const { retrying } = calendar;
  if (retrying !== undefined && retrying.at.getTime() > now) {
    return `the last attempt failed and is retried ${when(retrying.at)}: ${retrying.reason}`;
  }
  if (progress.readAt !== null) return `the day was sent, and is read ${when(progress.readAt)} to verify it`;
  if (progress.isLeased) return 'the calendar is being published now';
  if (exhaustedUntil !== undefined) {
    return `the day waits for the account's allowance, about ${durationOf(exhaustedUntil.getTime() - now)}`;
  }
  return progress.isQueued
    ? 'the day is enqueued and is published at once'
    : 'the requeue sweep enqueues the day, and it is published then';
}

const when = (at: Date | null): string => (at === null ? 'soon' : `at ${at.toISOString()}`);

function durationOf(ms: number): string {
  if (ms < 2 * MINUTE) return `${Math.ceil(ms / SECOND)} s`;
  return ms < 2 * HOUR ? `${Math.ceil(ms / MINUTE)} min` : `${Math.ceil(ms / HOUR)} h`;
}
