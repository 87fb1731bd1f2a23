/** Queries of `slotkeeper.occupancy`: the appointments of a calendar, each under the PMS's `ref`. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import { type QueuePosition, toQueuePosition } from './queue-position.js';

export interface Occupancy {
  readonly calendar: string;
  readonly ref: string;
  /** Absent once the appointment is released. */
  readonly interval?: { readonly start: Date; readonly end: Date } | undefined;
  readonly kind: string;
  readonly service?: string | undefined;
  /** The highest version that was received. */
  readonly version?: number | undefined;
  /** The queue position of the event that set it, where that came from a queue. */
  readonly position?: QueuePosition | undefined;
}

/**
 * Finds the occupancies with these refs, released ones included. The lateral join looks each one up by its key, also under a
 * plan that was made when the table was small.
 */
export async function findOccupancies(
  db: Db,
  keys: readonly { readonly calendar: string; readonly ref: string }[],
): Promise<Occupancy[]> {
  if (keys.length === 0) return [];
  const { rows } = await sql<{
    calendar_id: string;
    ref: string;
    start_at: Date | null;
    end_at: Date | null;
    kind: string;
    service: string | null;
    version: string | null;
    queue_counter: string | null;
    queue_number: string | null;
  }>`
    SELECT o.calendar_id, o.ref, o.start_at, o.end_at, o.kind, o.service, o.version, o.queue_counter, o.queue_number
    FROM jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) AS k (calendar text, ref text)
    CROSS JOIN LATERAL (
      SELECT * FROM slotkeeper.occupancy WHERE calendar_id = k.calendar AND ref = k.ref OFFSET 0) o`.execute(
    db,
  );
  return rows.map((row) => ({
    calendar: row.calendar_id,
    ref: row.ref,
    ...(row.start_at && row.end_at ? { interval: { start: row.start_at, end: row.end_at } } : {}),
    kind: row.kind,
    ...(row.service === null ? {} : { service: row.service }),
    ...(row.version === null ? {} : { version: Number(row.version) }),
    position: toQueuePosition(row.queue_counter, row.queue_number),
  }));
}

/**
 * Saves occupancies. A released one keeps its row, with its last version and the time of its release, so that a snapshot
 * that was taken before does not restore it. One without a position leaves the stored position unchanged.
 * @param at when this state was observed
 */
export async function saveOccupancies(db: Db, occupancies: readonly Occupancy[], at: Date): Promise<void> {
  if (occupancies.length === 0) return;
  const rows = occupancies.map(({ interval, position, ...rest }) => ({
    ...rest,
    counter: position?.counter,
    number: position?.number,
    start: interval?.start,
    end: interval?.end,
  }));
  await sql`
    INSERT INTO slotkeeper.occupancy AS o
      (calendar_id, ref, start_at, end_at, kind, service, version, updated_at, queue_counter, queue_number)
    SELECT k.calendar, k.ref, k.start, k."end", k.kind, k.service, k.version, ${at}::timestamptz, k.counter, k.number
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS k (calendar text, ref text, start timestamptz, "end" timestamptz, kind text, service text, version bigint,
            counter text, number bigint)
    ON CONFLICT (calendar_id, ref) DO UPDATE SET
      start_at = excluded.start_at, end_at = excluded.end_at, kind = excluded.kind,
      service = excluded.service, version = excluded.version,
      updated_at = greatest(o.updated_at, excluded.updated_at),
      queue_counter = coalesce(excluded.queue_counter, o.queue_counter),
      queue_number = coalesce(excluded.queue_number, o.queue_number)`.execute(db);
}
