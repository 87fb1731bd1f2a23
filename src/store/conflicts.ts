/** Times that were sold twice: a marketplace booking, and an appointment of the PMS that it is not linked to. */
import { sql } from 'kysely';
import type { Db } from './schema.js';
import type { Part } from './write-together.js';

export interface Conflict {
  readonly account: string;
  readonly calendar: string;
  /** The visit booking id. */
  readonly booking: string;
  readonly bookingStart: Date;
  readonly bookingEnd: Date;
  readonly ref: string;
  readonly start: Date;
  readonly end: Date;
}

/** Half-open intervals: what only touches is no conflict. An appointment of any kind counts, also a block. */
const overlap = sql`o.calendar_id = b.calendar_id
    AND o.start_at < b.end_at AND o.end_at > b.start_at AND o.ref IS DISTINCT FROM b.ref`;
const isSold = sql`b.status = 'booked' AND NOT b.placeholder`;

/** The conflicts of these appointments of the PMS, as they stand now. */
export async function conflictsOf(
  db: Db,
  appointments: readonly { readonly calendar: string; readonly ref: string }[],
): Promise<Conflict[]> {
  if (appointments.length === 0) return [];
  const { rows } = await sql<Conflict>`
    SELECT DISTINCT c.account_id AS account, b.calendar_id AS calendar, b.id AS booking, b.start_at AS "bookingStart",
      b.end_at AS "bookingEnd", o.ref, o.start_at AS start, o.end_at AS "end"
    FROM jsonb_to_recordset(${JSON.stringify(appointments)}::jsonb) AS k (calendar text, ref text)
    JOIN slotkeeper.occupancy o ON o.calendar_id = k.calendar AND o.ref = k.ref
    JOIN slotkeeper.bookings b ON ${overlap}
    JOIN slotkeeper.calendars c ON c.id = b.calendar_id
    WHERE ${isSold}
    ORDER BY calendar, booking, ref`.execute(db);
  return rows;
}

/** A booking that stands, as the record is about to know it. */
export interface Sold {
  readonly calendar: string;
  readonly id: string;
  readonly start: Date;
  readonly end: Date;
  readonly ref: string | null;
}

/** An appointment of the PMS in its way. */
export interface Clash {
  readonly calendar: string;
  readonly booking: string;
  readonly ref: string;
  /** ISO 8601. */
  readonly start: string;
  readonly end: string;
}

/** What is in the way of these bookings, as a part of a statement; absent where there are none. */
export function findingClashes(sold: readonly Sold[]): Part<Clash> | undefined {
  if (sold.length === 0) return undefined;
  const spans = sold.map(({ calendar, id, start, end, ref }) => ({
    calendar_id: calendar,
    id,
    start_at: start,
    end_at: end,
    ref,
  }));
  return sql<Clash>`
    SELECT b.calendar_id AS calendar, b.id AS booking, o.ref, o.start_at AS start, o.end_at AS "end"
    FROM jsonb_to_recordset(${JSON.stringify(spans)}::jsonb)
      AS b (calendar_id text, id text, start_at timestamptz, end_at timestamptz, ref text)
    JOIN slotkeeper.occupancy o ON ${overlap}
    ORDER BY 1, 2, 3`;
}

/** How many there are that are not over yet. */
export async function countConflicts(db: Db, now: Date): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    SELECT count(*) FROM slotkeeper.bookings b JOIN slotkeeper.occupancy o ON ${overlap}
    WHERE ${isSold} AND b.end_at > ${now}`.execute(db);
  return Number(rows[0]?.count ?? 0);
}
