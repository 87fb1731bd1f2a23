/** Occupancy: the busy intervals of a calendar, each under the PMS's `ref`. */
import { sql } from 'kysely';
import type { Db } from './schema.js';

export interface Occupancy {
  readonly calendar: string;
  readonly ref: string;
  /** Absent once released. */
  readonly interval?: { readonly start: Date; readonly end: Date } | undefined;
  readonly kind: string;
  readonly service?: string | undefined;
  /** The highest version seen. */
  readonly version?: number | undefined;
}

/** The occupancies with these refs, released ones included. */
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
  }>`
    SELECT o.calendar_id, o.ref, o.start_at, o.end_at, o.kind, o.service, o.version
    FROM slotkeeper.occupancy o
    JOIN jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) AS k (calendar text, ref text)
      ON o.calendar_id = k.calendar AND o.ref = k.ref`.execute(db);
  return rows.map((row) => ({
    calendar: row.calendar_id,
    ref: row.ref,
    ...(row.start_at && row.end_at ? { interval: { start: row.start_at, end: row.end_at } } : {}),
    kind: row.kind,
    ...(row.service === null ? {} : { service: row.service }),
    ...(row.version === null ? {} : { version: Number(row.version) }),
  }));
}

/** Writes them as they now are. One that is released and has no version to remember is removed. */
export async function saveOccupancies(db: Db, occupancies: readonly Occupancy[], now: Date): Promise<void> {
  const gone = occupancies.filter((one) => one.interval === undefined && one.version === undefined);
  if (gone.length > 0) {
    await sql`
      DELETE FROM slotkeeper.occupancy o
      USING jsonb_to_recordset(${JSON.stringify(gone)}::jsonb) AS k (calendar text, ref text)
      WHERE o.calendar_id = k.calendar AND o.ref = k.ref`.execute(db);
  }
  const kept = occupancies
    .filter((one) => one.interval !== undefined || one.version !== undefined)
    .map(({ interval, ...rest }) => ({ ...rest, start: interval?.start, end: interval?.end }));
  if (kept.length === 0) return;
  await sql`
    INSERT INTO slotkeeper.occupancy AS o
      (calendar_id, ref, start_at, end_at, kind, service, version, updated_at)
    SELECT k.calendar, k.ref, k.start, k."end", k.kind, k.service, k.version, ${now}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(kept)}::jsonb)
      AS k (calendar text, ref text, start timestamptz, "end" timestamptz, kind text, service text, version bigint)
    ON CONFLICT (calendar_id, ref) DO UPDATE SET
      start_at = excluded.start_at, end_at = excluded.end_at, kind = excluded.kind,
      service = excluded.service, version = excluded.version, updated_at = excluded.updated_at`.execute(db);
}

export interface Busy {
  readonly ref: string;
  readonly start: Date;
  readonly end: Date;
  readonly kind: string;
}

/** What is taken in a calendar between two instants, earliest first. */
export async function busyBetween(db: Db, calendar: string, from: Date, to: Date): Promise<Busy[]> {
  const { rows } = await sql<Busy>`
    SELECT ref, start_at AS start, end_at AS "end", kind
    FROM slotkeeper.occupancy
    WHERE calendar_id = ${calendar} AND end_at > ${from} AND start_at < ${to}
    ORDER BY start_at, end_at, ref`.execute(db);
  return rows;
}
