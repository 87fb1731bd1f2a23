/** Reads from the marketplace what it shows of some days. */
import { addDays, localDate, startOfDate, toIso } from '../core/index.js';
import { DocplannerError, FirewallError } from '../docplanner/index.js';
import type { Interval } from '../occupancy/day-changes.js';
import { BudgetSpentError } from './budget-spent-error.js';
import type { Run } from './run.js';
import type { WantedDay } from './snapshot.js';
import { differences, type Start, takenBy } from './verify.js';

export interface DayDifference {
  readonly date: string;
  readonly expected: readonly string[];
  readonly shown: readonly string[];
}

/** The instants from the first of these days to the end of the last. */
export const rangeOf = (run: Run, days: readonly WantedDay[]): { from: string; to: string } => {
  const zone = run.account.timeZone;
  const dates = days.map((day) => day.date).sort();
  const [first, last] = [dates[0] ?? '', dates.at(-1) ?? ''];
  return {
    from: toIso(startOfDate(first, zone), zone),
    to: toIso(startOfDate(addDays(last, 1), zone), zone),
  };
};

/** @returns those of the dates that show anything. Contract: getSlots. */
export async function look(run: Run, days: readonly WantedDay[], urgency: number): Promise<Set<string>> {
  const client = run.client(urgency);
  const { from, to } = rangeOf(run, days);
  const starts = await client.getSlots(run.calendar, from, to);
  const wanted = new Set(days.map((day) => day.date));
  const dates = starts.map(({ start }) => localDate(Date.parse(start), run.account.timeZone));
  return new Set(dates.filter((date) => wanted.has(date)));
}

/**
 * The days that show something else than they were told; undefined when they could not be read, which is not a
 * difference.
 * @param hidden what must not show although it is in the slots
 */
export async function readBack(
  run: Run,
  days: readonly WantedDay[],
  urgency: number,
  hidden: readonly Interval[] = [],
): Promise<readonly DayDifference[] | undefined> {
  try {
    const client = run.client(urgency);
    const { from, to } = rangeOf(run, days);
    const zone = run.account.timeZone;
    const sent = days.map(({ date, wanted }) => ({ date, slots: wanted }));
    const dateOf = (ms: number): string => localDate(ms, zone);
    const starts = await client.getSlots(run.calendar, from, to);
    let found = differences(sent, { starts, taken: [] }, dateOf, run.now(), hidden);
    if (found.some((difference) => difference.missing.length > 0)) {
      // What is missing may be hidden by the marketplace's own bookings and breaks.
      const taken = takenBy(
        await client.getBookings(run.calendar, from, to),
        await client.getCalendarBreaks(run.calendar, from, to),
      );
      found = differences(sent, { starts, taken }, dateOf, run.now(), hidden);
    }
    const spell = (start: Start): string =>
      start.service === undefined ? toIso(start.at, zone) : `${toIso(start.at, zone)} (${start.service})`;
    return found.map(({ date, expected, shown }) => ({
      date,
      expected: expected.map(spell),
      shown: shown.map(spell),
    }));
  } catch (error) {
    if (!(error instanceof DocplannerError || error instanceof BudgetSpentError)) throw error;
    if (error instanceof FirewallError) await run.keepSilent(error.message);
    run.log.warn(
      { calendar: run.calendar.id, reason: error.message },
      'what was published could not be read back',
    );
    return undefined;
  }
}
