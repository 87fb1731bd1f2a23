/** Queries of `slotkeeper.reservations`: times that were approved for a patient, until the booking is notified or the reservation expires. */
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

/** How long a reservation lasts, in milliseconds: longer than the marketplace takes to receive the approval, to book and to notify us. */
const RESERVATION_MS = MINUTE;

/** Finds the reservations of a calendar that overlap the time between two instants and have not expired at `now`. */
export async function findReservations(
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

/** Deletes the reservations of times that were booked, as a part of a statement; undefined where there are none. */
export function deleteReservations(
  booked: readonly { readonly calendar: string; readonly start: Date }[],
): StatementPart | undefined {
  if (booked.length === 0) return undefined;
  return sql`
    DELETE FROM slotkeeper.reservations r
    USING jsonb_to_recordset(${JSON.stringify(booked)}::jsonb) AS k (calendar text, start timestamptz)
    WHERE r.calendar_id = k.calendar AND r.start_at = k.start`;
}

/** @returns its id */
export async function saveReservation(
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
      expires_at: new Date(now.getTime() + RESERVATION_MS),
    })
    .execute();
  return id;
}

export async function deleteReservation(db: Db, id: string): Promise<void> {
  await db.deleteFrom('slotkeeper.reservations').where('id', '=', id).execute();
}

export async function deleteExpiredReservations(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.reservations').where('expires_at', '<', before).execute();
}
