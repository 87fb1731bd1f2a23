/** Queries of the reports of resyncs, which are stored for 30 days after a resync has finished. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import type { DriftingDay } from './resync-calendars.js';

export interface ResyncFailure {
  /** Either the account or the calendar is set. */
  readonly account?: string;
  readonly calendar?: string;
  readonly reason: string;
}

/** The calendars by which an account's source and the database differ. The difference is not an error. */
export interface SourceNotes {
  readonly account: string;
  /** In the source and not in the database: doctors who are not in the marketplace, or misspelt ids. */
  readonly unknown: readonly string[];
  /** The account's calendars that a complete response of the source left out. They stay unchanged. */
  readonly omitted: readonly string[];
}

/** The calendars of one account that a resync still waits for. */
export interface ResyncWait {
  readonly account: string;
  readonly calendars: number;
  /** Why they wait; null where they only wait for their turn. */
  readonly reason: string | null;
}

export interface StoredResync {
  readonly id: string;
  readonly dryRun: boolean;
  readonly state: 'fetching' | 'running' | 'done' | 'failed';
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** How many there are, and how many of them are done or failed. */
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
  readonly waiting: readonly ResyncWait[];
  readonly sources: readonly SourceNotes[];
  readonly days: readonly (DriftingDay & { readonly calendar: string })[];
}

/** The last comparison of each calendar, in sum. Dry runs do not count. */
export interface LastComparisons {
  readonly comparedDays: number;
  /** Days without any difference. */
  readonly matchedDays: number;
  /** Days with a difference of this kind. */
  readonly missing: number;
  readonly extra: number;
  readonly stale: number;
  readonly foreign: number;
}

export interface ListedResync {
  readonly id: string;
  /** The account of a nightly resync; null where all or some calendars were requested. */
  readonly account: string | null;
  readonly dryRun: boolean;
  readonly state: StoredResync['state'];
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

/** Lists resyncs, latest first. */
export async function listResyncs(db: Db, limit: number): Promise<ListedResync[]> {
  const { rows } = await sql<ListedResync>`
    SELECT id, account_id AS account, dry_run AS "dryRun", state, started_at AS "startedAt", finished_at AS "finishedAt"
    FROM slotkeeper.resyncs ORDER BY started_at DESC, id LIMIT ${limit}`.execute(db);
  return rows;
}

async function listWaits(db: Db, id: string, now: Date): Promise<ResyncWait[]> {
  const { rows } = await sql<ResyncWait>`
    SELECT c.account_id AS account, count(*)::integer AS calendars, max(coalesce(
      CASE WHEN a.refused_at IS NOT NULL THEN a.refused_reason
        WHEN a.paused_until > ${now} THEN coalesce(a.paused_reason, 'paused') END,
      r.reason, c.retry_reason)) AS reason
    FROM slotkeeper.resync_calendars r
    JOIN slotkeeper.calendars c ON c.id = r.calendar_id
    JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE r.resync_id = ${id} AND r.state IN ('waiting', 'compared')
    GROUP BY c.account_id ORDER BY c.account_id`.execute(db);
  return rows;
}

/** @param maxDays how many drifting days are listed at most */
export async function getResync(
  db: Db,
  id: string,
  maxDays: number,
  now: Date,
): Promise<StoredResync | undefined> {
  const { rows } = await sql<
    Omit<StoredResync, 'failures' | 'days' | 'waiting'> & { failures: ResyncFailure[] }
  >`
    SELECT r.id, r.dry_run AS "dryRun", r.state, r.started_at AS "startedAt", r.finished_at AS "finishedAt", r.failures, r.sources,
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
    WHERE c.resync_id = ${id} ORDER BY c.calendar_id, d.date LIMIT ${maxDays}`.execute(db);
  const waiting = row.finishedAt === null ? await listWaits(db, id, now) : [];
  return { ...row, failures: [...row.failures, ...failed.rows], waiting, days: days.rows };
}

export async function sumLastComparisons(db: Db): Promise<LastComparisons> {
  const { rows } = await sql<LastComparisons>`
    SELECT coalesce(sum(days_compared), 0)::integer AS "comparedDays",
      coalesce(sum(days_compared - jsonb_array_length(days)), 0)::integer AS "matchedDays",
      coalesce(sum(missing), 0)::integer AS missing, coalesce(sum(extra), 0)::integer AS extra,
      coalesce(sum(stale), 0)::integer AS stale, coalesce(sum("foreign"), 0)::integer AS "foreign"
    FROM (
      SELECT DISTINCT ON (c.calendar_id) c.days_compared, c.missing, c.extra, c.stale, c."foreign", c.days
      FROM slotkeeper.resync_calendars c JOIN slotkeeper.resyncs r ON r.id = c.resync_id
      WHERE NOT r.dry_run AND c.days IS NOT NULL
      ORDER BY c.calendar_id, r.started_at DESC) last`.execute(db);
  const [sums] = rows;
  if (sums === undefined) throw new Error('an aggregate without GROUP BY returned no row');
  return sums;
}

/** When a resync last finished successfully, dry runs excluded; null: never within 30 days. */
export async function findLastResync(db: Db): Promise<Date | null> {
  const row = await db
    .selectFrom('slotkeeper.resyncs')
    .select((eb) => eb.fn.max('finished_at').as('at'))
    .where('state', '=', 'done')
    .where('dry_run', '=', false)
    .executeTakeFirst();
  return row?.at ?? null;
}
