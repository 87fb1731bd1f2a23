/**
 * The busy time of a calendar from all sources: the PMS's occupancies, the marketplace's bookings, the doctor's breaks. The
 * engine's own placeholders and breaks are left out, because each only repeats an occupancy.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

interface Interval {
  readonly start: Date;
  readonly end: Date;
}

export type BusyTime =
  | (Interval & {
      readonly source: 'occupancy';
      readonly ref: string;
      readonly kind: string;
      readonly service: string | null;
    })
  | (Interval & {
      readonly source: 'booking';
      /** The visit booking id. */
      readonly id: string;
      /** The PMS's appointment that the booking is linked to. */
      readonly ref: string | null;
    })
  | (Interval & {
      readonly source: 'break';
      readonly id: string;
      /** See {@link import('./breaks.js').StoredBreak.coupled}. */
      readonly coupled: boolean | null;
    });

interface BusyTimeRow {
  source: BusyTime['source'];
  id: string;
  ref: string | null;
  kind: string | null;
  service: string | null;
  coupled: boolean | null;
  start: Date;
  end: Date;
}

/** Finds the busy time that overlaps the time between two instants, earliest first. */
export async function findBusyTime(db: Db, calendar: string, from: Date, to: Date): Promise<BusyTime[]> {
  const { rows } = await sql<BusyTimeRow>`
    SELECT 'occupancy' AS source, ref AS id, ref, kind, service, NULL::boolean AS coupled, start_at AS start, end_at AS "end"
    FROM slotkeeper.occupancy
    WHERE calendar_id = ${calendar} AND end_at > ${from} AND start_at < ${to}
    UNION ALL
    SELECT 'booking', id, ref, NULL, service, NULL, start_at, end_at
    FROM slotkeeper.bookings
    WHERE calendar_id = ${calendar} AND end_at > ${from} AND start_at < ${to}
      AND status = 'booked' AND NOT placeholder
    UNION ALL
    SELECT 'break', id, NULL, NULL, NULL, coupled, since_at, till_at
    FROM slotkeeper.breaks
    WHERE calendar_id = ${calendar} AND till_at > ${from} AND since_at < ${to} AND NOT removed AND NOT unlisted
      AND own = false
    ORDER BY start, "end", id`.execute(db);
  return rows.map(toBusyTime);
}

function toBusyTime({ source, id, ref, kind, service, coupled, start, end }: BusyTimeRow): BusyTime {
  switch (source) {
    case 'occupancy':
      return { source, ref: id, kind: kind ?? '', service, start, end };
    case 'booking':
      return { source, id, ref, start, end };
    case 'break':
      return { source, id, coupled, start, end };
  }
}
