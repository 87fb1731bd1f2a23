/** Events of the queue that were refused, each with its reason, until they are tried again or dropped. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface RejectedQueueEvent {
  readonly id: string;
  /** JSON; null where it was too long to be kept. */
  readonly data: string | null;
  readonly reason: string;
}

/** The oldest beyond these are forgotten. */
const MAX_KEPT = 10_000;
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
  const beyond = Number(id) - MAX_KEPT;
  if (beyond > 0) await db.deleteFrom('slotkeeper.rejected_events').where('id', '<=', `${beyond}`).execute();
}

/** The newest first. */
export async function findRejectedEvents(db: Db, limit: number): Promise<RejectedQueueEvent[]> {
  return await db
    .selectFrom('slotkeeper.rejected_events')
    .select(['id', 'data', 'reason'])
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

export async function findRejectedEventsByKey(db: Db, ids: readonly string[]): Promise<RejectedQueueEvent[]> {
  return await db
    .selectFrom('slotkeeper.rejected_events')
    .select(['id', 'data', 'reason'])
    .where('id', '=', sql<string>`ANY(${[...ids]}::bigint[])`)
    .orderBy('id')
    .execute();
}

/** @returns those that there were */
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

/** @returns how many came before this moment, and are gone */
export async function deleteExpiredRejectedEvents(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.rejected_events')
    .where('at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
