/**
 * Full resyncs. What is still to be compared is a query, so that one that was cut off goes on where it was; each calendar
 * is compared by whoever publishes it.
 */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { HOUR, MINUTE } from '../../core/duration.js';
import type { Db } from '../schema.js';
import type { StoredResync } from './resync-reports.js';

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
      WHERE closing_since IS NULL AND (${asked.account ?? null}::text IS NULL OR account_id = ${asked.account ?? null})
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

/** Its calendars. */
export async function calendarsOfResync(db: Db, id: string): Promise<string[]> {
  const rows = await db
    .selectFrom('slotkeeper.resync_calendars')
    .select('calendar_id')
    .where('resync_id', '=', id)
    .execute();
  return rows.map((row) => row.calendar_id);
}

/** What the clinics say is in the record, as far as that went; the calendars are compared from here on. */
export async function startComparing(
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

/** Calendars that wait to be compared and that nobody was told of lately, oldest first. */
export async function calendarsToResync(db: Db, now: Date, notSince: Date, limit: number): Promise<string[]> {
  const { rows } = await sql<{ calendar_id: string }>`
    UPDATE slotkeeper.resync_calendars c SET enqueued_at = ${now}
    FROM (
      SELECT o.resync_id, o.calendar_id FROM slotkeeper.resync_calendars o
      JOIN slotkeeper.resyncs r ON r.id = o.resync_id AND r.state = 'running'
      WHERE o.state IN ('waiting', 'compared') AND (o.enqueued_at IS NULL OR o.enqueued_at < ${notSince})
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
const MAX_MS = 12 * HOUR;

/** A refusal that lasts so long is no outage: a resync ends without the account's calendars. */
const REFUSED_MS = MINUTE;

/** Ends those of which every calendar is through, has failed, or has had half a day. */
export async function finishResyncs(db: Db, now: Date): Promise<void> {
  await sql`
    UPDATE slotkeeper.resync_calendars r SET state = 'failed', reason = c.failed_reason
    FROM slotkeeper.calendars c, slotkeeper.resyncs o
    WHERE c.id = r.calendar_id AND o.id = r.resync_id AND o.state = 'running' AND c.failed_reason IS NOT NULL
      AND r.state IN ('waiting', 'compared')
      -- One that failed before is tried when the resync begins to compare, unless that only compares.
      AND (o.dry_run OR c.retry_at > ${now})`.execute(db);
  await sql`
    UPDATE slotkeeper.resync_calendars r
    SET state = 'failed', reason = coalesce(r.reason, c.retry_reason, 'did not come to its turn')
    FROM slotkeeper.resyncs o, slotkeeper.calendars c
    WHERE o.id = r.resync_id AND c.id = r.calendar_id AND r.state IN ('waiting', 'compared') AND o.state = 'running'
      AND coalesce(o.running_at, o.started_at) < ${new Date(now.getTime() - MAX_MS)}`.execute(db);
  await sql`
    UPDATE slotkeeper.resync_calendars r
    SET state = 'failed', reason = 'nothing of its account ' || a.id || ' is accepted: ' || a.refused_reason
    FROM slotkeeper.resyncs o, slotkeeper.calendars c, slotkeeper.accounts a
    WHERE o.id = r.resync_id AND c.id = r.calendar_id AND a.id = c.account_id
      AND r.state IN ('waiting', 'compared') AND o.state = 'running'
      -- It was tried for this resync.
      AND a.last_refused_at >= o.running_at AND a.refused_at <= ${new Date(now.getTime() - REFUSED_MS)}`.execute(
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

/**
 * When the account's calendars were last compared, all of them and not only to tell: when that ended, or now where it is
 * under way. One that took all the time that there is was cut off somewhere: it counts as of when it began.
 */
export async function lastResync(db: Db, account: string, now: Date): Promise<Date | undefined> {
  const { rows } = await sql<{ at: Date | null }>`
    SELECT max(CASE
        WHEN coalesce(r.finished_at, ${now}::timestamptz) - coalesce(r.running_at, r.started_at)
          >= make_interval(secs => ${MAX_MS / 1_000}) THEN r.started_at
        ELSE coalesce(r.finished_at, ${now}::timestamptz) END) AS at
    FROM slotkeeper.resyncs r
    WHERE NOT r.dry_run AND (r.account_id = ${account} OR r.account_id IS NULL AND NOT EXISTS (
      SELECT FROM slotkeeper.calendars a
      WHERE a.account_id = ${account} AND a.closing_since IS NULL AND NOT EXISTS (
        SELECT FROM slotkeeper.resync_calendars c
        WHERE c.resync_id = r.id AND c.calendar_id = a.id)))`.execute(db);
  return rows[0]?.at ?? undefined;
}

export async function deleteExpiredResyncs(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.resyncs').where('finished_at', '<', before).execute();
}
