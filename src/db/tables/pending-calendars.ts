/** What is wanted and not yet published, over the whole record: for the sweep that wakes it, and for the status. */
import { sql } from 'kysely';
import { HEARING, LEAST_URGENT } from '../../core/index.js';
import type { Part } from '../combined-write.js';
import type { Db } from '../schema.js';

/** The local dates of an account that can be published now, both included. */
export interface AccountHorizon {
  readonly account: string;
  readonly from: string;
  readonly to: string;
}

export interface WantedCalendar {
  readonly calendar: string;
  readonly urgency: number;
}

/** How long a calendar of which every way of closing was refused waits before what closes is tried again, in milliseconds. */
export const CLOSING_REFUSED_MS = 60_000;

/**
 * Calendars with pending days that can be tried, most urgent first. Days that failed are left out until they are due, and
 * those of a calendar that failed unless they close something.
 */
export async function wantedCalendars(
  db: Db,
  horizons: readonly AccountHorizon[],
  now: Date,
  limit: number,
): Promise<WantedCalendar[]> {
  const { rows } = await sql<WantedCalendar>`
    SELECT d.calendar_id AS calendar, coalesce(min(d.urgency), ${LEAST_URGENT}::integer) AS urgency
    FROM slotkeeper.days d
    JOIN slotkeeper.calendars c ON c.id = d.calendar_id AND (c.failed_reason IS NULL OR (
      d.urgency < ${HEARING} AND coalesce(c.closing_refused_at, '-infinity')
        <= ${new Date(now.getTime() - CLOSING_REFUSED_MS)}::timestamptz))
    JOIN jsonb_to_recordset(${JSON.stringify(horizons)}::jsonb) AS h (account text, "from" date, "to" date)
      ON h.account = c.account_id AND d.date BETWEEN h."from" AND h."to"
    WHERE d.generation > d.published_generation
      AND (d.failed_generation IS DISTINCT FROM d.generation OR d.retry_at IS NULL OR d.retry_at <= ${now})
    GROUP BY d.calendar_id
    ORDER BY 2
    LIMIT ${limit}`.execute(db);
  return rows;
}

/**
 * Writes down that jobs are being added for these calendars. A calendar whose job waits already, and is as urgent,
 * needs no other: the job reads the record when it begins, and then forgets that it was queued.
 * @returns those that do need one
 */
export async function claimWakes(db: Db, wakes: readonly WantedCalendar[]): Promise<WantedCalendar[]> {
  return (await claimingWakes(wakes)?.execute(db))?.rows ?? [];
}

/** The same as a part of a statement; absent where nothing is to be woken. */
export function claimingWakes(wakes: readonly WantedCalendar[]): Part<WantedCalendar> | undefined {
  if (wakes.length === 0) return undefined;
  const [calendars, urgencies] = [wakes.map(({ calendar }) => calendar), wakes.map(({ urgency }) => urgency)];
  return sql<WantedCalendar>`
    UPDATE slotkeeper.calendars c SET queued_urgency = k.urgency
    FROM unnest(${calendars}::text[], ${urgencies}::integer[]) AS k (calendar, urgency)
    WHERE c.id = k.calendar AND (c.queued_urgency IS NULL OR c.queued_urgency > k.urgency)
    RETURNING c.id AS calendar, k.urgency`;
}

export interface Totals {
  readonly pending: number;
  readonly failed: number;
  /** When the oldest change that is still pending came. */
  readonly oldest: Date | null;
}

/** Days in the horizon that wait, and days that failed. */
export async function totals(db: Db, horizons: readonly AccountHorizon[]): Promise<Totals> {
  const { rows } = await sql<{ pending: string; failed: string; oldest: Date | null }>`
    SELECT
      count(*) FILTER (WHERE NOT w.failed) AS pending,
      count(*) FILTER (WHERE w.failed) AS failed,
      min(w.pending_since) FILTER (WHERE NOT w.failed) AS oldest
    FROM (
      SELECT d.pending_since,
             (d.failed_generation IS NOT DISTINCT FROM d.generation OR c.failed_reason IS NOT NULL) AS failed
      FROM slotkeeper.days d
      JOIN slotkeeper.calendars c ON c.id = d.calendar_id
      JOIN jsonb_to_recordset(${JSON.stringify(horizons)}::jsonb) AS h (account text, "from" date, "to" date)
        ON h.account = c.account_id AND d.date BETWEEN h."from" AND h."to"
      WHERE d.generation > d.published_generation
    ) w`.execute(db);
  const row = rows[0];
  return {
    pending: Number(row?.pending ?? 0),
    failed: Number(row?.failed ?? 0),
    oldest: row?.oldest ?? null,
  };
}
