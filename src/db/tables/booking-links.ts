/** Links marketplace bookings to appointments of the PMS (`ref` of `slotkeeper.bookings`), and removes links. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

/** Links a booking to an appointment of the PMS; with `ref` null it removes the link. */
export interface Link {
  readonly calendar: string;
  readonly booking: string;
  readonly ref: string | null;
}

/** The last link of a booking in a batch. */
interface LastLink extends Link {
  /** Whether a later link of the batch links the appointment to another booking. */
  readonly isReassigned: boolean;
}

/** A time that is blocked by something else since the links changed, or has to be. */
export interface RelinkedTime {
  readonly calendar: string;
  readonly start: Date;
  readonly end: Date;
  /** The appointment whose time it is; null where it is that of the booking. */
  readonly ref: string | null;
}

/**
 * Links bookings to appointments of the PMS, or removes links. A link alone moves and cancels nothing: a booking is synced
 * when its appointment leaves the time that it has now. An appointment has at most one booking, so a link replaces the
 * earlier link of the appointment.
 * @param links in their order: the last one of a booking, and the last one of an appointment, applies
 * @returns the times of the bookings and appointments whose link changed
 */
export async function linkBookings(db: Db, links: readonly Link[]): Promise<readonly RelinkedTime[]> {
  if (links.length === 0) return [];
  const { rows } = await sql<RelinkedTime>`
    WITH links AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(lastLinks(links))}::jsonb)
        AS k (calendar text, booking text, ref text, "isReassigned" boolean)
    ), named AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(links)}::jsonb) AS k (calendar text, ref text)
    ), unlinked AS (
      UPDATE slotkeeper.bookings b SET ref = NULL, ref_start = NULL
      WHERE b.status = 'booked' AND NOT b.placeholder
        AND EXISTS (SELECT FROM named n WHERE n.calendar = b.calendar_id AND n.ref = b.ref)
        AND NOT EXISTS (SELECT FROM links k WHERE k.calendar = b.calendar_id AND k.booking = b.id)
      RETURNING b.calendar_id, b.start_at, b.end_at
    ), linked AS (
      UPDATE slotkeeper.bookings b SET
        ref = l.ref, failed_for = NULL, failed_reason = NULL, failures = 0, retry_at = NULL,
        ref_start = CASE WHEN b.ref IS NOT DISTINCT FROM l.ref THEN b.ref_start ELSE (
          SELECT o.start_at FROM slotkeeper.occupancy o WHERE o.calendar_id = l.calendar AND o.ref = l.ref
        ) END
      FROM (
        SELECT k.calendar, k.booking, known.ref AS before,
          CASE WHEN k."isReassigned" AND known.status = 'booked' THEN NULL ELSE k.ref END AS ref
        FROM links k JOIN slotkeeper.bookings known ON known.calendar_id = k.calendar AND known.id = k.booking
      ) l
      WHERE b.calendar_id = l.calendar AND b.id = l.booking AND NOT b.placeholder
      RETURNING b.calendar_id, b.start_at, b.end_at, l.before, l.ref
    ), changed AS (SELECT * FROM linked WHERE before IS DISTINCT FROM ref)
    SELECT calendar_id AS calendar, start_at AS start, end_at AS "end", NULL AS ref FROM unlinked
    UNION SELECT calendar_id, start_at, end_at, NULL FROM changed
    UNION SELECT o.calendar_id, o.start_at, o.end_at, o.ref
    FROM changed c JOIN slotkeeper.occupancy o ON o.calendar_id = c.calendar_id AND o.ref IN (c.before, c.ref)
    WHERE o.start_at IS NOT NULL`.execute(db);
  return rows;
}

function lastLinks(links: readonly Link[]): LastLink[] {
  const bookings = new Map<string, LastLink>();
  /** The booking that is linked last, by appointment. */
  const lastBookings = new Map<string, string>();
  for (const link of links.toReversed()) {
    const { calendar, booking, ref } = link;
    const key = JSON.stringify([calendar, booking]);
    const appointment = JSON.stringify([calendar, ref]);
    const last = lastBookings.get(appointment) ?? booking;
    lastBookings.set(appointment, last);
    if (!bookings.has(key)) bookings.set(key, { ...link, isReassigned: ref !== null && last !== booking });
  }
  return [...bookings.values()];
}
