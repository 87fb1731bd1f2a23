/** Queries of `slotkeeper.rejected_events`: events of the queue that were rejected, until they are retried or dropped. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface RejectedQueueEvent {
  readonly id: string;
  /** JSON; null where it was too long to be stored. */
  readonly data: string | null;
  readonly reason: string;
}

/** How many are stored; the oldest ones beyond are deleted. */
const MAX_STORED = 10_000;
const MAX_REASON = 1_000;

export async function saveRejectedEvent(
  db: Db,
  { data, reason }: Omit<RejectedQueueEvent, 'id'>,
  now: Date,
): Promise<void> {
  const { id } = await db
    .insertInto('slotkeeper.rejected_events')
    .values({ data, reason: reason.slice(0, MAX_REASON), at: now })
    .returning('id')
    .executeTakeFirstOrThrow();
  const lastExcess = Number(id) - MAX_STORED;
  if (lastExcess > 0) {
    await db.deleteFrom('slotkeeper.rejected_events').where('id', '<=', `${lastExcess}`).execute();
  }
}

/** Lists rejected events, newest first. */
export async function listRejectedEvents(db: Db, limit: number): Promise<RejectedQueueEvent[]> {
  return await db
    .selectFrom('slotkeeper.rejected_events')
    .select(['id', 'data', 'reason'])
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

export async function findRejectedEvents(db: Db, ids: readonly string[]): Promise<RejectedQueueEvent[]> {
  return await db
    .selectFrom('slotkeeper.rejected_events')
    .select(['id', 'data', 'reason'])
    .where('id', '=', sql<string>`ANY(${[...ids]}::bigint[])`)
    .orderBy('id')
    .execute();
}

/** @returns the ids of those that existed */
export async function deleteRejectedEvents(db: Db, ids: readonly string[]): Promise<string[]> {
  const rows = await db
    .deleteFrom('slotkeeper.rejected_events')
    .where('id', '=', sql<string>`ANY(${[...ids]}::bigint[])`)
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

export async function countRejectedEvents(db: Db): Promise<number> {
  const { count } = await db
    .selectFrom('slotkeeper.rejected_events')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** @returns how many were deleted */
export async function deleteExpiredRejectedEvents(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.rejected_events')
    .where('at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
