/**
 * Where jobs stand in their queue, by the queue's own counter: what was added later has the higher number, whoever takes it
 * and when.
 */
import { randomBytes } from 'node:crypto';
import { type PgPool, QueueKeys } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueuePosition } from '../db/tables/queue-position.js';

/** In the order of the ids; undefined where the queue has no number of a job. */
export type ReadPositions = (ids: readonly string[]) => Promise<readonly (QueuePosition | undefined)[]>;

/**
 * BullMQ stores the number of every job; for one that was put in front it is negative. Where BullMQ's tables were removed
 * and made anew, its sequence is another one.
 */
export function positionsInDatabase(pool: PgPool, queue: string): ReadPositions {
  return async (ids) => {
    const { rows } = await pool.query(
      `SELECT id, abs(seq) AS number, 'job_seq'::regclass::oid AS counter
       FROM job WHERE queue = $1 AND id = ANY($2)`,
      [queue, ids],
    );
    const positions = new Map(
      rows.map(({ id, number, counter }) => [
        String(id),
        { counter: String(counter), number: Number(number) },
      ]),
    );
    return ids.map((id) => positions.get(id));
  };
}

/** The field of the queue's hash that names its counter; it is removed with the queue. */
const COUNTER_FIELD = 'slotkeeper:counter';

/**
 * BullMQ counts the jobs of a queue and makes the number a job's id, unless its producer chose one: such a job has no
 * position. The counter is another one where the queue was removed, and where the server was restarted or replaced: it may
 * have lost what was added last.
 */
export function positionsInRedis(redis: Redis, queue: string): ReadPositions {
  const keys = new QueueKeys();
  const [hash, counter] = [keys.toKey(queue, 'meta'), keys.toKey(queue, 'id')];
  return async (ids) => {
    const answers = await redis
      .multi()
      .hsetnx(hash, COUNTER_FIELD, randomBytes(6).toString('base64url'))
      .hget(hash, COUNTER_FIELD)
      .get(counter)
      .info('server')
      .exec();
    const [, name, last, info] = (answers ?? []).map(([error, answer]) => {
      if (error !== null) throw error;
      return String(answer);
    });
    const server = /run_id:(\w{1,12})/.exec(info ?? '')?.[1] ?? '';
    return ids.map((id) => {
      const number = /^\d+$/.test(id) ? Number(id) : Number.POSITIVE_INFINITY;
      // A higher number than the last one is of a counter before this one.
      return number > Number(last) ? undefined : { counter: `${server}/${name}`, number };
    });
  };
}
