/** The ids of the events that were taken in, so that one sent again changes nothing. */
import { sql } from 'kysely';
import type { Db } from './schema.js';

/** Remembers the ids and says which of them are new. */
export async function rememberEvents(db: Db, ids: readonly string[], now: Date): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    INSERT INTO slotkeeper.events (id, received_at)
    SELECT DISTINCT value, ${now}::timestamptz FROM jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)
    ON CONFLICT (id) DO NOTHING
    RETURNING id`.execute(db);
  return new Set(rows.map((row) => row.id));
}

/** @returns how many were forgotten */
export async function forgetEvents(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.events')
    .where('received_at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}

export interface LockedCalendar {
  readonly id: string;
  readonly timeZone: string;
  readonly bufferBefore: number;
  readonly bufferAfter: number;
}

/**
 * The calendars that events are about, locked until the transaction ends, so that two batches about one
 * calendar come one after the other. Locked in the order of their ids: two batches cannot wait for each other.
 */
export async function lockCalendars(db: Db, ids: readonly string[]): Promise<Map<string, LockedCalendar>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{
    id: string;
    time_zone: string;
    settings: { bufferBefore?: number; bufferAfter?: number };
  }>`
    SELECT c.id, c.settings, a.time_zone
    FROM slotkeeper.calendars c JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE c.id IN (SELECT jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))
    ORDER BY c.id
    FOR NO KEY UPDATE OF c`.execute(db);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        timeZone: row.time_zone,
        bufferBefore: row.settings.bufferBefore ?? 0,
        bufferAfter: row.settings.bufferAfter ?? 0,
      },
    ]),
  );
}
