/** Queries of the marketplace's calendar breaks: those that the engine made, and those that a doctor made. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface StoredBreak {
  readonly calendar: string;
  readonly id: string;
  readonly since: Date;
  readonly till: Date;
  /**
   * Whether the engine made the break to block busy time: true where the id came in the answer to its request, or the
   * description identifies it. Null where the times equal those of a requested break and neither is known yet.
   */
  readonly own: boolean | null;
  /**
   * Whether the engine made the break for another calendar whose address is coupled with this one; it includes the buffers
   * already. Null until the description was read.
   */
  readonly coupled: boolean | null;
  /** Deleted on the marketplace; final. */
  readonly removed: boolean;
  /** A read of its time did not list it; it may be at another time. */
  readonly unlisted: boolean;
  /** The time of the newest observation of its times; an older observation changes nothing. */
  readonly observedAt: Date;
}

const COLUMNS = [
  'calendar_id',
  'id',
  'since_at',
  'till_at',
  'own',
  'coupled',
  'removed',
  'unlisted',
  'observed_at',
] as const;

interface BreakRow {
  calendar_id: string;
  id: string;
  since_at: Date;
  till_at: Date;
  own: boolean | null;
  coupled: boolean | null;
  removed: boolean;
  unlisted: boolean;
  observed_at: Date;
}

const toBreak = (row: BreakRow): StoredBreak => ({
  calendar: row.calendar_id,
  id: row.id,
  since: row.since_at,
  till: row.till_at,
  own: row.own,
  coupled: row.coupled,
  removed: row.removed,
  unlisted: row.unlisted,
  observedAt: row.observed_at,
});

/** @returns the stored breaks with these ids, including removed ones, by id */
export async function findBreaks(
  db: Db,
  calendar: string,
  ids: readonly string[],
): Promise<Map<string, StoredBreak>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('slotkeeper.breaks')
    .select(COLUMNS)
    .where('calendar_id', '=', calendar)
    .where('id', 'in', [...ids])
    .execute();
  return new Map(rows.map((row) => [row.id, toBreak(row)]));
}

/**
 * Finds the existing breaks that overlap the time between two instants, earliest first.
 * @param knownBefore only rows that were written before this instant
 */
export async function findBreaksBetween(
  db: Db,
  calendar: string,
  from: Date,
  to: Date,
  knownBefore?: Date,
): Promise<StoredBreak[]> {
  const rows = await db
    .selectFrom('slotkeeper.breaks')
    .select(COLUMNS)
    .where('calendar_id', '=', calendar)
    .where('removed', '=', false)
    .where('unlisted', '=', false)
    .where('till_at', '>', from)
    .where('since_at', '<', to)
    .$if(knownBefore !== undefined, (query) => query.where('updated_at', '<', knownBefore ?? to))
    .orderBy('since_at')
    .orderBy('id')
    .execute();
  return rows.map(toBreak);
}

/** Inserts or replaces the breaks. */
export async function saveBreaks(db: Db, breaks: readonly StoredBreak[], now: Date): Promise<void> {
  if (breaks.length === 0) return;
  await sql`
    INSERT INTO slotkeeper.breaks
      (calendar_id, id, since_at, till_at, own, coupled, removed, unlisted, observed_at, updated_at)
    SELECT k.calendar, k.id, k.since, k.till, k.own, k.coupled, k.removed, k.unlisted, k."observedAt", ${now}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(breaks)}::jsonb)
      AS k (calendar text, id text, since timestamptz, till timestamptz, own boolean, coupled boolean,
            removed boolean, unlisted boolean, "observedAt" timestamptz)
    ON CONFLICT (calendar_id, id) DO UPDATE SET
      since_at = excluded.since_at, till_at = excluded.till_at, own = excluded.own, coupled = excluded.coupled,
      removed = excluded.removed, unlisted = excluded.unlisted, observed_at = excluded.observed_at,
      updated_at = excluded.updated_at`.execute(db);
}

/** Whether the calendar has breaks that end after `now` and that the engine made, or may have made. */
export async function hasOwnBreaks(db: Db, calendar: string, now: Date): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    SELECT EXISTS (SELECT FROM slotkeeper.breaks
                   WHERE calendar_id = ${calendar} AND NOT removed AND NOT unlisted AND own IS NOT FALSE AND till_at > ${now})
        OR EXISTS (SELECT FROM slotkeeper.in_doubt
                   WHERE calendar_id = ${calendar} AND kind = 'break' AND end_at > ${now}) AS has`.execute(
    db,
  );
  return rows[0]?.has === true;
}

/** @returns how many breaks that ended before the instant were deleted */
export async function deleteExpiredBreaks(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.breaks')
    .where('till_at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
