/** Holds: what a snapshot or a configuration would take away, kept until a person decides. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import type { Calendar } from './calendars.js';
import type { AccountHorizon } from './pending-calendars.js';
import type { StoredWindow } from './windows.js';

/** How much would be lost, of how much that is still to come. */
export interface Deletion {
  readonly scope: 'calendar' | 'account';
  /** Windows are counted in minutes, occupancies in number. */
  readonly of: 'windows' | 'occupancies';
  readonly lost: number;
  readonly total: number;
}

export interface HeldDate {
  readonly date: string;
  /** The windows that were asked for; absent where only releases are held. */
  readonly windows?: readonly StoredWindow[] | undefined;
}

export interface NewHeldChange {
  readonly calendar: string;
  readonly cause: 'snapshot' | 'configuration';
  /** The local dates that were spoken of, both included. */
  readonly from: string;
  readonly to: string;
  /** Of when it speaks. */
  readonly observedAt: Date;
  readonly heldAt: Date;
  readonly deletions: readonly Deletion[];
  readonly dates: readonly HeldDate[];
  /** The refs that it would release. */
  readonly releases: readonly string[];
  /** The calendar as it was configured, where that is what is held. */
  readonly configured?: Calendar | undefined;
}

export interface HeldChange extends NewHeldChange {
  readonly id: string;
}

/** @returns its id */
export async function saveHeldChange(db: Db, hold: NewHeldChange): Promise<string> {
  const { id } = await db
    .insertInto('slotkeeper.held_changes')
    .values({
      calendar_id: hold.calendar,
      cause: hold.cause,
      from_date: hold.from,
      to_date: hold.to,
      observed_at: hold.observedAt,
      held_at: hold.heldAt,
      deletions: JSON.stringify(hold.deletions),
      releases: JSON.stringify(hold.releases),
      calendar: hold.configured === undefined ? null : JSON.stringify(hold.configured),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  if (hold.dates.length > 0) {
    await sql`
      INSERT INTO slotkeeper.held_change_dates (held_change_id, date, windows)
      SELECT ${id}::bigint, k.date, k.windows
      FROM jsonb_to_recordset(${JSON.stringify(hold.dates)}::jsonb) AS k (date date, windows jsonb)`.execute(
      db,
    );
  }
  return id;
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

/** All holds, or the one with this id, oldest first. */
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
      ...(windows === null ? {} : { windows: windows.map(revived) }),
    })),
    ...(row.calendar === null ? {} : { configured: row.calendar }),
  }));
}

const revived = ({ start, end, ...window }: StoredWindowJson): StoredWindow => ({
  ...window,
  start: new Date(start),
  end: new Date(end),
});

/** What its notification is known by. */
export const hashOfHeld = (id: string): string => `held ${id}`;

/** @returns whether there was one */
export async function deleteHeldChange(db: Db, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.held_changes')
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/**
 * A newer snapshot of these dates is in the place of what was held of them before. Where it is the same range moved on, as
 * every night's is, the dates that it has left behind go, too: nothing will speak of them again.
 * @returns how many holds are gone by it
 */
export async function replaceHeld(
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
  return await deleteEmptied(db, calendar);
}

/** @returns how many: snapshots' holds of which no date is left */
async function deleteEmptied(db: Db, calendar?: string): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM slotkeeper.held_changes h
    WHERE (${calendar ?? null}::text IS NULL OR h.calendar_id = ${calendar ?? null}) AND h.cause = 'snapshot'
      AND NOT EXISTS (SELECT FROM slotkeeper.held_change_dates d WHERE d.held_change_id = h.id)`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

/**
 * A configuration that was held is no longer what is asked for.
 * @returns whether there was one
 */
export async function dropHeldConfiguration(db: Db, calendar: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.held_changes')
    .where('calendar_id', '=', calendar)
    .where('cause', '=', 'configuration')
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** The calendars of which a configuration is held. */
export async function heldConfigurations(db: Db): Promise<Set<string>> {
  const rows = await db
    .selectFrom('slotkeeper.held_changes')
    .select('calendar_id')
    .where('cause', '=', 'configuration')
    .execute();
  return new Set(rows.map((row) => row.calendar_id));
}

/** Dates of which something is still held: what was said of their windows since then ends it. */
const stillHeld = sql`
  FROM slotkeeper.held_changes h
  JOIN slotkeeper.held_change_dates x ON x.held_change_id = h.id
  LEFT JOIN slotkeeper.days w ON w.calendar_id = h.calendar_id AND w.date = x.date
  WHERE (x.windows IS NULL OR w.windows_at IS NULL OR w.windows_at <= h.observed_at)`;

/** The held dates of a calendar, `from` and `to` included. */
export async function heldDates(db: Db, calendar: string, from: string, to: string): Promise<Set<string>> {
  const { rows } = await sql<{ date: string }>`
    SELECT DISTINCT x.date ${stillHeld}
      AND h.calendar_id = ${calendar} AND x.date BETWEEN ${from} AND ${to}`.execute(db);
  return new Set(rows.map(({ date }) => date));
}

/** How many days of the accounts' horizons are held. */
export async function countHeldDays(db: Db, horizons: readonly AccountHorizon[]): Promise<number> {
  const { rows } = await sql<{ days: string }>`
    SELECT count(*) AS days FROM (
      SELECT DISTINCT h.calendar_id, x.date ${stillHeld}
        AND EXISTS (
          SELECT FROM slotkeeper.calendars c
          JOIN jsonb_to_recordset(${JSON.stringify(horizons)}::jsonb) AS k (account text, "from" date, "to" date)
            ON k.account = c.account_id AND x.date BETWEEN k."from" AND k."to"
          WHERE c.id = h.calendar_id)
    ) held`.execute(db);
  return Number(rows[0]?.days ?? 0);
}

/** Forgets what is held of dates that are over, and holds of which nothing else is left. */
export async function deleteExpiredHeldChanges(db: Db, before: string): Promise<void> {
  await db.deleteFrom('slotkeeper.held_change_dates').where('date', '<', before).execute();
  await deleteEmptied(db);
  await db.deleteFrom('slotkeeper.held_changes').where('to_date', '<', before).execute();
}
