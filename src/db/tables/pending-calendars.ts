/** Queries of the days that are wanted and not yet published, over all calendars: for the requeue sweep and for the status. */
import { sql } from 'kysely';
import { MINUTE } from '../../core/duration.js';
import { LOWEST_PRIORITY, VERIFICATION_PRIORITY } from '../../core/index.js';
import { executePart, type StatementPart } from '../combined-write.js';
import type { Db } from '../schema.js';
import type { DirtyDay } from './days.js';
import { insertHistoryOfMarks, type MarkCause } from './history.js';

/** The local dates of an account that can be published now, `from` and `to` included. */
export interface AccountHorizon {
  readonly account: string;
  readonly from: string;
  readonly to: string;
}

export interface PendingCalendar {
  readonly calendar: string;
  readonly priority: number;
}

/** How long a calendar waits until busy time is closed again after every option of closing was refused, in milliseconds. */
export const CLOSING_REFUSED_MS = MINUTE;

/**
 * Finds calendars with pending days that can be published, highest priority first. Failed days are left out until their retry
 * is due, and days of a failed calendar unless they close busy time.
 */
export async function findPendingCalendars(
  db: Db,
  horizons: readonly AccountHorizon[],
  now: Date,
  limit: number,
): Promise<PendingCalendar[]> {
  const { rows } = await sql<PendingCalendar>`
    SELECT d.calendar_id AS calendar, coalesce(min(d.priority), ${LOWEST_PRIORITY}::integer) AS priority
    FROM slotkeeper.days d
    JOIN slotkeeper.calendars c ON c.id = d.calendar_id AND (c.failed_reason IS NULL OR (
      d.priority < ${VERIFICATION_PRIORITY} AND coalesce(c.closing_refused_at, '-infinity')
        <= ${new Date(now.getTime() - CLOSING_REFUSED_MS)}::timestamptz))
    JOIN jsonb_to_recordset(${JSON.stringify(horizons)}::jsonb) AS h (account text, "from" date, "to" date)
      ON h.account = c.account_id AND d.date BETWEEN h."from" AND h."to"
    WHERE d.generation > d.published_generation
      AND (d.failed_generation IS DISTINCT FROM d.generation OR d.retry_at IS NULL OR d.retry_at <= ${now})
    GROUP BY d.calendar_id
    ORDER BY 2
    LIMIT ${limit}`.execute(db);
  return rows;
}

/**
 * Records that publish jobs are being added for calendars, as a part of a statement; undefined where there are none. A calendar
 * whose waiting job has at least the same priority needs no other: that job reads the database when it starts, and
 * `acquireLease` then clears `queued_priority`. The rows are the calendars that need a job.
 */
export function claimJobs(
  jobsToEnqueue: readonly PendingCalendar[],
): StatementPart<PendingCalendar> | undefined {
  if (jobsToEnqueue.length === 0) return undefined;
  const [calendars, priorities] = [
    jobsToEnqueue.map(({ calendar }) => calendar),
    jobsToEnqueue.map(({ priority }) => priority),
  ];
  return sql<PendingCalendar>`
    UPDATE slotkeeper.calendars c SET queued_priority = k.priority
    FROM unnest(${calendars}::text[], ${priorities}::integer[]) AS k (calendar, priority)
    WHERE ${LACKS_JOB}
    RETURNING c.id AS calendar, k.priority`;
}

/** Whether no job of this priority or a higher one waits for the calendar. */
const LACKS_JOB = sql`c.id = k.calendar AND (c.queued_priority IS NULL OR c.queued_priority > k.priority)`;

/**
 * Claims the jobs of the calendars whose days a statement marks, and of other calendars.
 * @param marking executed together with the claim; undefined where no days are marked
 * @param others each calendar once
 */
export async function claimJobsOfMarkedDays(
  db: Db,
  marking: StatementPart<DirtyDay> | undefined,
  others: readonly PendingCalendar[],
  cause: MarkCause,
  now: Date,
): Promise<readonly PendingCalendar[]> {
  if (marking === undefined) return await executePart(db, claimJobs(others));
  const [calendars, priorities] = [
    others.map(({ calendar }) => calendar),
    others.map(({ priority }) => priority),
  ];
  const { rows } = await sql<PendingCalendar>`
    WITH marked AS (${marking}),
    recorded AS (${insertHistoryOfMarks('marked', cause, now)}),
    jobs AS (
      SELECT calendar, min(priority) AS priority FROM (
        SELECT calendar, priority FROM marked
        UNION ALL SELECT * FROM unnest(${calendars}::text[], ${priorities}::integer[])) j
      GROUP BY calendar)
    UPDATE slotkeeper.calendars c SET queued_priority = k.priority
    FROM jobs k
    WHERE ${LACKS_JOB}
    RETURNING c.id AS calendar, k.priority`.execute(db);
  return rows;
}

export interface PendingTotals {
  readonly pending: number;
  readonly failed: number;
  /** When the oldest pending change was made. */
  readonly oldest: Date | null;
}

/** Counts the days in the horizons that are pending, and those that failed. */
export async function countPendingDays(db: Db, horizons: readonly AccountHorizon[]): Promise<PendingTotals> {
  const { rows } = await sql<{ pending: string; failed: string; oldest: Date | null }>`
    SELECT
      count(*) FILTER (WHERE NOT w.failed) AS pending,
      count(*) FILTER (WHERE w.failed) AS failed,
      min(w.pending_since) FILTER (WHERE NOT w.failed) AS oldest
    FROM (${selectPendingDays(horizons)}) w`.execute(db);
  const row = rows[0];
  return {
    pending: Number(row?.pending ?? 0),
    failed: Number(row?.failed ?? 0),
    oldest: row?.oldest ?? null,
  };
}

const selectPendingDays = (horizons: readonly AccountHorizon[]) => sql`
  SELECT d.calendar_id, d.pending_since,
         (d.failed_generation IS NOT DISTINCT FROM d.generation OR c.failed_reason IS NOT NULL) AS failed
  FROM slotkeeper.days d
  JOIN slotkeeper.calendars c ON c.id = d.calendar_id
  JOIN jsonb_to_recordset(${JSON.stringify(horizons)}::jsonb) AS h (account text, "from" date, "to" date)
    ON h.account = c.account_id AND d.date BETWEEN h."from" AND h."to"
  WHERE d.generation > d.published_generation`;

export interface CalendarTotals extends Pick<PendingTotals, 'pending' | 'failed'> {
  readonly calendar: string;
  /** When a day of it was last published; null where none was. */
  readonly publishedAt: Date | null;
}

/** Counts the pending and the failed days in the horizons for each calendar, and finds when it was last published. */
export async function countPendingDaysByCalendar(
  db: Db,
  horizons: readonly AccountHorizon[],
): Promise<CalendarTotals[]> {
  const { rows } = await sql<{
    calendar: string;
    pending: string;
    failed: string;
    publishedAt: Date | null;
  }>`
    SELECT c.id AS calendar, coalesce(w.pending, 0) AS pending, coalesce(w.failed, 0) AS failed,
           (SELECT max(d.published_at) FROM slotkeeper.days d WHERE d.calendar_id = c.id) AS "publishedAt"
    FROM slotkeeper.calendars c
    LEFT JOIN (
      SELECT calendar_id, count(*) FILTER (WHERE NOT failed) AS pending, count(*) FILTER (WHERE failed) AS failed
      FROM (${selectPendingDays(horizons)}) p GROUP BY calendar_id
    ) w ON w.calendar_id = c.id`.execute(db);
  return rows.map(({ pending, failed, ...row }) => ({
    ...row,
    pending: Number(pending),
    failed: Number(failed),
  }));
}
