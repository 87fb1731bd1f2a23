/** Times that a patient was promised a moment ago, until the booking comes or the promise expires. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from './schema.js';

export interface Reservation {
  readonly id: string;
  readonly start: Date;
  readonly end: Date;
}

/** How long one holds, in milliseconds: longer than the marketplace waits for us, then books and says so. */
const HOLDS_MS = 60_000;

/**
 * Those of a calendar that touch the time between two instants and hold at `now`. One whose booking has come since is kept
 * by that, and holds no longer by itself.
 */
export async function reservationsBetween(
  db: Db,
  calendar: string,
  from: Date,
  to: Date,
  now: Date,
): Promise<Reservation[]> {
  const { rows } = await sql<Reservation>`
    SELECT r.id, r.start_at AS start, r.end_at AS "end"
    FROM slotkeeper.reservations r
    WHERE r.calendar_id = ${calendar} AND r.end_at > ${from} AND r.start_at < ${to} AND r.expires_at > ${now}
      AND NOT EXISTS (
        SELECT FROM slotkeeper.bookings b
        WHERE b.calendar_id = r.calendar_id AND b.start_at = r.start_at AND NOT b.placeholder
          AND b.updated_at >= r.expires_at - make_interval(secs => ${HOLDS_MS / 1000})
          -- One that is over came for this promise only if it was said to be booked since.
          AND (b.status = 'booked' OR EXISTS (
            SELECT FROM slotkeeper.notifications n
            JOIN slotkeeper.calendars c ON c.id = b.calendar_id AND c.account_id = n.account_id
            WHERE n.booking_id = b.id AND n.name IN ('slot-booked', 'booking-moved')
              AND n.received_at >= r.expires_at - make_interval(secs => ${HOLDS_MS / 1000}))))`.execute(db);
  return rows;
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

export async function forgetReservations(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.reservations').where('expires_at', '<', before).execute();
}
