/** The marketplace's calendar breaks, as far as the record knows them: ours, and those that a doctor made. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface StoredBreak {
  readonly calendar: string;
  readonly id: string;
  readonly since: Date;
  readonly till: Date;
  /**
   * Made by us, to hide what is taken: its id came in an answer of our own, or its description was read and says so. Null
   * where its times are those of one that we asked for, and neither has been seen yet.
   */
  readonly own: boolean | null;
  /**
   * Made by us for another calendar, and on this one because their addresses are coupled: what is to be kept free around it is
   * in it already. Null where its description was not read yet.
   */
  readonly coupled: boolean | null;
  /** It never comes back. */
  readonly removed: boolean;
  /** It was not where it was looked for; it may be elsewhere. */
  readonly unlisted: boolean;
  /** The newest word of where it is: an older one changes nothing. See `wordAt`. */
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

/** Those of the breaks that the record knows, removed ones included. */
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
 * The breaks that stand and touch the time between two instants, earliest first.
 * @param knownBefore only what was written down before then
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

/** Writes them as they now are. */
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

const ANNOUNCED = 'sent ';

/** Until it has an id, a break that is about to be made has one of these. */
const announcedId = (since: Date, till: Date): string =>
  `${ANNOUNCED}${since.toISOString()} ${till.toISOString()}`;

export const isInDoubtBreakId = (id: string): boolean => id.startsWith(ANNOUNCED);

/** Written down before a break is made: its notification may come before its answer. */
export async function recordInDoubtBreak(
  db: Db,
  calendar: string,
  span: { readonly since: Date; readonly till: Date },
  now: Date,
): Promise<void> {
  const id = announcedId(span.since, span.till);
  const isThere = { removed: false, unlisted: false, observedAt: now };
  await saveBreaks(db, [{ calendar, id, ...span, own: true, coupled: false, ...isThere }], now);
}

/** It has an id now, or was not made. */
export async function deleteInDoubtBreak(
  db: Db,
  calendar: string,
  span: { readonly since: Date; readonly till: Date },
): Promise<void> {
  await db
    .deleteFrom('slotkeeper.breaks')
    .where('calendar_id', '=', calendar)
    .where('id', '=', announcedId(span.since, span.till))
    .execute();
}

/** Whether a break of ours with these times is about to be made. */
export async function isBreakInDoubt(
  db: Db,
  calendar: string,
  span: { readonly since: Date; readonly till: Date },
): Promise<boolean> {
  const found = await findBreaks(db, calendar, [announcedId(span.since, span.till)]);
  return [...found.values()].some(({ removed, unlisted }) => !removed && !unlisted);
}

/** Whether the record knows breaks that are or may be ours, and are not over yet. */
export async function hasOwnBreaks(db: Db, calendar: string, now: Date): Promise<boolean> {
  const row = await db
    .selectFrom('slotkeeper.breaks')
    .select('id')
    .where('calendar_id', '=', calendar)
    .where('removed', '=', false)
    .where('unlisted', '=', false)
    .where((eb) => eb.or([eb('own', '=', true), eb('own', 'is', null)]))
    .where('till_at', '>', now)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** @returns how many of those that are long over were forgotten */
export async function deleteExpiredBreaks(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.breaks')
    .where('till_at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
