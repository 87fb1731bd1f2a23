/**
 * Queries of `slotkeeper.days`: one row for each local date of a calendar, with its generation and the generation that was
 * published last. A change increments the generation, and a day is pending while its published generation is lower. So the
 * pending days are the result of a query, and a crash loses none of them.
 */
import { type RawBuilder, sql } from 'kysely';
import { type Band, bandOf, type Cut, LOWEST_PRIORITY, type Slot } from '../../core/index.js';
import type { BookableStart } from '../../docplanner/index.js';
import type { StatementPart } from '../combined-write.js';
import { nextRetryAt } from '../retry-delay.js';
import type { Db } from '../schema.js';
import type { Account } from './accounts.js';
import type { Calendar } from './calendars.js';
import { insertFailedDays, insertPublished } from './changes-to-notify.js';
import { insertHistoryOfMarks, type MarkCause } from './history.js';

/** Why a day could not be published. */
export interface DayError {
  readonly reason: string;
  /** Bookable starts that were sent, and those that the marketplace shows, where they differ. */
  readonly expected?: readonly string[];
  readonly shown?: readonly string[];
  /** How busy time of the day was closed nevertheless; `null` where every option was refused, absent where none had to be closed. */
  readonly closedBy?: ClosedBy | null;
}

/** Slots without the busy time, a calendar break over it, or a day without slots. */
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

/** What a read shows of a day: exactly the starts of its published slots, by this cut, or these starts. */
export type ShownAs = { readonly cut: Cut } | { readonly starts: readonly BookableStart[] };

/** A read of a day. */
export interface DayReading {
  readonly shown: ShownAs;
  readonly readAt: Date;
}

/** What the last read of a day showed: exactly the starts of these slots, by this cut, or these starts. */
export type ShownDay =
  | { readonly slots: readonly Slot[]; readonly cut: Cut }
  | { readonly starts: readonly BookableStart[] };

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

/** A change of a day that has to be published. */
export interface DirtyDay {
  readonly calendar: string;
  readonly date: string;
  readonly priority: number;
}

/** A day that was marked. */
export interface MarkedDay extends DirtyDay {
  readonly direction: Band;
  /** As text. */
  readonly generation: string;
}

/**
 * Marks days as changed, and adds their history. A change of windows inserts the day where it does not exist. A change of
 * occupancy updates only days that exist: the others never had windows, so nothing is bookable on them.
 */
export async function markDays(
  db: Db,
  changes: { readonly windows: readonly DirtyDay[]; readonly occupancy: readonly DirtyDay[] },
  now: Date,
  cause: MarkCause,
): Promise<void> {
  await markDaysOfWindows(db, changes.windows, now, cause);
  await markWithHistory(db, markStoredDays(changes.occupancy, now), cause, now);
}

/** Marks the days of changes of windows, and inserts those that do not exist. */
export async function markDaysOfWindows(
  db: Db,
  changes: readonly DirtyDay[],
  now: Date,
  cause: MarkCause,
): Promise<void> {
  if (changes.length === 0) return;
  await sql`
    WITH changes AS (SELECT * FROM ${unnestChanges(changes)}),
    written AS (
      INSERT INTO slotkeeper.days AS d (calendar_id, date, generation, pending_since, priority)
      SELECT calendar, date, 1, ${now}::timestamptz, priority FROM changes
      ON CONFLICT (calendar_id, date) DO UPDATE SET
        generation = d.generation + 1,
        pending_since = coalesce(d.pending_since, excluded.pending_since),
        priority = least(d.priority, excluded.priority)
      RETURNING calendar_id AS calendar, date, generation),
    marked AS (SELECT * FROM changes JOIN written USING (calendar, date))
    ${insertHistoryOfMarks('marked', cause, now)}`.execute(db);
}

/** Executes a part that marks days, together with their history. */
async function markWithHistory<Row>(
  db: Db,
  marking: StatementPart<Row> | undefined,
  cause: MarkCause,
  now: Date,
): Promise<readonly Row[]> {
  if (marking === undefined) return [];
  const { rows } = await sql<Row>`
    WITH marked AS (${marking}), recorded AS (${insertHistoryOfMarks('marked', cause, now)})
    SELECT * FROM marked`.execute(db);
  return rows;
}

/**
 * Marks days that exist, as a part of a statement; undefined where there are no changes. `insertHistoryOfMarks` is its other
 * part.
 */
export function markStoredDays(
  changes: readonly DirtyDay[],
  now: Date,
): StatementPart<MarkedDay> | undefined {
  if (changes.length === 0) return undefined;
  return sql<MarkedDay>`
    UPDATE slotkeeper.days d SET
      generation = d.generation + 1,
      pending_since = coalesce(d.pending_since, ${now}::timestamptz),
      priority = least(d.priority, k.priority)
    FROM ${unnestChanges(changes)}
    WHERE d.calendar_id = k.calendar AND d.date = k.date
    RETURNING k.calendar, k.date, k.priority, k.direction, d.generation`;
}

/**
 * The changes as the table `k`, each day once. They are passed as arrays, which the planner estimates as short. It estimates
 * JSON as long, and would scan all days instead of looking each one up.
 */
function unnestChanges(changes: readonly DirtyDay[]) {
  const days = highestPriorityOfEach(changes);
  const column = <Value>(of: (day: DirtyDay) => Value): Value[] => days.map(of);
  return sql`unnest(${column((day) => day.calendar)}::text[], ${column((day) => day.date)}::date[],
      ${column((day) => day.priority)}::integer[], ${column((day) => bandOf(day.priority))}::text[])
      AS k (calendar, date, priority, direction)`;
}

/** One change for each day, because a statement updates a row only once. */
function highestPriorityOfEach(changes: readonly DirtyDay[]): DirtyDay[] {
  const days = new Map<string, DirtyDay>();
  for (const change of changes) {
    const key = `${change.date} ${change.calendar}`;
    const highest = days.get(key);
    if (highest === undefined || change.priority < highest.priority) days.set(key, change);
  }
  return [...days.values()];
}

/**
 * Marks the days from `now` on whose windows offer an address service that changed. They are published again, which shows
 * whether the marketplace still accepts them.
 * @returns how many days were marked
 */
export async function markDaysOfService(
  db: Db,
  calendar: string,
  service: string,
  now: Date,
): Promise<number> {
  const marking = sql`
    UPDATE slotkeeper.days d SET
      generation = d.generation + 1, verified = false,
      pending_since = coalesce(d.pending_since, ${now}::timestamptz)
    WHERE d.calendar_id = ${calendar} AND EXISTS (
      SELECT FROM slotkeeper.windows w
      WHERE w.calendar_id = d.calendar_id AND w.date = d.date AND w.end_at > ${now}
        AND w.services @> ${JSON.stringify([{ id: service }])}::jsonb)
    RETURNING d.calendar_id AS calendar, d.date, 'default' AS direction, d.generation`;
  return (await markWithHistory(db, marking, 'service', now)).length;
}

/** A day whose availability in the marketplace differs from what is wanted. */
export interface DriftingDayMark {
  readonly date: string;
  /** The generation that was compared. A day that changed since is not marked: it is pending already. */
  readonly generation: number;
  readonly priority: number;
  /** Whether the marketplace shows the slots that were last sent, so that only the blocking of busy time differs. */
  readonly isVerified: boolean;
}

/** Marks days as pending although nothing that is wanted of them changed. */
export async function markDriftingDays(
  db: Db,
  calendar: string,
  changes: readonly DriftingDayMark[],
  now: Date,
  cause: 'resync' | 'closing',
): Promise<void> {
  if (changes.length === 0) return;
  const marks = changes.map((one) => ({ ...one, direction: bandOf(one.priority) }));
  const marking = sql`
    UPDATE slotkeeper.days d SET
      generation = d.generation + 1, verified = d.verified AND k."isVerified",
      pending_since = coalesce(d.pending_since, ${now}::timestamptz),
      priority = least(d.priority, k.priority)
    FROM jsonb_to_recordset(${JSON.stringify(marks)}::jsonb)
      AS k (date date, generation bigint, priority integer, "isVerified" boolean, direction text)
    WHERE d.calendar_id = ${calendar} AND d.date = k.date AND d.generation = k.generation
    RETURNING d.calendar_id AS calendar, d.date, k.direction, d.generation`;
  await markWithHistory(db, marking, cause, now);
}

/** Lists the days of a calendar between two local dates, both included. */
export async function listDays(db: Db, calendar: string, from: string, to: string): Promise<StoredDay[]> {
  const { rows } = await sql<DayRow>`
    SELECT date, generation, published_generation, pending_since, priority, published, verified, published_at,
           failed_generation, error
    FROM slotkeeper.days
    WHERE calendar_id = ${calendar} AND date BETWEEN ${from} AND ${to}
    ORDER BY date`.execute(db);
  return rows.map(toDay);
}

/**
 * Finds the pending days, highest priority first. Failed days are included where their retry is due. Days that were sent and
 * only wait for their verification are left out.
 */
export async function findPendingDays(
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

/** Whether the generation of any of these days has changed. */
export async function haveDaysChanged(
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

/** The slots that were published of a day, with the generation that they were computed from. */
export interface PublishedDay {
  readonly date: string;
  readonly generation: number;
  readonly slots: readonly Slot[];
  readonly verified: boolean;
  /** The read that shows it; absent where the day was not read. */
  readonly reading?: DayReading | undefined;
}

/** The address that slots were published to. */
export type PublishedAddress = Pick<Calendar, 'id' | 'account' | 'facilityId' | 'doctorId' | 'addressId'>;
/** The account that slots were published with. */
export type PublishingAccount = Pick<Account, 'baseUrl' | 'clientId' | 'timeZone'>;

/**
 * Records what was published. A day that changed meanwhile stays pending. Where the calendar has another address or its
 * account other credentials by now, nothing is recorded: nothing was published there.
 * @param isNotified whether the account is notified of it
 */
export async function recordPublishedDays(
  db: Db,
  at: PublishedAddress,
  by: PublishingAccount,
  days: readonly PublishedDay[],
  now: Date,
  isNotified = false,
): Promise<void> {
  if (days.length === 0) return;
  // The rows are locked, not only read, so that a concurrent change of the address commits before or after this statement.
  const recording = sql`
    WITH target AS MATERIALIZED (
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
      ${setShown(sql`k.slots`)},
      failed_generation = NULL,
      error = NULL,
      failures = 0,
      retry_at = NULL
    -- The type is json throughout, because jsonb would sort the fields of each slot.
    FROM json_to_recordset(${JSON.stringify(days)}::json)
      AS k (date date, generation bigint, slots json, verified boolean, reading json)
    WHERE d.calendar_id = (SELECT id FROM target) AND d.date = k.date`;
  const statement = isNotified
    ? sql`WITH recorded AS (${recording} RETURNING d.date, k.generation) ${insertPublished('recorded', at.account, at.id, now)}`
    : recording;
  await statement.execute(db);
}

/**
 * Sets what was read of the days `d`, from the column `k.reading`; null leaves it as it is.
 * @param slots the slots that were compared with it
 */
export function setShown(slots: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    shown = CASE
      WHEN k.reading IS NULL THEN d.shown
      WHEN k.reading #> '{shown,cut}' IS NULL THEN k.reading -> 'shown'
      ELSE json_build_object('slots', ${slots}, 'cut', k.reading #> '{shown,cut}') END,
    shown_at = coalesce((k.reading ->> 'readAt')::timestamptz, d.shown_at)`;
}

/** Records what was read of published days that are not published again. */
export async function recordReadings(
  db: Db,
  calendar: string,
  days: readonly { readonly date: string; readonly reading: DayReading }[],
): Promise<void> {
  if (days.length === 0) return;
  await sql`
    UPDATE slotkeeper.days d SET ${setShown(sql`d.published`)}
    FROM json_to_recordset(${JSON.stringify(days)}::json) AS k (date date, reading json)
    WHERE d.calendar_id = ${calendar} AND d.date = k.date AND d.published IS NOT NULL`.execute(db);
}

/** What was last read of a day. */
export interface LastReading {
  readonly shown: ShownDay;
  readonly shownAt: Date;
}

/** Finds the last read of each day between two local dates, both included. Days that were never read are left out. */
export async function findShownDays(
  db: Db,
  calendar: string,
  from: string,
  to: string,
): Promise<Map<string, LastReading>> {
  const { rows } = await sql<LastReading & { date: string }>`
    SELECT date, shown, shown_at AS "shownAt" FROM slotkeeper.days
    WHERE calendar_id = ${calendar} AND date BETWEEN ${from} AND ${to} AND shown IS NOT NULL`.execute(db);
  return new Map(rows.map(({ date, ...reading }) => [date, reading]));
}

const isOnSale = (table: string) => sql`coalesce(${sql.ref(`${table}.error`)} -> 'closedBy' = 'null', false)`;

/**
 * Records days as failed. They are retried when they change again, or after a backoff, with the lowest priority.
 * @param random of the backoff's jitter, from 0 to 1
 * @param notified the account, where it is notified of a generation that failed, and of whether busy time stays on sale
 */
export async function saveFailedDays(
  db: Db,
  calendar: string,
  days: readonly { readonly date: string; readonly generation: number; readonly error: DayError }[],
  now: Date,
  random: number,
  notified?: string,
): Promise<void> {
  if (days.length === 0) return;
  const saving = sql`
    UPDATE slotkeeper.days d SET
      failed_generation = k.generation, error = k.error, failures = d.failures + 1,
      retry_at = ${nextRetryAt(now, sql`d.failures`, random)},
      priority = CASE WHEN d.generation = k.generation THEN ${LOWEST_PRIORITY}::integer ELSE d.priority END
    FROM jsonb_to_recordset(${JSON.stringify(days)}::jsonb) AS k (date date, generation bigint, error jsonb)
    WHERE d.calendar_id = ${calendar} AND d.date = k.date`;
  if (notified === undefined) {
    await saving.execute(db);
    return;
  }
  await sql`
    WITH before AS MATERIALIZED (
      SELECT date, failed_generation, error FROM slotkeeper.days
      WHERE calendar_id = ${calendar} AND date = ANY(${days.map(({ date }) => date)}::date[])),
    saved AS (${saving} RETURNING d.date, d.failed_generation, d.error),
    changed AS (
      SELECT s.date, s.error FROM saved s JOIN before b ON b.date = s.date
      WHERE (b.failed_generation, ${isOnSale('b')}) IS DISTINCT FROM (s.failed_generation, ${isOnSale('s')}))
    ${insertFailedDays('changed', notified, calendar, now)}`.execute(db);
}

/**
 * Records that what the marketplace shows of these days is unknown: a write is about to be sent, or a read showed something
 * other than what was sent last. Until it is verified, a day counts as different from whatever is wanted of it, and is sent
 * again.
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
 * Records the slots that the marketplace accepted, for days that stay pending for another reason. A day whose generation has
 * changed is left unchanged, because it may belong to another address by now.
 * @returns the dates that were updated
 */
export async function saveAcceptedSlots(
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
