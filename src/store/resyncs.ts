/**
 * Full resyncs. What is still to be compared is a query, so that one that was cut off goes on where it was; each calendar
 * is compared by whoever publishes it.
 */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from './schema.js';

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

export interface ResyncFailure {
  /** One of them is named. */
  readonly account?: string;
  readonly calendar?: string;
  readonly reason: string;
}

export interface StoredResync {
  readonly id: string;
  readonly dryRun: boolean;
  readonly state: 'fetching' | 'running' | 'done' | 'failed';
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** How many there are, and how many of them are through. */
  readonly calendars: number;
  readonly calendarsDone: number;
  readonly daysCompared: number;
  readonly missing: number;
  readonly extra: number;
  readonly stale: number;
  readonly foreign: number;
  readonly reads: number;
  readonly writes: number;
  readonly failures: readonly ResyncFailure[];
  readonly days: readonly (DriftingDay & { readonly calendar: string })[];
}

export interface NewResync {
  /** Where it is for one account's calendars. */
  readonly account?: string | undefined;
  /** Default: all, or all of the account. */
  readonly calendars?: readonly string[] | undefined;
  readonly dryRun: boolean;
}

/**
 * Begins one. Where one is under way that looks at these calendars anyway, that is the one: one that looks at no others,
 * or that has compared none of these yet.
 * @returns its id
 */
export async function beginResync(db: Db, asked: NewResync, now: Date): Promise<string> {
  return await db.transaction().execute(async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(hashtext('slotkeeper resync'))`.execute(tx);
    // One that has had its time, in a process that was killed or in a backup, is none to be joined.
    await finishResyncs(tx, now);
    const wanted = sql`
      SELECT id FROM slotkeeper.calendars
      WHERE (${asked.account ?? null}::text IS NULL OR account_id = ${asked.account ?? null})
        AND (${asked.calendars === undefined}::boolean
          OR id IN (SELECT jsonb_array_elements_text(${JSON.stringify(asked.calendars ?? [])}::jsonb)))`;
    const { rows } = await sql<{ id: string }>`
      SELECT r.id FROM slotkeeper.resyncs r
      WHERE r.finished_at IS NULL AND r.dry_run = ${asked.dryRun}
        AND EXISTS (SELECT FROM (${wanted}) w)
        AND NOT EXISTS (
          SELECT FROM (${wanted}) w
          WHERE NOT EXISTS (
            SELECT FROM slotkeeper.resync_calendars c WHERE c.resync_id = r.id AND c.calendar_id = w.id))
        AND NOT EXISTS (
          SELECT FROM (${wanted}) w
          JOIN slotkeeper.resync_calendars c ON c.resync_id = r.id AND c.calendar_id = w.id AND c.state <> 'waiting'
          WHERE EXISTS (
            SELECT FROM slotkeeper.resync_calendars o
            WHERE o.resync_id = r.id AND o.calendar_id NOT IN (SELECT v.id FROM (${wanted}) v)))
      ORDER BY r.started_at LIMIT 1`.execute(tx);
    const [running] = rows;
    if (running !== undefined) return running.id;
    const id = `rsy_${randomUUID()}`;
    await sql`
      INSERT INTO slotkeeper.resyncs (id, account_id, dry_run, state, started_at, queued_at)
      VALUES (${id}, ${asked.account ?? null}, ${asked.dryRun}, 'fetching', ${now}, ${now})`.execute(tx);
    await sql`
      INSERT INTO slotkeeper.resync_calendars (resync_id, calendar_id)
      SELECT ${id}, w.id FROM (${wanted}) w`.execute(tx);
    return id;
  });
}

/** The accounts of its calendars. */
export async function accountsOfResync(db: Db, id: string): Promise<string[]> {
  const { rows } = await sql<{ account_id: string }>`
    SELECT DISTINCT c.account_id FROM slotkeeper.resync_calendars r
    JOIN slotkeeper.calendars c ON c.id = r.calendar_id
    WHERE r.resync_id = ${id} ORDER BY 1`.execute(db);
  return rows.map((row) => row.account_id);
}

/** What the clinics say is in the record, as far as that went; the calendars are compared from here on. */
export async function startComparing(
  db: Db,
  id: string,
  failures: readonly ResyncFailure[],
  now: Date,
): Promise<void> {
  await sql`
    UPDATE slotkeeper.resyncs SET state = 'running', running_at = ${now}, failures = failures || ${JSON.stringify(failures)}::jsonb
    WHERE id = ${id} AND state = 'fetching'`.execute(db);
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
export async function noteRetried(db: Db, resyncs: readonly string[], calendar: string): Promise<void> {
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
export async function comparisonRefused(
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
export async function comparisonFailed(
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
export async function comparisonWaits(
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
export async function distrust(db: Db, calendar: string, dates: readonly string[]): Promise<void> {
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
const MOST_FAILED_DAYS = 5;

/** Everything that was found is published, or could not be: then the days and their reasons are told. */
export async function concludeResync(db: Db, resync: string, calendar: string): Promise<void> {
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
  const told = failed.slice(0, MOST_FAILED_DAYS).map(({ date, reason }) => `${date}: ${reason ?? 'failed'}`);
  if (failed.length > told.length) told.push(`and ${failed.length - told.length} days more`);
  return told.length === 0 ? null : told.join('; ');
}

/** Calendars that wait to be compared and that nobody was told of lately, oldest first. */
export async function calendarsToResync(db: Db, now: Date, notSince: Date, limit: number): Promise<string[]> {
  const { rows } = await sql<{ calendar_id: string }>`
    UPDATE slotkeeper.resync_calendars c SET woken_at = ${now}
    FROM (
      SELECT o.resync_id, o.calendar_id FROM slotkeeper.resync_calendars o
      JOIN slotkeeper.resyncs r ON r.id = o.resync_id AND r.state = 'running'
      WHERE o.state IN ('waiting', 'compared') AND (o.woken_at IS NULL OR o.woken_at < ${notSince})
        AND (o.retry_at IS NULL OR o.retry_at <= ${now})
      ORDER BY r.started_at, o.calendar_id LIMIT ${limit}) k
    WHERE c.resync_id = k.resync_id AND c.calendar_id = k.calendar_id
    RETURNING c.calendar_id`.execute(db);
  return [...new Set(rows.map((row) => row.calendar_id))];
}

/** Those that were begun and whose job was lost. */
export async function resyncsToQueue(db: Db, now: Date, notSince: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    UPDATE slotkeeper.resyncs SET queued_at = ${now}
    WHERE state = 'fetching' AND queued_at < ${notSince} RETURNING id`.execute(db);
  return rows.map(({ id }) => id);
}

/** A calendar that has not been through for so long does not keep the next night's from beginning. */
const LONGEST_MS = 12 * 60 * 60_000;

/** Ends those of which every calendar is through, has failed, or has had half a day. */
export async function finishResyncs(db: Db, now: Date): Promise<void> {
  await sql`
    UPDATE slotkeeper.resync_calendars r SET state = 'failed', reason = c.failed_reason
    FROM slotkeeper.calendars c
    WHERE c.id = r.calendar_id AND c.failed_reason IS NOT NULL AND r.state IN ('waiting', 'compared')`.execute(
    db,
  );
  await sql`
    UPDATE slotkeeper.resync_calendars r
    SET state = 'failed', reason = coalesce(r.reason, c.retry_reason, 'did not come to its turn')
    FROM slotkeeper.resyncs o, slotkeeper.calendars c
    WHERE o.id = r.resync_id AND c.id = r.calendar_id AND r.state IN ('waiting', 'compared') AND o.state = 'running'
      AND coalesce(o.running_at, o.started_at) < ${new Date(now.getTime() - LONGEST_MS)}`.execute(db);
  await sql`
    UPDATE slotkeeper.resyncs r SET finished_at = ${now}, state = CASE
      WHEN EXISTS (SELECT FROM slotkeeper.resync_calendars c WHERE c.resync_id = r.id AND c.state = 'failed')
        AND NOT EXISTS (SELECT FROM slotkeeper.resync_calendars c WHERE c.resync_id = r.id AND c.state = 'done')
      THEN 'failed' ELSE 'done' END
    WHERE r.state = 'running' AND r.finished_at IS NULL AND NOT EXISTS (
      SELECT FROM slotkeeper.resync_calendars c
      WHERE c.resync_id = r.id AND c.state IN ('waiting', 'compared'))`.execute(db);
}

/**
 * When the account's calendars were last compared, all of them and not only to tell: when that ended, or now where it is
 * under way. One that took all the time that there is was cut off somewhere: it counts as of when it began.
 */
export async function lastResync(db: Db, account: string, now: Date): Promise<Date | undefined> {
  const { rows } = await sql<{ at: Date | null }>`
    SELECT max(CASE
        WHEN coalesce(r.finished_at, ${now}::timestamptz) - coalesce(r.running_at, r.started_at)
          >= make_interval(secs => ${LONGEST_MS / 1_000}) THEN r.started_at
        ELSE coalesce(r.finished_at, ${now}::timestamptz) END) AS at
    FROM slotkeeper.resyncs r
    WHERE NOT r.dry_run AND (r.account_id = ${account} OR r.account_id IS NULL AND NOT EXISTS (
      SELECT FROM slotkeeper.calendars a
      WHERE a.account_id = ${account} AND NOT EXISTS (
        SELECT FROM slotkeeper.resync_calendars c
        WHERE c.resync_id = r.id AND c.calendar_id = a.id)))`.execute(db);
  return rows[0]?.at ?? undefined;
}

export async function forgetResyncs(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.resyncs').where('finished_at', '<', before).execute();
}

/** @param mostDays that are told one by one */
export async function getResync(db: Db, id: string, mostDays: number): Promise<StoredResync | undefined> {
  const { rows } = await sql<Omit<StoredResync, 'failures' | 'days'> & { failures: ResyncFailure[] }>`
    SELECT r.id, r.dry_run AS "dryRun", r.state, r.started_at AS "startedAt", r.finished_at AS "finishedAt", r.failures,
      count(c.*)::integer AS calendars,
      (count(c.*) FILTER (WHERE c.state IN ('done', 'failed')))::integer AS "calendarsDone",
      coalesce(sum(c.days_compared), 0)::integer AS "daysCompared",
      coalesce(sum(c.missing), 0)::integer AS missing, coalesce(sum(c.extra), 0)::integer AS extra,
      coalesce(sum(c.stale), 0)::integer AS stale, coalesce(sum(c."foreign"), 0)::integer AS "foreign",
      coalesce(sum(c.reads), 0)::integer AS reads, coalesce(sum(c.writes), 0)::integer AS writes
    FROM slotkeeper.resyncs r LEFT JOIN slotkeeper.resync_calendars c ON c.resync_id = r.id
    WHERE r.id = ${id} GROUP BY r.id`.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  const failed = await sql<ResyncFailure>`
    SELECT calendar_id AS calendar, coalesce(reason, '') AS reason FROM slotkeeper.resync_calendars
    WHERE resync_id = ${id} AND (state = 'failed' OR state = 'done' AND reason IS NOT NULL)
    ORDER BY calendar_id`.execute(db);
  const days = await sql<DriftingDay & { calendar: string }>`
    SELECT c.calendar_id AS calendar, d.* FROM slotkeeper.resync_calendars c
    CROSS JOIN LATERAL jsonb_to_recordset(coalesce(c.days, '[]'::jsonb))
      AS d (date text, missing jsonb, extra jsonb, stale integer, "foreign" boolean)
    WHERE c.resync_id = ${id} ORDER BY c.calendar_id, d.date LIMIT ${mostDays}`.execute(db);
  return { ...row, failures: [...row.failures, ...failed.rows], days: days.rows };
}
