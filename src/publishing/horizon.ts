/** The dates that can be published: none in the past, and none after the marketplace's limit. Contract: Limits. */
import { DAY } from '../core/duration.js';
import { addDays, localDate } from '../core/index.js';

const DATES = 12 * 7;
const TWELVE_WEEKS = DATES * DAY;

export interface Horizon {
  /** Local dates, both included. */
  readonly from: string;
  readonly to: string;
}

/**
 * From today to the last date that lies wholly within twelve weeks: 84 dates.
 * @param now epoch milliseconds
 */
export function horizonOf(timeZone: string, now: number): Horizon {
  return { from: localDate(now, timeZone), to: addDays(localDate(now + TWELVE_WEEKS, timeZone), -1) };
}

/** The local date on which a date enters the horizon. */
export const entersHorizonOn = (date: string): string => addDays(date, 1 - DATES);
