/** Queries of `slotkeeper.events`: the ids of events that were accepted, so that a repeated event changes nothing. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

/** Finds the content hashes that are stored under these ids; null where the hash is not known. */
export async function findEventHashes(
  db: Db,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ id: string; content: string | null }>`
    SELECT id, content FROM slotkeeper.events WHERE id = ANY(${ids}::text[])`.execute(db);
  return new Map(rows.map(({ id, content }) => [id, content]));
}

/**
 * Records events by their ids. Fails with a unique violation where another transaction has recorded one of them meanwhile.
 * @param events each id once; `content` is a hash of the event's content
 */
export async function recordEvents(
  db: Db,
  events: readonly { readonly id: string; readonly content: string }[],
  now: Date,
): Promise<void> {
  if (events.length === 0) return;
  const [ids, contents] = [events.map(({ id }) => id), events.map(({ content }) => content)];
  await sql`
    INSERT INTO slotkeeper.events (id, content, received_at)
    SELECT id, content, ${now}::timestamptz
    FROM unnest(${ids}::text[], ${contents}::text[]) AS k (id, content)`.execute(db);
}

/** @returns how many were deleted */
export async function deleteExpiredEvents(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.events')
    .where('received_at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
