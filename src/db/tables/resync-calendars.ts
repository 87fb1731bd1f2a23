/** Each calendar's part in a resync: what is still to be compared, what was found, what became of it. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

/** A day that shows something else than it should. */
export interface DriftingDay {
  readonly date: string;
  /** Bookable starts that should show and do not, and those that show and should not: ISO 8601, with the service. */
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  /** Breaks and placeholders of ours that hide nothing any more. */
  readonly stale: number;
  /** Whether bookings or breaks of others were not as they were known. */
  readonly foreign: boolean;
}

/** What a comparison found, counted in days. */
export interface Compared {
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
  /** Comparisons that failed, and when the next is due. */
  readonly tries: number;
  readonly retryAt: Date | null;
  /** Whether days that had failed before were tried again for it. */
  readonly retried: boolean;
}

/** What is still to be done for a calendar. */
export async function openResyncs(db: Db, calendar: string): Promise<OpenResync[]> {
  const { rows } = await sql<OpenResync>`
    SELECT c.resync_id AS resync, c.state, r.dry_run AS "dryRun", c.tries, c.retry_at AS "retryAt",
           c.retried
    FROM slotkeeper.resync_calendars c JOIN slotkeeper.resyncs r ON r.id = c.resync_id
    WHERE c.calendar_id = ${calendar} AND c.state IN ('waiting', 'compared') AND r.state = 'running'`.execute(
    db,
  );
  return rows;
}

/** Days that had failed before are tried again for these. */
export async function recordRetried(db: Db, resyncs: readonly string[], calendar: string): Promise<void> {
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({ retried: true })
    .where('resync_id', 'in', [...resyncs])
    .where('calendar_id', '=', calendar)
    .execute();
}

/**
 * Where it is over by then, nothing is written down.
 * @param isThrough whether nothing has to be written: then the days that could not be put right are told
 */
export async function saveCompared(
  db: Db,
  resync: string,
  calendar: string,
  compared: Compared,
  isThrough: boolean,
): Promise<void> {
  const { daysCompared, missing, extra, stale, foreign, reads, days } = compared;
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({
      state: isThrough ? 'done' : 'compared',
      reason: isThrough ? await failedOf(db, calendar) : null,
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

/** A comparison was refused, and would be again: the calendar's part has failed. */
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

/** A comparison was not answered, and is tried again. */
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

/** There is no request for a comparison until then: it is nobody's failure, and nobody has to be woken before. */
export async function recordComparisonWait(
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

/** Something else is shown on these days than they were told last: they are told again, although that is not new. */
export async function markUnverified(db: Db, calendar: string, dates: readonly string[]): Promise<void> {
  if (dates.length === 0) return;
  await db
    .updateTable('slotkeeper.days')
    .set({ verified: false })
    .where('calendar_id', '=', calendar)
    .where('date', 'in', [...dates])
    .execute();
}

/** Requests of a comparison that came to nothing. */
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

/** Requests that were made to publish what a comparison found. */
export async function addResyncWrites(db: Db, calendar: string, writes: number): Promise<void> {
  await sql`
    UPDATE slotkeeper.resync_calendars SET writes = writes + ${writes}
    WHERE calendar_id = ${calendar} AND state = 'compared'`.execute(db);
}

/** What a report says one by one of the days of a calendar that could not be put right. */
const MAX_FAILED_DAYS = 5;

/** Everything that was found is published, or could not be: then the days and their reasons are told. */
export async function finishCalendar(db: Db, resync: string, calendar: string): Promise<void> {
  await db
    .updateTable('slotkeeper.resync_calendars')
    .set({ state: 'done', reason: await failedOf(db, calendar) })
    .where('resync_id', '=', resync)
    .where('calendar_id', '=', calendar)
    .where('state', '=', 'compared')
    .execute();
}

/** The days that the marketplace would not take, or show, with their reasons; null where there are none. */
export async function failedOf(db: Db, calendar: string): Promise<string | null> {
  const { rows: failed } = await sql<{ date: string; reason: string | null }>`
    SELECT date, error->>'reason' AS reason FROM slotkeeper.days
    WHERE calendar_id = ${calendar} AND generation > published_generation AND failed_generation = generation
    ORDER BY date`.execute(db);
  const told = failed.slice(0, MAX_FAILED_DAYS).map(({ date, reason }) => `${date}: ${reason ?? 'failed'}`);
  if (failed.length > told.length) told.push(`and ${failed.length - told.length} days more`);
  return told.length === 0 ? null : told.join('; ');
}
