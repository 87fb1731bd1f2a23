/** A record full of calendars, written at once: two windows and four appointments a day, all of it said to be published. */
import type pg from 'pg';
import { addressOf } from '../publish/backends.js';

/** A zone in which today has just begun: what is already over of it differs from nothing. */
export const ZONE = zoneWithin(new Date().getUTCHours());

/** The sign is POSIX's: `Etc/GMT+3` is three hours behind. */
function zoneWithin(hour: number): string {
  return hour <= 12 ? `Etc/GMT+${hour}` : `Etc/GMT-${24 - hour}`;
}

export interface Size {
  readonly calendars: number;
  readonly days: number;
}

export const calendarsOf = ({ calendars }: Size) =>
  Array.from({ length: calendars }, (_, n) => ({ id: `c${n}`, account: 'bench', ...addressOf(n) }));

/** The record says that everything is published, and the marketplace is empty: every day differs. */
export async function fill(client: pg.Client, { days }: Size): Promise<void> {
  const day = `slotkeeper.calendars c CROSS JOIN generate_series(0, ${days - 1}) n
    CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE '${ZONE}')::date + n AS date) d`;
  const at = (time: string): string => `(d.date + time '${time}') AT TIME ZONE '${ZONE}'`;
  await client.query(`
    INSERT INTO slotkeeper.windows (calendar_id, date, start_at, end_at, services)
    SELECT c.id, d.date, w.start_at, w.end_at, '[{"id": "visit", "duration": 20}]'
    FROM ${day} CROSS JOIN LATERAL (VALUES (${at('09:00')}, ${at('12:30')}), (${at('13:00')}, ${at('17:00')}))
      AS w (start_at, end_at)`);
  await client.query(`
    INSERT INTO slotkeeper.occupancy (calendar_id, ref, start_at, end_at, kind, updated_at)
    SELECT c.id, 'apt-' || n || '-' || a.k, a.at, a.at + interval '20 minutes', 'booking', now()
    FROM ${day} CROSS JOIN LATERAL (
      SELECT k, ${at('09:20')} + (k * 100 + (hashtext(c.id || n) & 3) * 20) * interval '1 minute' AS at
      FROM generate_series(0, 3) k) a`);
  await client.query(`
    INSERT INTO slotkeeper.days
      (calendar_id, date, generation, published_generation, published, verified, published_at, windows_at)
    SELECT c.id, d.date, 1, 1, '[]', true, now(), now() FROM ${day}`);
  await client.query('ANALYZE slotkeeper.windows, slotkeeper.occupancy, slotkeeper.days');
}

/**
 * As if an older record had been restored: on one day in a hundred, anywhere, the second window is an hour shorter than it
 * was when it was published.
 * @returns how many days differ
 */
export async function drift(client: pg.Client, size: Size): Promise<number> {
  const wanted = Math.round((size.calendars * size.days) / 100);
  const { rowCount } = await client.query(
    `UPDATE slotkeeper.windows w SET end_at = end_at - interval '1 hour'
     FROM (SELECT calendar_id, date FROM slotkeeper.days
           WHERE date > (now() AT TIME ZONE '${ZONE}')::date
           ORDER BY md5(calendar_id || date) LIMIT ${wanted}) d
     WHERE w.calendar_id = d.calendar_id AND w.date = d.date
       AND (w.start_at AT TIME ZONE '${ZONE}')::time = '13:00'`,
  );
  return rowCount ?? 0;
}
