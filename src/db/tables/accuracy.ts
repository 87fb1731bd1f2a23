/**
 * Queries of `slotkeeper.accuracy`: how long closings and openings took, how long busy time was on sale, and how much of what a
 * resync compared matched. Kept for each account and local date as histograms, and computed from the history.
 */
import { sql } from 'kysely';
import type { StatementPart } from '../combined-write.js';
import type { Db } from '../schema.js';

/**
 * `…-written`: from the commit of a change to the write that published it. `…-proven`: to the read that showed it.
 * `taken-on-sale`: how long published slots of a day offered busy time. All in milliseconds. `double-bookings`,
 * `compared-days` and `matched-days` are numbers.
 */
export type Measure =
  | 'closing-written'
  | 'closing-proven'
  | 'opening-written'
  | 'opening-proven'
  | 'taken-on-sale'
  | 'double-bookings'
  | 'compared-days'
  | 'matched-days';

export interface Measurement {
  readonly measure: Measure;
  readonly value: number;
}

/** Buckets of a factor of two in duration, so that a percentile is at most 9% too high. */
export const BUCKETS_PER_OCTAVE = 8;

const INSERT = sql`
  INSERT INTO slotkeeper.accuracy AS a (account_id, date, measure, bucket, count, total, longest)`;
const MERGE = sql`
  ON CONFLICT (account_id, date, measure, bucket) DO UPDATE SET
    count = a.count + excluded.count, total = a.total + excluded.total, longest = greatest(a.longest, excluded.longest)`;

/** Adds the rows of the statement part `measured` (measure, value) to the histograms. */
const addMeasured = (account: string, date: string) => sql`
  ${INSERT}
  SELECT ${account}::text, ${date}::date, measure, bucket, count(*), sum(value), max(value)
  FROM (
    SELECT measure, value, ceil(${BUCKETS_PER_OCTAVE} * ln(greatest(value, 1)) / ln(2))::smallint AS bucket
    FROM measured) m
  GROUP BY measure, bucket
  ORDER BY measure, bucket
  ${MERGE}`;

/** @param date local date of the account */
export async function addMeasurements(
  db: Db,
  account: string,
  date: string,
  measurements: readonly Measurement[],
): Promise<void> {
  if (measurements.length === 0) return;
  await sql`
    WITH measured AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(measurements)}::jsonb)
        AS k (measure text, value double precision))
    ${addMeasured(account, date)}`.execute(db);
}

/** A conflict that counts as a double booking, unless it is known already. */
export interface PossibleDoubleBooking {
  readonly account: string;
  /** The account's local date at present. */
  readonly date: string;
  /** The hash of its notification. */
  readonly hash: string;
}

/**
 * Adds the double bookings whose notification another part of the statement inserted, as a part of the statement.
 * @param part the name of that part, which returns `hash`
 */
export function addDoubleBookings(part: string, conflicts: readonly PossibleDoubleBooking[]): StatementPart {
  return sql`
    ${INSERT}
    SELECT k.account, k.date, 'double-bookings', 0, count(*), count(*), 1
    FROM (
      SELECT DISTINCT * FROM jsonb_to_recordset(${JSON.stringify(conflicts)}::jsonb)
        AS k (account text, date date, hash text)) k
    WHERE k.hash IN (SELECT hash FROM ${sql.id(part)})
    GROUP BY k.account, k.date
    ORDER BY k.account, k.date
    ${MERGE}`;
}

/** Days that are being recorded as published, with the generation that was sent of each. */
export interface ProvenDays {
  readonly calendar: string;
  readonly account: string;
  /** The account's local date at present. */
  readonly today: string;
  readonly days: readonly { readonly date: string; readonly generation: number }[];
  /** Whether a read has shown what was sent. */
  readonly isRead: boolean;
}

/**
 * Measures the changes that these days contain and that were not published before, each once. Called in the transaction that
 * records the days as published, before it does, and after the history of their writes is stored.
 */
export async function measurePublication(
  db: Db,
  { calendar, account, today, days, isRead }: ProvenDays,
  now: Date,
): Promise<readonly Measurement[]> {
  const { rows } = await sql<Measurement>`
    WITH entries AS MATERIALIZED (
      SELECT h.kind, h.date, h.at, h.detail, d.published_generation AS before, k.generation AS sent,
        (h.detail ->> 'generation')::bigint AS generation
      FROM unnest(${days.map(({ date }) => date)}::date[], ${days.map(({ generation }) => generation)}::bigint[])
        AS k (date, generation)
      CROSS JOIN LATERAL (
        SELECT published_generation, pending_since FROM slotkeeper.days
        WHERE calendar_id = ${calendar} AND date = k.date OFFSET 0) d
      CROSS JOIN LATERAL (
        SELECT kind, date, at, detail FROM slotkeeper.history
        WHERE calendar_id = ${calendar} AND date = k.date AND at >= d.pending_since OFFSET 0) h
      WHERE h.kind IN ('marked', 'sent')),
    written AS MATERIALIZED (
      SELECT m.date, m.at, m.detail ->> 'direction' AS direction, min(w.at) AS written_at,
        bool_or((w.detail ->> 'closes')::boolean) AS closes
      FROM entries m JOIN entries w ON w.date = m.date AND w.at >= m.at
      WHERE m.kind = 'marked' AND m.detail ->> 'direction' IN ('closing', 'opening')
        AND m.generation > m.before AND m.generation <= m.sent
        AND w.kind = 'sent' AND (w.detail ->> 'accepted')::boolean
        AND (w.generation IS NULL OR w.generation >= m.generation)
      GROUP BY m.date, m.at, m.generation, m.detail),
    measured AS MATERIALIZED (
      SELECT direction || '-written' AS measure, extract(epoch FROM written_at - at)::double precision * 1000 AS value
      FROM written
      UNION ALL
      SELECT direction || '-proven', extract(epoch FROM ${now}::timestamptz - at)::double precision * 1000
      FROM written WHERE ${isRead}::boolean
      UNION ALL
      SELECT 'taken-on-sale', extract(epoch FROM max(written_at) - min(at))::double precision * 1000
      FROM written WHERE direction = 'closing' AND closes GROUP BY date),
    stored AS (${addMeasured(account, today)})
    SELECT measure, value FROM measured`.execute(db);
  return rows;
}

export interface HistogramBucket {
  readonly bucket: number;
  readonly count: number;
  /** The sum of its values. */
  readonly total: number;
  readonly longest: number;
}

export interface MeasuredBucket extends HistogramBucket {
  /** Local date. */
  readonly date: string;
  readonly measure: Measure;
}

export interface AccuracyQuery {
  readonly account?: string | undefined;
  /** Local dates, both included. */
  readonly from: string;
  readonly to: string;
}

/** The histograms of an account, or those of all accounts together. */
export async function findAccuracy(db: Db, { account, from, to }: AccuracyQuery): Promise<MeasuredBucket[]> {
  const { rows } = await sql<Omit<MeasuredBucket, 'count'> & { readonly count: string }>`
    SELECT date, measure, bucket, sum(count) AS count, sum(total) AS total, max(longest) AS longest
    FROM slotkeeper.accuracy
    WHERE date BETWEEN ${from} AND ${to} AND (${account ?? null}::text IS NULL OR account_id = ${account ?? null})
    GROUP BY date, measure, bucket`.execute(db);
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/** @param before a local date */
export async function deleteExpiredAccuracy(db: Db, before: string): Promise<void> {
  await db.deleteFrom('slotkeeper.accuracy').where('date', '<', before).execute();
}
