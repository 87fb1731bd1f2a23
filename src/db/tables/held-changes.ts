/** Holds: what a snapshot or a configuration would take away, kept until a person decides. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import type { Calendar } from './calendars.js';
import type { AccountHorizon } from './pending-calendars.js';
import type { StoredWindow } from './windows.js';

/** How much would be lost, of how much that is still to come. */
export interface Loss {
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

export interface NewHold {
  readonly calendar: string;
  readonly cause: 'snapshot' | 'configuration';
  /** The local dates that were spoken of, both included. */
  readonly from: string;
  readonly to: string;
  /** Of when it speaks. */
  readonly saidAt: Date;
  readonly heldAt: Date;
  readonly losses: readonly Loss[];
  readonly dates: readonly HeldDate[];
  /** The refs that it would release. */
  readonly releases: readonly string[];
  /** The calendar as it was configured, where that is what is held. */
  readonly configured?: Calendar | undefined;
}

export interface Hold extends NewHold {
  readonly id: string;
}

/** @returns its id */
export async function saveHold(db: Db, hold: NewHold): Promise<string> {
  const { id } = await db
    .insertInto('slotkeeper.holds')
    .values({
      calendar_id: hold.calendar,
      cause: hold.cause,
      from_date: hold.from,
      to_date: hold.to,
      said_at: hold.saidAt,
      held_at: hold.heldAt,
      losses: JSON.stringify(hold.losses),
      releases: JSON.stringify(hold.releases),
      calendar: hold.configured === undefined ? null : JSON.stringify(hold.configured),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  if (hold.dates.length > 0) {
    await sql`
      INSERT INTO slotkeeper.hold_dates (hold_id, date, windows)
      SELECT ${id}::bigint, k.date, k.windows
      FROM jsonb_to_recordset(${JSON.stringify(hold.dates)}::jsonb) AS k (date date, windows jsonb)`.execute(
      db,
    );
  }
  return id;
}

interface HoldRow {
  id: string;
  calendar_id: string;
  cause: 'snapshot' | 'configuration';
  from_date: string;
  to_date: string;
  said_at: Date;
  held_at: Date;
  losses: Loss[];
  releases: string[];
  calendar: Calendar | null;
  dates: { date: string; windows: StoredWindowJson[] | null }[] | null;
}

type StoredWindowJson = Omit<StoredWindow, 'start' | 'end'> & {
  readonly start: string;
  readonly end: string;
};

/** All holds, or the one with this id, oldest first. */
export async function findHolds(db: Db, id?: string): Promise<Hold[]> {
  const { rows } = await sql<HoldRow>`
    SELECT h.id, h.calendar_id, h.cause, h.from_date, h.to_date, h.said_at, h.held_at, h.losses, h.releases,
           h.calendar, d.dates
    FROM slotkeeper.holds h
    LEFT JOIN (
      SELECT hold_id, json_agg(json_build_object('date', date, 'windows', windows) ORDER BY date) AS dates
      FROM slotkeeper.hold_dates GROUP BY hold_id
    ) d ON d.hold_id = h.id
    WHERE ${id ?? null}::bigint IS NULL OR h.id = ${id ?? null}::bigint
    ORDER BY h.id`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    calendar: row.calendar_id,
    cause: row.cause,
    from: row.from_date,
    to: row.to_date,
    saidAt: row.said_at,
    heldAt: row.held_at,
    losses: row.losses,
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
export async function deleteHold(db: Db, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('slotkeeper.holds').where('id', '=', id).executeTakeFirst();
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
  saidAt: Date,
): Promise<number> {
  await sql`
    DELETE FROM slotkeeper.hold_dates d USING slotkeeper.holds h
    WHERE h.id = d.hold_id AND h.calendar_id = ${calendar} AND h.cause = 'snapshot'
      AND (h.said_at <= ${saidAt}::timestamptz AND d.date BETWEEN ${from} AND ${to}
        OR h.said_at < ${saidAt}::timestamptz AND d.date < ${from} AND h.to_date >= ${from}
          AND ${to}::date - h.to_date >= ${from}::date - h.from_date)`.execute(db);
  return await deleteEmptied(db, calendar);
}

/** @returns how many: snapshots' holds of which no date is left */
async function deleteEmptied(db: Db, calendar?: string): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM slotkeeper.holds h
    WHERE (${calendar ?? null}::text IS NULL OR h.calendar_id = ${calendar ?? null}) AND h.cause = 'snapshot'
      AND NOT EXISTS (SELECT FROM slotkeeper.hold_dates d WHERE d.hold_id = h.id)`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

/**
 * A configuration that was held is no longer what is asked for.
 * @returns whether there was one
 */
export async function dropHeldConfiguration(db: Db, calendar: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.holds')
    .where('calendar_id', '=', calendar)
    .where('cause', '=', 'configuration')
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** The calendars of which a configuration is held. */
export async function heldConfigurations(db: Db): Promise<Set<string>> {
  const rows = await db
    .selectFrom('slotkeeper.holds')
    .select('calendar_id')
    .where('cause', '=', 'configuration')
    .execute();
  return new Set(rows.map((row) => row.calendar_id));
}

/** Dates of which something is still held: what was said of their windows since then ends it. */
const stillHeld = sql`
  FROM slotkeeper.holds h
  JOIN slotkeeper.hold_dates x ON x.hold_id = h.id
  LEFT JOIN slotkeeper.days w ON w.calendar_id = h.calendar_id AND w.date = x.date
  WHERE (x.windows IS NULL OR w.windows_at IS NULL OR w.windows_at <= h.said_at)`;

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
export async function forgetHolds(db: Db, before: string): Promise<void> {
  await db.deleteFrom('slotkeeper.hold_dates').where('date', '<', before).execute();
  await deleteEmptied(db);
  await db.deleteFrom('slotkeeper.holds').where('to_date', '<', before).execute();
}
