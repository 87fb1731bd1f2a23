/**
 * Queries that order a snapshot of the clinic against its events: when each occupancy and the windows of each date were
 * reported.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import type { Occupancy } from './occupancy.js';
import { type QueuePosition, toQueuePosition } from './queue-position.js';

/** When the state of a calendar's date was reported. */
export interface ReportedDate {
  readonly date: string;
  /** When its windows were last reported. */
  readonly windowsAt: Date | null;
  /** When the newest snapshot that was complete for the date was taken. */
  readonly snapshotAt: Date | null;
}

/** Finds the known dates of a calendar, `from` and `to` included. */
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

/** Finds the queue positions of the events that set the windows of these dates, where those came from a queue. */
export async function findWindowPositions(
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
    position: toQueuePosition(windows_counter, windows_number),
  }));
}

/** Records when the windows of these dates were reported. A date without a position leaves the stored position unchanged. */
export async function recordWindowsReported(
  db: Db,
  dates: readonly DatedPosition[],
  at: Date,
): Promise<void> {
  if (dates.length === 0) return;
  const rows = dates.map(({ position, ...date }) => ({ ...date, ...position }));
  await sql`
    UPDATE slotkeeper.days d SET
      windows_at = greatest(d.windows_at, ${at}::timestamptz),
      windows_counter = coalesce(k.counter, d.windows_counter), windows_number = coalesce(k.number, d.windows_number)
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS k (calendar text, date date, counter text, number bigint)
    WHERE d.calendar_id = k.calendar AND d.date = k.date`.execute(db);
}

/** Records the dates that a complete snapshot covers. @param at when the snapshot was taken */
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
  /** When this state was observed. */
  readonly updatedAt: Date;
}

/** Finds the occupancies with these refs, released ones included, and all others that overlap the interval. */
export async function findOccupanciesAround(
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

/** Records that these occupancies were unchanged at an instant. */
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

/** Counts which of these dates are days of the calendar. */
export async function countDays(db: Db, calendar: string, dates: readonly string[]): Promise<number> {
  if (dates.length === 0) return 0;
  const { rows } = await sql<{ days: string }>`
    SELECT count(*) AS days FROM slotkeeper.days
    WHERE calendar_id = ${calendar}
      AND date IN (SELECT jsonb_array_elements_text(${JSON.stringify(dates)}::jsonb)::date)`.execute(db);
  return Number(rows[0]?.days ?? 0);
}

/**
 * Deletes appointments that were released before an instant and have no version.
 * @returns how many were deleted
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
