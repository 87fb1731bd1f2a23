/**
 * Queries of `slotkeeper.held_changes` and `slotkeeper.held_change_dates`: changes of a snapshot or a configuration that would
 * delete too much, and that wait until a person approves or drops them.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import type { Calendar } from './calendars.js';
import { type NewHistoryEntry, saveHistory } from './history.js';
import type { AccountHorizon } from './pending-calendars.js';
import type { StoredWindow } from './windows.js';

/** How much of the upcoming windows or occupancies a change would delete. */
export interface Deletion {
  readonly scope: 'calendar' | 'account';
  /** Windows are counted in minutes, occupancies in number. */
  readonly of: 'windows' | 'occupancies';
  readonly lost: number;
  readonly total: number;
}

export interface HeldDate {
  readonly date: string;
  /** The windows that the change sets; absent where only releases are held. */
  readonly windows?: readonly StoredWindow[] | undefined;
}

export interface NewHeldChange {
  readonly calendar: string;
  readonly cause: 'snapshot' | 'configuration';
  /** The local dates that the change covers, both included. */
  readonly from: string;
  readonly to: string;
  /** When the state that the change describes was observed. */
  readonly observedAt: Date;
  readonly heldAt: Date;
  readonly deletions: readonly Deletion[];
  readonly dates: readonly HeldDate[];
  /** The refs that the change would release. */
  readonly releases: readonly string[];
  /** The new configuration of the calendar, where that is held. */
  readonly configured?: Calendar | undefined;
}

export interface HeldChange extends NewHeldChange {
  readonly id: string;
}

/** @returns its id */
export async function saveHeldChange(db: Db, change: NewHeldChange): Promise<string> {
  const { id } = await db
    .insertInto('slotkeeper.held_changes')
    .values({
      calendar_id: change.calendar,
      cause: change.cause,
      from_date: change.from,
      to_date: change.to,
      observed_at: change.observedAt,
      held_at: change.heldAt,
      deletions: JSON.stringify(change.deletions),
      releases: JSON.stringify(change.releases),
      calendar: change.configured === undefined ? null : JSON.stringify(change.configured),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await saveHistory(db, heldChangeHistory('held', { ...change, id }, change.heldAt, 'engine'));
  if (change.dates.length > 0) {
    await sql`
      INSERT INTO slotkeeper.held_change_dates (held_change_id, date, windows)
      SELECT ${id}::bigint, k.date, k.windows
      FROM jsonb_to_recordset(${JSON.stringify(change.dates)}::jsonb) AS k (date date, windows jsonb)`.execute(
      db,
    );
  }
  return id;
}

/** One entry for each held date. */
export function heldChangeHistory(
  kind: 'held' | 'approved' | 'dropped',
  { id, calendar, cause, releases, dates }: HeldChange,
  at: Date,
  actor: string,
): NewHistoryEntry[] {
  const detail = { what: 'held', hold: id, cause, releases: releases.length };
  return dates.map(({ date }) => ({ kind, at, calendar, date, actor, detail }));
}

interface HeldChangeRow {
  id: string;
  calendar_id: string;
  cause: 'snapshot' | 'configuration';
  from_date: string;
  to_date: string;
  observed_at: Date;
  held_at: Date;
  deletions: Deletion[];
  releases: string[];
  calendar: Calendar | null;
  dates: { date: string; windows: StoredWindowJson[] | null }[] | null;
}

type StoredWindowJson = Omit<StoredWindow, 'start' | 'end'> & {
  readonly start: string;
  readonly end: string;
};

/** Finds all held changes, or the one with this id, oldest first. */
export async function findHeldChanges(db: Db, id?: string): Promise<HeldChange[]> {
  const { rows } = await sql<HeldChangeRow>`
    SELECT h.id, h.calendar_id, h.cause, h.from_date, h.to_date, h.observed_at, h.held_at, h.deletions, h.releases,
           h.calendar, d.dates
    FROM slotkeeper.held_changes h
    LEFT JOIN (
      SELECT held_change_id, json_agg(json_build_object('date', date, 'windows', windows) ORDER BY date) AS dates
      FROM slotkeeper.held_change_dates GROUP BY held_change_id
    ) d ON d.held_change_id = h.id
    WHERE ${id ?? null}::bigint IS NULL OR h.id = ${id ?? null}::bigint
    ORDER BY h.id`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    calendar: row.calendar_id,
    cause: row.cause,
    from: row.from_date,
    to: row.to_date,
    observedAt: row.observed_at,
    heldAt: row.held_at,
    deletions: row.deletions,
    releases: row.releases,
    dates: (row.dates ?? []).map(({ date, windows }) => ({
      date,
      ...(windows === null ? {} : { windows: windows.map(toStoredWindow) }),
    })),
    ...(row.calendar === null ? {} : { configured: row.calendar }),
  }));
}

const toStoredWindow = ({ start, end, ...window }: StoredWindowJson): StoredWindow => ({
  ...window,
  start: new Date(start),
  end: new Date(end),
});

/** The hash that identifies the notification of a held change. */
export const heldChangeHash = (id: string): string => `held ${id}`;

/** @returns whether it existed */
export async function deleteHeldChange(db: Db, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.held_changes')
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/**
 * Deletes what earlier snapshots held of these dates, because a newer snapshot replaces it. Where the newer snapshot covers
 * the same range moved forward, as every night's does, the dates before its range are deleted, too: no later snapshot covers
 * them.
 * @returns how many held changes were deleted
 */
export async function deleteReplacedHeldChanges(
  db: Db,
  calendar: string,
  from: string,
  to: string,
  observedAt: Date,
): Promise<number> {
  await sql`
    DELETE FROM slotkeeper.held_change_dates d USING slotkeeper.held_changes h
    WHERE h.id = d.held_change_id AND h.calendar_id = ${calendar} AND h.cause = 'snapshot'
      AND (h.observed_at <= ${observedAt}::timestamptz AND d.date BETWEEN ${from} AND ${to}
        OR h.observed_at < ${observedAt}::timestamptz AND d.date < ${from} AND h.to_date >= ${from}
          AND ${to}::date - h.to_date >= ${from}::date - h.from_date)`.execute(db);
  return await deleteEmptyHeldChanges(db, calendar);
}

/** Deletes the held changes of snapshots that have no date left. @returns how many */
async function deleteEmptyHeldChanges(db: Db, calendar?: string): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM slotkeeper.held_changes h
    WHERE (${calendar ?? null}::text IS NULL OR h.calendar_id = ${calendar ?? null}) AND h.cause = 'snapshot'
      AND NOT EXISTS (SELECT FROM slotkeeper.held_change_dates d WHERE d.held_change_id = h.id)`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

/**
 * Deletes the held configuration of a calendar, because another one was requested.
 * @returns whether there was one
 */
export async function deleteHeldConfiguration(db: Db, calendar: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.held_changes')
    .where('calendar_id', '=', calendar)
    .where('cause', '=', 'configuration')
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** Finds the calendars that have a held configuration. */
export async function findHeldConfigurations(db: Db): Promise<Set<string>> {
  const rows = await db
    .selectFrom('slotkeeper.held_changes')
    .select('calendar_id')
    .where('cause', '=', 'configuration')
    .execute();
  return new Set(rows.map((row) => row.calendar_id));
}

/** Joins the dates that are still held. Windows that were reported after the held change was observed replace the held ones. */
const stillHeld = sql`
  FROM slotkeeper.held_changes h
  JOIN slotkeeper.held_change_dates x ON x.held_change_id = h.id
  LEFT JOIN slotkeeper.days w ON w.calendar_id = h.calendar_id AND w.date = x.date
  WHERE (x.windows IS NULL OR w.windows_at IS NULL OR w.windows_at <= h.observed_at)`;

/** Finds the held dates of a calendar, `from` and `to` included. */
export async function findHeldDates(
  db: Db,
  calendar: string,
  from: string,
  to: string,
): Promise<Set<string>> {
  const { rows } = await sql<{ date: string }>`
    SELECT DISTINCT x.date ${stillHeld}
      AND h.calendar_id = ${calendar} AND x.date BETWEEN ${from} AND ${to}`.execute(db);
  return new Set(rows.map(({ date }) => date));
}

/** Counts the held days in the accounts' horizons, by calendar. Calendars without one are left out. */
export async function countHeldDays(
  db: Db,
  horizons: readonly AccountHorizon[],
): Promise<Map<string, number>> {
  const { rows } = await sql<{ calendar: string; days: string }>`
    SELECT calendar_id AS calendar, count(*) AS days FROM (
      SELECT DISTINCT h.calendar_id, x.date ${stillHeld}
        AND EXISTS (
          SELECT FROM slotkeeper.calendars c
          JOIN jsonb_to_recordset(${JSON.stringify(horizons)}::jsonb) AS k (account text, "from" date, "to" date)
            ON k.account = c.account_id AND x.date BETWEEN k."from" AND k."to"
          WHERE c.id = h.calendar_id)
    ) held
    GROUP BY calendar_id`.execute(db);
  return new Map(rows.map(({ calendar, days }) => [calendar, Number(days)]));
}

/** Deletes held dates that are over, and the held changes that have nothing left. @param before a local date */
export async function deleteExpiredHeldChanges(db: Db, before: string): Promise<void> {
  await db.deleteFrom('slotkeeper.held_change_dates').where('date', '<', before).execute();
  await deleteEmptyHeldChanges(db);
  await db.deleteFrom('slotkeeper.held_changes').where('to_date', '<', before).execute();
}
