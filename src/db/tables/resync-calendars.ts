/** Queries of `slotkeeper.resync_calendars`: the state and the result of each calendar in a resync. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

/** A day whose availability in the marketplace differs from what is wanted. */
export interface DriftingDay {
  readonly date: string;
  /** Bookable starts that are wanted and not shown, and those that are shown and not wanted: ISO 8601, with the service. */
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  /** Breaks and placeholders of ours that block no busy time any more. */
  readonly stale: number;
  /** Whether bookings or breaks of others differed from the database. */
  readonly foreign: boolean;
}

/** The result of a comparison; `missing`, `extra`, `stale` and `foreign` count days. */
export interface ComparisonResult {
  readonly daysCompared: number;
  readonly missing: number;
  readonly extra: number;
  readonly stale: number;
  readonly foreign: number;
  readonly reads: number;
  readonly days: readonly DriftingDay[];
}

export interface OpenResync {
  readonly resync: string;
  readonly state: 'waiting' | 'compared';
  readonly dryRun: boolean;
  /** How many comparisons failed, and when the next one is due. */
  readonly tries: number;
  readonly retryAt: Date | null;
  /** Whether days that had failed before were retried for it. */
  readonly retried: boolean;
}

/** Lists the resyncs that a calendar still has work for. */
export async function listOpenResyncs(db: Db, calendar: string): Promise<OpenResync[]> {
  const { rows } = await sql<OpenResync>`
    SELECT c.resync_id AS resync, c.state, r.dry_run AS "dryRun", c.tries, c.retry_at AS "retryAt",
           c.retried
    FROM slotkeeper.resync_calendars c JOIN slotkeeper.resyncs r ON r.id = c.resync_id
    WHERE c.calendar_id = ${calendar} AND c.state IN ('waiting', 'compared') AND r.state = 'running'`.execute(
    db,
  );
  return rows;
}

/** Counts the account's calendars that wait to be compared. */
export async function countWaitingCalendars(db: Db, account: string): Promise<number> {
  const { rows } = await sql<{ waiting: string }>`
    SELECT count(DISTINCT r.calendar_id) AS waiting
    FROM slotkeeper.resync_calendars r JOIN slotkeeper.calendars c ON c.id = r.calendar_id
    WHERE c.account_id = ${account} AND r.state = 'waiting'`.execute(db);
  return Number(rows[0]?.waiting ?? 0);
}

/** Records that days that had failed before were retried for these resyncs. */
export async function recordDaysRetried(db: Db, resyncs: readonly string[], calendar: string): Promise<void> {
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({ retried: true })
    .where('resync_id', 'in', [...resyncs])
    .where('calendar_id', '=', calendar)
    .execute();
}

/**
 * Saves the result of a comparison, unless the calendar's part in the resync has ended.
 * @param isDone whether nothing has to be published: then the part is done, and its failed days are reported
 */
export async function saveComparison(
  db: Db,
  resync: string,
  calendar: string,
  result: ComparisonResult,
  isDone: boolean,
): Promise<void> {
  const { daysCompared, missing, extra, stale, foreign, reads, days } = result;
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({
      state: isDone ? 'done' : 'compared',
      reason: isDone ? await describeFailedDays(db, calendar) : null,
      days_compared: daysCompared,
      missing,
      extra,
      stale,
      foreign,
      reads: sql`reads + ${reads}`,
      days: JSON.stringify(days),
    })
    .where('resync_id', '=', resync)
    .where('calendar_id', '=', calendar)
    .where('state', '=', 'waiting')
    .execute();
}

/** Records that the marketplace refuses a comparison for good: the calendar's part has failed. */
export async function recordComparisonRefused(
  db: Db,
  resyncs: readonly string[],
  calendar: string,
  reason: string,
): Promise<void> {
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({ state: 'failed', reason })
    .where('resync_id', 'in', [...resyncs])
    .where('calendar_id', '=', calendar)
    .where('state', '=', 'waiting')
    .execute();
}

/** Records that a comparison failed and is retried. */
export async function recordComparisonFailed(
  db: Db,
  resync: string,
  calendar: string,
  reason: string,
  retryAt: Date,
): Promise<void> {
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({ tries: sql`tries + 1`, retry_at: retryAt, reason })
    .where('resync_id', '=', resync)
    .where('calendar_id', '=', calendar)
    .where('state', '=', 'waiting')
    .execute();
}

/** Delays a comparison until requests are available. The delay is no failure, and no job is enqueued before it is over. */
export async function recordComparisonDelay(
  db: Db,
  resyncs: readonly string[],
  calendar: string,
  until: Date,
): Promise<void> {
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({ retry_at: until })
    .where('resync_id', 'in', [...resyncs])
    .where('calendar_id', '=', calendar)
    .where('state', '=', 'waiting')
    .execute();
}

/** Adds the reads of a comparison without a result. */
export async function addResyncReads(
  db: Db,
  resyncs: readonly string[],
  calendar: string,
  reads: number,
): Promise<void> {
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({ reads: sql`reads + ${reads}` })
    .where('resync_id', 'in', [...resyncs])
    .where('calendar_id', '=', calendar)
    .where('state', '=', 'waiting')
    .execute();
}

/** Adds the writes that published what a comparison found. */
export async function addResyncWrites(db: Db, calendar: string, writes: number): Promise<void> {
  await sql`
    UPDATE slotkeeper.resync_calendars SET writes = writes + ${writes}
    WHERE calendar_id = ${calendar} AND state = 'compared'`.execute(db);
}

/** How many failed days of a calendar a report describes. */
const MAX_FAILED_DAYS = 5;

/** Records that everything that a comparison found was published or failed; the failed days are reported. */
export async function recordCalendarDone(db: Db, resync: string, calendar: string): Promise<void> {
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({ state: 'done', reason: await describeFailedDays(db, calendar) })
    .where('resync_id', '=', resync)
    .where('calendar_id', '=', calendar)
    .where('state', '=', 'compared')
    .execute();
}

/** Describes the failed days of a calendar with their reasons; null where there are none. */
export async function describeFailedDays(db: Db, calendar: string): Promise<string | null> {
  const { rows: failed } = await sql<{ date: string; reason: string | null }>`
    SELECT date, error->>'reason' AS reason FROM slotkeeper.days
    WHERE calendar_id = ${calendar} AND generation > published_generation AND failed_generation = generation
    ORDER BY date`.execute(db);
  const described = failed
    .slice(0, MAX_FAILED_DAYS)
    .map(({ date, reason }) => `${date}: ${reason ?? 'failed'}`);
  if (failed.length > described.length) described.push(`and ${failed.length - described.length} days more`);
  return described.length === 0 ? null : described.join('; ');
}
