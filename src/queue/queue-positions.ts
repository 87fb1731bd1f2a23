/**
 * Reads the positions of jobs in their queue, by the queue's own counter: a job that was added later has a higher number,
 * whichever worker processes it and when.
 */
import { randomBytes } from 'node:crypto';
import { type PgPool, QueueKeys } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueuePosition } from '../db/tables/queue-position.js';

/** Reads the positions of jobs, in the order of the ids; undefined for a job without a number. */
export type ReadPositions = (ids: readonly string[]) => Promise<readonly (QueuePosition | undefined)[]>;

/**
 * BullMQ stores the number of each job in `seq`; it is negative for a job that was added in front. The counter is the object id
 * of BullMQ's sequence, which changes where BullMQ's tables were dropped and created again.
 */
export function databasePositionReader(pool: PgPool, queue: string): ReadPositions {
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

/** The field of the queue's hash that identifies its counter. It is deleted together with the queue. */
const COUNTER_FIELD = 'slotkeeper:counter';

/**
 * BullMQ numbers the jobs of a queue and uses the number as the job's id. A job whose producer chose its id has no position.
 * The counter changes where the queue was deleted, and where the server was restarted or replaced, because the server may then
 * have lost the jobs that were added last.
 */
export function redisPositionReader(redis: Redis, queue: string): ReadPositions {
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
      // A higher number than the last one was assigned by an earlier counter.
      return number > Number(last) ? undefined : { counter: `${server}/${name}`, number };
    });
  };
}
