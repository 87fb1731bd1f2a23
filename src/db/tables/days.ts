/**
 * Days: one local date of a calendar each, with what is wanted of it and what the marketplace was told.
 * A day counts its changes; it is pending while the published generation is behind. What is wanted and not
 * yet published is therefore a query, whatever crashed in between.
 */
import { sql } from 'kysely';
import { LOWEST_PRIORITY, type Slot } from '../../core/index.js';
import type { StatementPart } from '../combined-write.js';
import { nextRetryAt } from '../retry-delay.js';
import type { Db } from '../schema.js';
import type { Account } from './accounts.js';
import type { Calendar } from './calendars.js';

/** Why a day could not be published. */
export interface DayError {
  readonly reason: string;
  /** Bookable starts that were sent, and those that the marketplace shows, where they differ. */
  readonly expected?: readonly string[];
  readonly shown?: readonly string[];
  /** How taken time of it was closed all the same; `null` where every way was refused, absent where none had to be closed. */
  readonly closedBy?: ClosedBy | null;
}

/** Slots without the taken time, a calendar break over it, or a day that shows nothing. */
export type ClosedBy = 'slots' | 'break' | 'clear';

export interface StoredDay {
  readonly date: string;
  readonly generation: number;
  readonly publishedGeneration: number;
  readonly pendingSince: Date | null;
  readonly priority: number | null;
  readonly published: readonly Slot[] | null;
  readonly verified: boolean;
  readonly publishedAt: Date | null;
  readonly failedGeneration: number | null;
  readonly error: DayError | null;
}

interface DayRow {
  date: string;
  generation: string;
  published_generation: string;
  pending_since: Date | null;
  priority: number | null;
  published: readonly Slot[] | null;
  verified: boolean;
  published_at: Date | null;
  failed_generation: string | null;
  error: DayError | null;
}

const toDay = (row: DayRow): StoredDay => ({
  date: row.date,
  generation: Number(row.generation),
  publishedGeneration: Number(row.published_generation),
  pendingSince: row.pending_since,
  priority: row.priority,
  published: row.published,
  verified: row.verified,
  publishedAt: row.published_at,
  failedGeneration: row.failed_generation === null ? null : Number(row.failed_generation),
  error: row.error,
});

/** A change of a day that the marketplace has to hear of. */
export interface DirtyDay {
  readonly calendar: string;
  readonly date: string;
  readonly priority: number;
}

/**
 * Marks days as changed. Changes of windows make the day where it was not known; changes of occupancy only
 * touch days that have or had windows, because nothing is sold on the others.
 * @returns those of the changes whose days are marked
 */
export async function markDays(
  db: Db,
  changes: { readonly windows: readonly DirtyDay[]; readonly occupancy: readonly DirtyDay[] },
  now: Date,
): Promise<DirtyDay[]> {
  if (changes.windows.length > 0) {
    await sql`
      INSERT INTO slotkeeper.days AS d (calendar_id, date, generation, pending_since, priority)
      SELECT k.calendar, k.date, 1, ${now}::timestamptz, k.priority
      FROM jsonb_to_recordset(${JSON.stringify(changes.windows)}::jsonb)
        AS k (calendar text, date date, priority integer)
      ON CONFLICT (calendar_id, date) DO UPDATE SET
        generation = d.generation + 1,
        pending_since = coalesce(d.pending_since, excluded.pending_since),
        priority = least(d.priority, excluded.priority)`.execute(db);
  }
  const marked = await markingOccupancy(changes.occupancy, now)?.execute(db);
  return [...changes.windows, ...(marked?.rows ?? [])];
}

/**
 * Changes of occupancy as a part of a statement; absent where there are none. As arrays, of which the planner knows that they
 * are short: of JSON it thinks that it is long, and reads all days that there are instead of looking each up.
 */
export function markingOccupancy(
  changes: readonly DirtyDay[],
  now: Date,
): StatementPart<DirtyDay> | undefined {
  if (changes.length === 0) return undefined;
  const days = highestPriorityOfEach(changes);
  const [calendars, dates, priorities] = [
    days.map(({ calendar }) => calendar),
    days.map(({ date }) => date),
    days.map(({ priority }) => priority),
  ];
  return sql<DirtyDay>`
    UPDATE slotkeeper.days d SET
      generation = d.generation + 1,
      pending_since = coalesce(d.pending_since, ${now}::timestamptz),
      priority = least(d.priority, k.priority)
    FROM unnest(${calendars}::text[], ${dates}::date[], ${priorities}::integer[]) AS k (calendar, date, priority)
    WHERE d.calendar_id = k.calendar AND d.date = k.date
    RETURNING k.calendar, k.date, k.priority`;
}

/** One for each day: a statement changes a row once. */
function highestPriorityOfEach(changes: readonly DirtyDay[]): DirtyDay[] {
  const days = new Map<string, DirtyDay>();
  for (const change of changes) {
    const key = `${change.date} ${change.calendar}`;
    const known = days.get(key);
    if (known === undefined || change.priority < known.priority) days.set(key, change);
  }
  return [...days.values()];
}

/**
 * An address service is not what it was: the days from now on whose windows offer it are told again, so that it shows
 * whether the marketplace still takes them.
 * @returns how many there are
 */
export async function markDaysOfService(
  db: Db,
  calendar: string,
  service: string,
  now: Date,
): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.days d SET
      generation = d.generation + 1, verified = false,
      pending_since = coalesce(d.pending_since, ${now}::timestamptz)
    WHERE d.calendar_id = ${calendar} AND EXISTS (
      SELECT FROM slotkeeper.windows w
      WHERE w.calendar_id = d.calendar_id AND w.date = d.date AND w.end_at > ${now}
        AND w.services @> ${JSON.stringify([{ id: service }])}::jsonb)`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** A day that does not show what it should. */
export interface DriftingChange {
  readonly date: string;
  /** As it was when it was compared: where it changed since, it is published anyway. */
  readonly generation: number;
  readonly priority: number;
  /** Whether its slots are as they were told: what hides taken time is not. */
  readonly isTold: boolean;
}

/** Has these days published again, although nothing of theirs changed. */
export async function markDrift(
  db: Db,
  calendar: string,
  changes: readonly DriftingChange[],
  now: Date,
): Promise<void> {
  if (changes.length === 0) return;
  await sql`
    UPDATE slotkeeper.days d SET
      generation = d.generation + 1, verified = d.verified AND k."isTold",
      pending_since = coalesce(d.pending_since, ${now}::timestamptz),
      priority = least(d.priority, k.priority)
    FROM jsonb_to_recordset(${JSON.stringify(changes)}::jsonb)
      AS k (date date, generation bigint, priority integer, "isTold" boolean)
    WHERE d.calendar_id = ${calendar} AND d.date = k.date AND d.generation = k.generation`.execute(db);
}

/** The days of a calendar between two local dates, both included. */
export async function daysBetween(db: Db, calendar: string, from: string, to: string): Promise<StoredDay[]> {
  const { rows } = await sql<DayRow>`
    SELECT date, generation, published_generation, pending_since, priority, published, verified, published_at,
           failed_generation, error
    FROM slotkeeper.days
    WHERE calendar_id = ${calendar} AND date BETWEEN ${from} AND ${to}
    ORDER BY date`.execute(db);
  return rows.map(toDay);
}

/**
 * The days that are wanted and not published, most urgent first; those that failed only where they are due again, and none
 * that was told and only waits for a reading.
 */
export async function pendingDays(
  db: Db,
  calendar: string,
  from: string,
  to: string,
  now: Date,
  limit: number,
): Promise<StoredDay[]> {
  const { rows } = await sql<DayRow>`
    SELECT date, generation, published_generation, pending_since, priority, published, verified, published_at,
           failed_generation, error
    FROM slotkeeper.days
    WHERE calendar_id = ${calendar} AND date BETWEEN ${from} AND ${to}
      AND generation > published_generation
      AND (failed_generation IS DISTINCT FROM generation OR retry_at IS NULL OR retry_at <= ${now})
      AND NOT EXISTS (
        SELECT FROM slotkeeper.verifications v
        WHERE v.calendar_id = days.calendar_id AND v.date = days.date AND v.generation = days.generation
          AND v.due_at IS NOT NULL)
    ORDER BY priority NULLS LAST, date
    LIMIT ${limit}`.execute(db);
  return rows.map(toDay);
}

/** Whether any of these days is not of this generation any more. */
export async function haveChanged(
  db: Db,
  calendar: string,
  days: readonly Pick<StoredDay, 'date' | 'generation'>[],
): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM slotkeeper.days d
    JOIN unnest(${days.map(({ date }) => date)}::date[], ${days.map(({ generation }) => generation)}::bigint[])
      AS k (date, generation) ON d.date = k.date
    WHERE d.calendar_id = ${calendar} AND d.generation <> k.generation
    LIMIT 1`.execute(db);
  return rows.length > 0;
}

/** What was published of a day, up to the generation that was read when it was computed. */
export interface PublishedDay {
  readonly date: string;
  readonly generation: number;
  readonly slots: readonly Slot[];
  readonly verified: boolean;
}

/** Where something was told. */
export type ToldAt = Pick<Calendar, 'id' | 'account' | 'facilityId' | 'doctorId' | 'addressId'>;
/** By whom, and with which days. */
export type ToldBy = Pick<Account, 'baseUrl' | 'clientId' | 'timeZone'>;

/**
 * Writes down what the marketplace was told. A day that changed meanwhile stays pending, and where the calendar is at
 * another address by now, nothing was told there.
 */
export async function savePublished(
  db: Db,
  at: ToldAt,
  by: ToldBy,
  days: readonly PublishedDay[],
  now: Date,
): Promise<void> {
  if (days.length === 0) return;
  // Its rows are locked, not only read: whoever changes the address right now comes before or after.
  await sql`
    WITH place AS MATERIALIZED (
      SELECT c.id FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
      WHERE c.id = ${at.id} AND c.account_id = ${at.account} AND c.facility_id = ${at.facilityId}
        AND c.doctor_id = ${at.doctorId} AND c.address_id = ${at.addressId}
        AND a.base_url = ${by.baseUrl} AND a.client_id = ${by.clientId} AND a.time_zone = ${by.timeZone}
      FOR SHARE)
    UPDATE slotkeeper.days d SET
      published_generation = greatest(d.published_generation, k.generation),
      pending_since = CASE WHEN d.generation > k.generation THEN d.pending_since END,
      priority = CASE WHEN d.generation > k.generation THEN d.priority END,
      published = k.slots,
      verified = k.verified,
      published_at = ${now}::timestamptz,
      failed_generation = NULL,
      error = NULL,
      failures = 0,
      retry_at = NULL
    -- As json all the way: jsonb would sort the fields of each slot.
    FROM json_to_recordset(${JSON.stringify(days)}::json)
      AS k (date date, generation bigint, slots json, verified boolean)
    WHERE d.calendar_id = (SELECT id FROM place) AND d.date = k.date`.execute(db);
}

/**
 * Sets days apart as failed. A later change of theirs tries them again at once, and a pause that grows after everything that
 * closes.
 * @param random from 0 to 1
 */
export async function saveFailed(
  db: Db,
  calendar: string,
  days: readonly { readonly date: string; readonly generation: number; readonly error: DayError }[],
  now: Date,
  random: number,
): Promise<void> {
  if (days.length === 0) return;
  await sql`
    UPDATE slotkeeper.days d SET
      failed_generation = k.generation, error = k.error, failures = d.failures + 1,
      retry_at = ${nextRetryAt(now, sql`d.failures`, random)},
      priority = CASE WHEN d.generation = k.generation THEN ${LOWEST_PRIORITY}::integer ELSE d.priority END
    FROM jsonb_to_recordset(${JSON.stringify(days)}::jsonb) AS k (date date, generation bigint, error jsonb)
    WHERE d.calendar_id = ${calendar} AND d.date = k.date`.execute(db);
}

/**
 * Says that what these days show is unknown from now on: something is about to be sent, and whether it arrived
 * will only be known from the answer. Until then none of them equals anything.
 */
export async function clearVerified(db: Db, calendar: string, dates: readonly string[]): Promise<void> {
  if (dates.length === 0) return;
  await db
    .updateTable('slotkeeper.days')
    .set({ verified: false })
    .where('calendar_id', '=', calendar)
    .where('date', 'in', [...dates])
    .execute();
}

/**
 * Writes down what the marketplace has answered that it took, while the day is not done otherwise: it stays pending.
 * A day that changed since it was read is left as it is: it may belong to another address by now.
 * @returns the dates of which it is written down
 */
export async function saveTold(
  db: Db,
  calendar: string,
  days: readonly Omit<PublishedDay, 'verified'>[],
  now: Date,
): Promise<string[]> {
  if (days.length === 0) return [];
  const { rows } = await sql<{ date: string }>`
    UPDATE slotkeeper.days d SET published = k.slots, verified = true, published_at = ${now}::timestamptz
    FROM json_to_recordset(${JSON.stringify(days)}::json) AS k (date date, generation bigint, slots json)
    WHERE d.calendar_id = ${calendar} AND d.date = k.date AND d.generation = k.generation
    RETURNING d.date`.execute(db);
  return rows.map(({ date }) => date);
}
