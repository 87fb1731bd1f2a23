/** Times that a patient was promised a moment ago, until the booking comes or the promise expires. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { MINUTE } from '../../core/duration.js';
import type { StatementPart } from '../combined-write.js';
import type { Db } from '../schema.js';

export interface Reservation {
  readonly id: string;
  readonly start: Date;
  readonly end: Date;
}

/** How long one holds, in milliseconds: longer than the marketplace waits for us, then books and says so. */
const HOLDS_MS = MINUTE;

/** Those of a calendar that touch the time between two instants and hold at `now`. */
export async function reservationsBetween(
  db: Db,
  calendar: string,
  from: Date,
  to: Date,
  now: Date,
): Promise<Reservation[]> {
  const { rows } = await sql<Reservation>`
    SELECT id, start_at AS start, end_at AS "end"
    FROM slotkeeper.reservations
    WHERE calendar_id = ${calendar} AND end_at > ${from} AND start_at < ${to} AND expires_at > ${now}`.execute(
    db,
  );
  return rows;
}

/** A promise of which the booking has come is kept by that. Absent where none came. */
export function endingReservations(
  came: readonly { readonly calendar: string; readonly start: Date }[],
): StatementPart | undefined {
  if (came.length === 0) return undefined;
  return sql`
    DELETE FROM slotkeeper.reservations r
    USING jsonb_to_recordset(${JSON.stringify(came)}::jsonb) AS k (calendar text, start timestamptz)
    WHERE r.calendar_id = k.calendar AND r.start_at = k.start`;
}

/** @returns its id */
export async function reserve(
  db: Db,
  calendar: string,
  span: { readonly start: Date; readonly end: Date },
  now: Date,
): Promise<string> {
  const id = randomUUID();
  await db
    .insertInto('slotkeeper.reservations')
    .values({
      id,
      calendar_id: calendar,
      start_at: span.start,
      end_at: span.end,
      expires_at: new Date(now.getTime() + HOLDS_MS),
    })
    .execute();
  return id;
}

export async function unreserve(db: Db, id: string): Promise<void> {
  await db.deleteFrom('slotkeeper.reservations').where('id', '=', id).execute();
}

export async function deleteExpiredReservations(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.reservations').where('expires_at', '<', before).execute();
}
