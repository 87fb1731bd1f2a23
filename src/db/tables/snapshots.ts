/**
 * What the record must know to order a snapshot of the clinic against its events: of when each occupancy and each
 * date's windows are known; and the snapshots of a source that wait until it has said that it is complete.
 */
import { sql } from 'kysely';
import type { Db, StagedSnapshot } from '../schema.js';
import type { Occupancy } from './occupancy.js';
import { positionOf, type QueuePosition } from './queue-position.js';

/** Of when a date of a calendar is known. */
export interface ReportedDate {
  readonly date: string;
  /** When its windows were last said. */
  readonly windowsAt: Date | null;
  /** When the newest snapshot that was complete for it was taken. */
  readonly snapshotAt: Date | null;
}

/** The dates of a calendar, `from` and `to` included, of which something is known. */
export async function findReportedDates(
  db: Db,
  calendar: string,
  from: string,
  to: string,
): Promise<ReportedDate[]> {
  const rows = await db
    .selectFrom('slotkeeper.days')
    .select(['date', 'windows_at', 'snapshot_at'])
    .where('calendar_id', '=', calendar)
    .where('date', '>=', from)
    .where('date', '<=', to)
    .execute();
  return rows.map((row) => ({ date: row.date, windowsAt: row.windows_at, snapshotAt: row.snapshot_at }));
}

export interface DatedPosition {
  readonly calendar: string;
  readonly date: string;
  readonly position?: QueuePosition | undefined;
}

/** Of the events that the windows of these dates are known from, where those came from a queue. */
export async function windowPositions(
  db: Db,
  dates: readonly { readonly calendar: string; readonly date: string }[],
): Promise<DatedPosition[]> {
  if (dates.length === 0) return [];
  const { rows } = await sql<{
    calendar: string;
    date: string;
    windows_counter: string | null;
    windows_number: string | null;
  }>`
    SELECT d.calendar_id AS calendar, d.date, d.windows_counter, d.windows_number
    FROM jsonb_to_recordset(${JSON.stringify(dates)}::jsonb) AS k (calendar text, date date)
    CROSS JOIN LATERAL (
      SELECT * FROM slotkeeper.days WHERE calendar_id = k.calendar AND date = k.date OFFSET 0) d
    WHERE d.windows_counter IS NOT NULL`.execute(db);
  return rows.map(({ calendar, date, windows_counter, windows_number }) => ({
    calendar,
    date,
    position: positionOf(windows_counter, windows_number),
  }));
}

/** Writes down when the windows of these dates were said. What has no position leaves the one that is stored. */
export async function recordWindows(db: Db, dates: readonly DatedPosition[], at: Date): Promise<void> {
  if (dates.length === 0) return;
  const rows = dates.map(({ position, ...date }) => ({ ...date, ...position }));
  await sql`
    UPDATE slotkeeper.days d SET
      windows_at = greatest(d.windows_at, ${at}::timestamptz),
      windows_counter = coalesce(k.counter, d.windows_counter), windows_number = coalesce(k.number, d.windows_number)
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS k (calendar text, date date, counter text, number bigint)
    WHERE d.calendar_id = k.calendar AND d.date = k.date`.execute(db);
}

/** Writes down that a complete snapshot that was taken then covers these dates. */
export async function recordSnapshot(
  db: Db,
  calendar: string,
  from: string,
  to: string,
  at: Date,
): Promise<void> {
  await sql`
    UPDATE slotkeeper.days SET snapshot_at = greatest(snapshot_at, ${at}::timestamptz)
    WHERE calendar_id = ${calendar} AND date BETWEEN ${from} AND ${to}`.execute(db);
}

export interface KnownOccupancy extends Occupancy {
  /** Of when it is known. */
  readonly updatedAt: Date;
}

/** The occupancies with these refs, released ones included, and all others that lie in or reach into the interval. */
export async function occupanciesAround(
  db: Db,
  calendar: string,
  refs: readonly string[],
  interval: { readonly start: Date; readonly end: Date } | undefined,
): Promise<KnownOccupancy[]> {
  const { rows } = await sql<{
    ref: string;
    start_at: Date | null;
    end_at: Date | null;
    kind: string;
    service: string | null;
    version: string | null;
    updated_at: Date;
  }>`
    SELECT ref, start_at, end_at, kind, service, version, updated_at
    FROM slotkeeper.occupancy
    WHERE calendar_id = ${calendar} AND (
      ref IN (SELECT jsonb_array_elements_text(${JSON.stringify(refs)}::jsonb))
      OR (end_at > ${interval?.start ?? null}::timestamptz AND start_at < ${interval?.end ?? null}::timestamptz)
    )`.execute(db);
  return rows.map((row) => ({
    calendar,
    ref: row.ref,
    ...(row.start_at && row.end_at ? { interval: { start: row.start_at, end: row.end_at } } : {}),
    kind: row.kind,
    ...(row.service === null ? {} : { service: row.service }),
    ...(row.version === null ? {} : { version: Number(row.version) }),
    updatedAt: row.updated_at,
  }));
}

/** Writes down that these occupancies were still so then. */
export async function confirmOccupancies(
  db: Db,
  calendar: string,
  refs: readonly string[],
  at: Date,
): Promise<void> {
  if (refs.length === 0) return;
  await sql`
    UPDATE slotkeeper.occupancy SET updated_at = ${at}::timestamptz
    WHERE calendar_id = ${calendar} AND updated_at < ${at}::timestamptz
      AND ref IN (SELECT jsonb_array_elements_text(${JSON.stringify(refs)}::jsonb))`.execute(db);
}

/** How many of these dates are days of the calendar. */
export async function countDays(db: Db, calendar: string, dates: readonly string[]): Promise<number> {
  if (dates.length === 0) return 0;
  const { rows } = await sql<{ days: string }>`
    SELECT count(*) AS days FROM slotkeeper.days
    WHERE calendar_id = ${calendar}
      AND date IN (SELECT jsonb_array_elements_text(${JSON.stringify(dates)}::jsonb)::date)`.execute(db);
  return Number(rows[0]?.days ?? 0);
}

/**
 * Forgets appointments that were released before then and have no version to remember.
 * @returns how many were forgotten
 */
export async function deleteExpiredReleases(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.occupancy')
    .where('start_at', 'is', null)
    .where('version', 'is', null)
    .where('updated_at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** Puts a line of a source aside, until the last one said that all of them are the whole. */
export async function stageSnapshot(
  db: Db,
  run: string,
  account: string,
  line: number,
  snapshot: StagedSnapshot,
  now: Date,
): Promise<void> {
  await db
    .insertInto('slotkeeper.staged_snapshots')
    .values({ run_id: run, account_id: account, line, body: JSON.stringify(snapshot), staged_at: now })
    .execute();
}

/** The first line of a run that was put aside after this one. */
export async function nextStaged(
  db: Db,
  run: string,
  after: number,
): Promise<{ readonly line: number; readonly snapshot: StagedSnapshot } | undefined> {
  return await db
    .selectFrom('slotkeeper.staged_snapshots')
    .select(['line', 'body as snapshot'])
    .where('run_id', '=', run)
    .where('line', '>', after)
    .orderBy('line')
    .limit(1)
    .executeTakeFirst();
}

/** Removes what a run put aside. */
export async function clearStaged(db: Db, run: string): Promise<void> {
  await db.deleteFrom('slotkeeper.staged_snapshots').where('run_id', '=', run).execute();
}

/** Removes what was put aside before then, by runs that never came to their end. */
export async function deleteExpiredStagedSnapshots(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.staged_snapshots').where('staged_at', '<', before).execute();
}
