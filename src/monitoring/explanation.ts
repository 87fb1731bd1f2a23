/** The explanation of whether a start is on offer, as the API returns it. */
import type { DayState } from '../publishing/day-report.js';
import type { HistoryItem } from './history.js';

export interface Explanation {
  readonly calendar: string;
  /** ISO 8601 in the account's zone. */
  readonly at: string;
  /** The address service id that was asked for; null: any service. */
  readonly service: string | null;
  /** Whether the start is on offer by the database. */
  readonly wanted: boolean;
  /** Whether it was in what was last sent. */
  readonly published: boolean;
  /** Whether it was in what was last read from the marketplace; null where the day was never read. */
  readonly shown: boolean | null;
  /** The state of its day. */
  readonly state: DayState;
  readonly checks: readonly Check[];
  /** What happens next, in one sentence. */
  readonly next: string;
  /** The newest entries of the history that concern this time, oldest first. */
  readonly timeline: readonly HistoryItem[];
}

/** In the order in which they are made. */
export const CHECKS = [
  'calendar',
  'account',
  'horizon',
  'window',
  'service',
  'busy',
  'rules',
  'fits',
  'published',
  'shown',
] as const;

export interface Check extends CheckResult {
  readonly check: (typeof CHECKS)[number];
}

export interface CheckResult {
  /** null: not checked, or unknown. */
  readonly ok: boolean | null;
  /** One sentence. */
  readonly detail: string;
  /** What takes the time. */
  readonly by?: Taker | undefined;
}

/** What takes a time. `buffer`: the time that is kept free around what `ref`, `booking` or `break` names. */
export interface Taker {
  /** `shared`: a break that was made for another calendar, whose address is coupled with this one. */
  readonly kind: 'appointment' | 'booking' | 'break' | 'buffer' | 'shared';
  readonly ref?: string | undefined;
  readonly booking?: string | undefined;
  readonly break?: string | undefined;
  /** The other calendar, where it is known. */
  readonly calendar?: string | undefined;
  /** ISO 8601 in the account's zone, half-open. */
  readonly start: string;
  readonly end: string;
}
