/**
 * Queries of `slotkeeper.resyncs`: full resyncs. The calendars that are still to be compared are the result of a query, so an
 * interrupted resync continues where it stopped. Each calendar is compared by the worker that publishes it.
 */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { HOUR, MINUTE } from '../../core/duration.js';
import type { Db } from '../schema.js';
import type { StoredResync } from './resync-reports.js';

export interface NewResync {
  /** The account, where the resync covers one account's calendars. */
  readonly account?: string | undefined;
  /** Default: all, or all of the account. */
  readonly calendars?: readonly string[] | undefined;
  readonly dryRun: boolean;
}

/**
 * Begins a resync, or joins a running one that covers the requested calendars and either covers no others or has compared
 * none of them yet.
 * @returns the id of the new or the joined resync
 */
export async function beginResync(db: Db, request: NewResync, now: Date): Promise<string> {
  return await db.transaction().execute(async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(hashtext('slotkeeper resync'))`.execute(tx);
    // An expired resync, of a killed process or of a backup, is not joined.
    await finishResyncs(tx, now);
    const wanted = sql`
      SELECT id FROM slotkeeper.calendars
      WHERE closing_since IS NULL AND (${request.account ?? null}::text IS NULL OR account_id = ${request.account ?? null})
        AND (${request.calendars === undefined}::boolean
          OR id IN (SELECT jsonb_array_elements_text(${JSON.stringify(request.calendars ?? [])}::jsonb)))`;
    const { rows } = await sql<{ id: string }>`
      SELECT r.id FROM slotkeeper.resyncs r
      WHERE r.finished_at IS NULL AND r.dry_run = ${request.dryRun}
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
      VALUES (${id}, ${request.account ?? null}, ${request.dryRun}, 'fetching', ${now}, ${now})`.execute(tx);
    await sql`
      INSERT INTO slotkeeper.resync_calendars (resync_id, calendar_id)
      SELECT ${id}, w.id FROM (${wanted}) w`.execute(tx);
    return id;
  });
}

/** Lists the accounts of a resync's calendars. */
export async function listResyncAccounts(db: Db, id: string): Promise<string[]> {
  const { rows } = await sql<{ account_id: string }>`
    SELECT DISTINCT c.account_id FROM slotkeeper.resync_calendars r
    JOIN slotkeeper.calendars c ON c.id = r.calendar_id
    WHERE r.resync_id = ${id} ORDER BY 1`.execute(db);
  return rows.map((row) => row.account_id);
}

export async function listResyncCalendars(db: Db, id: string): Promise<string[]> {
  const rows = await db
    .selectFrom('slotkeeper.resync_calendars')
    .select('calendar_id')
    .where('resync_id', '=', id)
    .execute();
  return rows.map((row) => row.calendar_id);
}

/** Records that the snapshots of the sources were applied, with those that failed. The calendars are compared from here on. */
export async function recordComparisonStarted(
  db: Db,
  id: string,
  { failures, sources }: Pick<StoredResync, 'failures' | 'sources'>,
  now: Date,
): Promise<void> {
  await sql`
    UPDATE slotkeeper.resyncs SET state = 'running', running_at = ${now},
      failures = failures || ${JSON.stringify(failures)}::jsonb, sources = ${JSON.stringify(sources)}::jsonb
    WHERE id = ${id} AND state = 'fetching'`.execute(db);
}

/** Claims calendars that wait to be compared and were not enqueued recently, those of the oldest resync first. */
export async function claimCalendarsToCompare(
  db: Db,
  now: Date,
  notEnqueuedSince: Date,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ calendar_id: string }>`
    UPDATE slotkeeper.resync_calendars c SET enqueued_at = ${now}
    FROM (
      SELECT o.resync_id, o.calendar_id FROM slotkeeper.resync_calendars o
      JOIN slotkeeper.resyncs r ON r.id = o.resync_id AND r.state = 'running'
      WHERE o.state IN ('waiting', 'compared') AND (o.enqueued_at IS NULL OR o.enqueued_at < ${notEnqueuedSince})
        AND (o.retry_at IS NULL OR o.retry_at <= ${now})
      ORDER BY r.started_at, o.calendar_id LIMIT ${limit}) k
    WHERE c.resync_id = k.resync_id AND c.calendar_id = k.calendar_id
    RETURNING c.calendar_id`.execute(db);
  return [...new Set(rows.map((row) => row.calendar_id))];
}

/** Claims resyncs that were begun and whose job was lost. */
export async function claimResyncsToQueue(db: Db, now: Date, notEnqueuedSince: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    UPDATE slotkeeper.resyncs SET queued_at = ${now}
    WHERE state = 'fetching' AND queued_at < ${notEnqueuedSince} RETURNING id`.execute(db);
  return rows.map(({ id }) => id);
}

/** How long a calendar may take. A calendar that takes longer fails, so that it does not delay the next nightly resync. */
const MAX_DURATION_MS = 12 * HOUR;

/** A refusal of an account that lasts longer is no outage: the resync ends without the account's calendars. */
const REFUSED_FOR_MS = MINUTE;

/** Finishes the resyncs whose calendars are all done, failed or expired. */
export async function finishResyncs(db: Db, now: Date): Promise<void> {
  await sql`
    UPDATE slotkeeper.resync_calendars r SET state = 'failed', reason = c.failed_reason
    FROM slotkeeper.calendars c, slotkeeper.resyncs o
    WHERE c.id = r.calendar_id AND o.id = r.resync_id AND o.state = 'running' AND c.failed_reason IS NOT NULL
      AND r.state IN ('waiting', 'compared')
      -- A calendar that failed before is retried when the comparison begins, except in a dry run.
      AND (o.dry_run OR c.retry_at > ${now})`.execute(db);
  await sql`
    UPDATE slotkeeper.resync_calendars r
    SET state = 'failed', reason = coalesce(r.reason, c.retry_reason, 'was not compared within 12 hours')
    FROM slotkeeper.resyncs o, slotkeeper.calendars c
    WHERE o.id = r.resync_id AND c.id = r.calendar_id AND r.state IN ('waiting', 'compared') AND o.state = 'running'
      AND coalesce(o.running_at, o.started_at) < ${new Date(now.getTime() - MAX_DURATION_MS)}`.execute(db);
  await sql`
    UPDATE slotkeeper.resync_calendars r
    SET state = 'failed', reason = 'the marketplace refuses the account ' || a.id || ': ' || a.refused_reason
    FROM slotkeeper.resyncs o, slotkeeper.calendars c, slotkeeper.accounts a
    WHERE o.id = r.resync_id AND c.id = r.calendar_id AND a.id = c.account_id
      AND r.state IN ('waiting', 'compared') AND o.state = 'running'
      -- The account was tried for this resync.
      AND a.last_refused_at >= o.running_at AND a.refused_at <= ${new Date(now.getTime() - REFUSED_FOR_MS)}`.execute(
    db,
  );
  await sql`
    UPDATE slotkeeper.resyncs r SET finished_at = ${now}, state = CASE
      WHEN EXISTS (SELECT FROM slotkeeper.resync_calendars c WHERE c.resync_id = r.id AND c.state = 'failed')
        AND NOT EXISTS (SELECT FROM slotkeeper.resync_calendars c WHERE c.resync_id = r.id AND c.state = 'done')
      THEN 'failed' ELSE 'done' END
    WHERE r.state = 'running' AND r.finished_at IS NULL AND NOT EXISTS (
      SELECT FROM slotkeeper.resync_calendars c
      WHERE c.resync_id = r.id AND c.state IN ('waiting', 'compared'))`.execute(db);
}

export async function deleteExpiredResyncs(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.resyncs').where('finished_at', '<', before).execute();
}
