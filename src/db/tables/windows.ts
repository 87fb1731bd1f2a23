/** Queries of `slotkeeper.windows`: when a calendar is available, and for which services. */
import { sql } from 'kysely';
import type { Window } from '../../core/index.js';
import type { Db } from '../schema.js';

/** The services of a window and its insurance terms. */
export type WindowTerms = Pick<Window, 'services' | 'insurance'>;

export interface StoredWindow extends WindowTerms {
  /** The local date of the window. Windows are stored split at local midnight. */
  readonly date: string;
  readonly start: Date;
  readonly end: Date;
}

interface WindowRow {
  calendar_id: string;
  date: string;
  start_at: Date;
  end_at: Date;
  services: WindowTerms['services'];
  insurance: NonNullable<WindowTerms['insurance']> | null;
}

const toWindow = (row: WindowRow): StoredWindow => ({
  date: row.date,
  start: row.start_at,
  end: row.end_at,
  services: row.services,
  ...(row.insurance ? { insurance: row.insurance } : {}),
});

/** Lists the windows of a calendar's local dates, `from` and `to` included. */
export async function listWindows(
  db: Db,
  calendar: string,
  from: string,
  to: string,
): Promise<StoredWindow[]> {
  const { rows } = await sql<WindowRow>`
    SELECT calendar_id, date, start_at, end_at, services, insurance
    FROM slotkeeper.windows
    WHERE calendar_id = ${calendar} AND date BETWEEN ${from} AND ${to}
    ORDER BY date, start_at, end_at`.execute(db);
  return rows.map(toWindow);
}

export interface WindowsOfDate {
  readonly calendar: string;
  readonly date: string;
  readonly windows: readonly StoredWindow[];
}

/** Finds the windows of dates of many calendars. A date without windows is not in the result. */
export async function findWindows(
  db: Db,
  keys: readonly { readonly calendar: string; readonly date: string }[],
): Promise<WindowsOfDate[]> {
  if (keys.length === 0) return [];
  const { rows } = await sql<WindowRow>`
    SELECT w.calendar_id, w.date, w.start_at, w.end_at, w.services, w.insurance
    FROM jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) AS k (calendar text, date date)
    CROSS JOIN LATERAL (
      SELECT * FROM slotkeeper.windows WHERE calendar_id = k.calendar AND date = k.date OFFSET 0) w
    ORDER BY w.calendar_id, w.date, w.start_at, w.end_at`.execute(db);
  const found = new Map<string, { calendar: string; date: string; windows: StoredWindow[] }>();
  for (const row of rows) {
    const key = `${row.date} ${row.calendar_id}`;
    const entry = found.get(key) ?? { calendar: row.calendar_id, date: row.date, windows: [] };
    entry.windows.push(toWindow(row));
    found.set(key, entry);
  }
  return [...found.values()];
}

/** Replaces the windows of these dates. Sends all its statements at once, so that it can be a part of a pipeline. */
export async function saveWindows(db: Db, dates: readonly WindowsOfDate[]): Promise<void> {
  if (dates.length === 0) return;
  const keys = dates.map(({ calendar, date }) => ({ calendar, date }));
  const deleting = sql`
    DELETE FROM slotkeeper.windows w
    USING jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) AS k (calendar text, date date)
    WHERE w.calendar_id = k.calendar AND w.date = k.date`;
  const windows = dates.flatMap(({ calendar, windows }) =>
    windows.map((window) => ({ calendar, ...window })),
  );
  const inserting = sql`
    INSERT INTO slotkeeper.windows (calendar_id, date, start_at, end_at, services, insurance)
    SELECT k.calendar, k.date, k.start, k."end", k.services, k.insurance
    FROM jsonb_to_recordset(${JSON.stringify(windows)}::jsonb)
      AS k (calendar text, date date, start timestamptz, "end" timestamptz, services jsonb, insurance jsonb)`;
  await Promise.all([deleting.execute(db), windows.length > 0 ? inserting.execute(db) : undefined]);
}
