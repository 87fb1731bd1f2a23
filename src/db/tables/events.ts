/** Queries of `slotkeeper.events`: the ids of events that were accepted, so that a repeated event changes nothing. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface RecordedEvents {
  /** The ids that were not stored before. */
  readonly added: Set<string>;
  /** The content hashes that are stored under the other ids; null where the hash is not known. */
  readonly knownHashes: ReadonlyMap<string, string | null>;
}

/**
 * Records events by their ids.
 * @param events each id once; `content` is a hash of the event's content
 */
export async function recordEvents(
  db: Db,
  events: readonly { readonly id: string; readonly content: string }[],
  now: Date,
): Promise<RecordedEvents> {
  if (events.length === 0) return { added: new Set(), knownHashes: new Map() };
  const values = events.map(({ id, content }) => ({ id, content }));
  const { rows } = await sql<{ id: string }>`
    INSERT INTO slotkeeper.events (id, content, received_at)
    SELECT id, content, ${now}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(values)}::jsonb) AS k (id text, content text)
    ON CONFLICT (id) DO NOTHING
    RETURNING id`.execute(db);
  const added = new Set(rows.map(({ id }) => id));
  const known = events.flatMap(({ id }) => (added.has(id) ? [] : [id]));
  return { added, knownHashes: await findHashes(db, known) };
}

async function findHashes(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ id: string; content: string | null }>`
    SELECT id, content FROM slotkeeper.events WHERE id = ANY(${ids}::text[])`.execute(db);
  return new Map(rows.map(({ id, content }) => [id, content]));
}

/** @returns how many were deleted */
export async function deleteExpiredEvents(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.events')
    .where('received_at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
