/** Events of the queue that were refused, each with its reason, until they are tried again or dropped. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface RefusedEvent {
  readonly id: string;
  /** JSON; null where it was too long to be kept. */
  readonly data: string | null;
  readonly reason: string;
}

/** The oldest beyond these are forgotten. */
const MOST_KEPT = 10_000;
const LONGEST_REASON = 1_000;

export async function saveRefusedEvent(
  db: Db,
  { data, reason }: Omit<RefusedEvent, 'id'>,
  now: Date,
): Promise<void> {
  const { id } = await db
    .insertInto('slotkeeper.refused_events')
    .values({ data, reason: reason.slice(0, LONGEST_REASON), at: now })
    .returning('id')
    .executeTakeFirstOrThrow();
  const beyond = Number(id) - MOST_KEPT;
  if (beyond > 0) await db.deleteFrom('slotkeeper.refused_events').where('id', '<=', `${beyond}`).execute();
}

/** The newest first. */
export async function refusedEvents(db: Db, limit: number): Promise<RefusedEvent[]> {
  return await db
    .selectFrom('slotkeeper.refused_events')
    .select(['id', 'data', 'reason'])
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

export async function findRefusedEvents(db: Db, ids: readonly string[]): Promise<RefusedEvent[]> {
  return await db
    .selectFrom('slotkeeper.refused_events')
    .select(['id', 'data', 'reason'])
    .where('id', '=', sql<string>`ANY(${[...ids]}::bigint[])`)
    .orderBy('id')
    .execute();
}

/** @returns those that there were */
export async function deleteRefusedEvents(db: Db, ids: readonly string[]): Promise<string[]> {
  const rows = await db
    .deleteFrom('slotkeeper.refused_events')
    .where('id', '=', sql<string>`ANY(${[...ids]}::bigint[])`)
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

export async function countRefusedEvents(db: Db): Promise<number> {
  const { count } = await db
    .selectFrom('slotkeeper.refused_events')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** @returns how many came before this moment, and are gone */
export async function forgetRefusedEvents(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.refused_events')
    .where('at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
