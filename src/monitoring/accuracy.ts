/**
 * Reports how fast and how exactly the marketplace followed the clinics: for each local date and in sum, from the histograms of
 * `slotkeeper.accuracy`.
 */
import { datesBetween } from '../core/calendar-date.js';
import { SECOND } from '../core/duration.js';
import { addDays, isDate, localDate } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { getAccount, listAccounts } from '../db/tables/accounts.js';
import {
  findAccuracy,
  type HistogramBucket,
  type Measure,
  type MeasuredBucket,
} from '../db/tables/accuracy.js';
import { InvalidQueryError } from './invalid-query-error.js';

export interface AccuracyQuery {
  /** Default: all accounts together. */
  readonly account?: string | undefined;
  /** Local dates, both included; default the 30 dates up to `to`, and today (without an account: the latest of its accounts' dates). */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * Durations in milliseconds; null where `count` is 0. `maxMs` is exact. A percentile is the duration that this share of all
 * durations did not exceed; it is never too low, and at most 9% too high.
 */
export interface Percentiles {
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** From the commit of a change to the write that published it. */
export interface ChangeDurations extends Percentiles {
  /** From the commit of a change to the read that showed it. Changes that were published without a read are not counted. */
  readonly proven: Percentiles;
}

export interface AccuracyMeasures {
  /** Changes that took time off sale. */
  readonly closings: ChangeDurations;
  /** Changes that put time on sale. */
  readonly openings: ChangeDurations;
  /** For how long published slots offered busy time, summed over the days concerned. */
  readonly takenOnSaleSeconds: number;
  /** New conflicts: a marketplace booking and an appointment at the same time that are not linked. */
  readonly doubleBookings: number;
  /** The share of the days compared by resyncs that showed what they should, from 0 to 1; null where none was compared. */
  readonly matchRatio: number | null;
  /** The days compared by resyncs, dry runs excluded. */
  readonly comparedDays: number;
}

/** The measures in sum, and those of each date. */
export interface Accuracy extends AccuracyMeasures {
  /** Null: all accounts. */
  readonly account: string | null;
  readonly from: string;
  readonly to: string;
  readonly days: readonly ({ readonly date: string } & AccuracyMeasures)[];
}

const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;

/**
 * @returns undefined for an unknown account
 * @throws {InvalidQueryError}
 */
export async function readAccuracy(db: Db, query: AccuracyQuery, now: number): Promise<Accuracy | undefined> {
  const { account: id } = query;
  const account = id === undefined ? undefined : await getAccount(db, id);
  if (id !== undefined && account === undefined) return undefined;
  const accounts = account === undefined ? await listAccounts(db) : [account];
  const dates = accounts.map(({ timeZone }) => localDate(now, timeZone)).sort();
  const { from, to } = rangeOf(query, dates.at(-1) ?? localDate(now, 'UTC'));
  const buckets = await findAccuracy(db, { account: id, from, to });
  const byDate = groupBy(buckets, ({ date }) => date);
  const days = datesBetween(from, to).map((date) => ({ date, ...measuresOf(byDate.get(date) ?? []) }));
  return { account: id ?? null, from, to, ...measuresOf(buckets), days };
}

function rangeOf(query: AccuracyQuery, today: string): { readonly from: string; readonly to: string } {
  for (const path of ['from', 'to'] as const) {
    if (query[path] !== undefined && !isDate(query[path])) {
      throw new InvalidQueryError(path, 'must be a date of the calendar, written YYYY-MM-DD');
    }
  }
  const { to = today } = query;
  const { from = addDays(to, 1 - DEFAULT_DAYS) } = query;
  if (from > to) throw new InvalidQueryError('from', `is after ${to}, the last date`);
  if (addDays(from, MAX_DAYS - 1) < to) {
    throw new InvalidQueryError('from', `is more than ${MAX_DAYS} days before ${to}, the last date`);
  }
  return { from, to };
}

function measuresOf(buckets: readonly MeasuredBucket[]): AccuracyMeasures {
  const byMeasure = groupBy(buckets, ({ measure }) => measure);
  const durations = (measure: Measure): Percentiles => percentilesOf(byMeasure.get(measure) ?? []);
  const total = (measure: Measure): number =>
    (byMeasure.get(measure) ?? []).reduce((sum, bucket) => sum + bucket.total, 0);
  const comparedDays = total('compared-days');
  return {
    closings: { ...durations('closing-written'), proven: durations('closing-proven') },
    openings: { ...durations('opening-written'), proven: durations('opening-proven') },
    takenOnSaleSeconds: Math.round(total('taken-on-sale')) / SECOND,
    doubleBookings: total('double-bookings'),
    matchRatio: comparedDays === 0 ? null : total('matched-days') / comparedDays,
    comparedDays,
  };
}

/**
 * The percentiles of the values in these buckets, by the nearest rank. A value is counted as the largest of its bucket, whose
 * values differ by less than 9.1%, or 1 ms. Pure.
 * @param buckets of one measure, in any order; a bucket may occur several times
 */
export function percentilesOf(buckets: readonly HistogramBucket[]): Percentiles {
  const merged = new Map<number, Pick<HistogramBucket, 'count' | 'longest'>>();
  for (const { bucket, count, longest } of buckets) {
    const before = merged.get(bucket) ?? { count: 0, longest };
    merged.set(bucket, { count: before.count + count, longest: Math.max(before.longest, longest) });
  }
  const ascending = [...merged].sort(([a], [b]) => a - b).map(([, one]) => one);
  const total = ascending.reduce((sum, { count }) => sum + count, 0);
  const atShare = (share: number): number | null => {
    let counted = 0;
    for (const { count, longest } of ascending) {
      counted += count;
      if (counted >= share * total) return Math.round(longest);
    }
    return null;
  };
  return { count: total, p50Ms: atShare(0.5), p95Ms: atShare(0.95), p99Ms: atShare(0.99), maxMs: atShare(1) };
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
