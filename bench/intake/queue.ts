/** A flood on the occupancy queue: how fast it is applied, beside a BullMQ worker that does nothing with the same jobs. */
import got from 'got';
import type { OccupancyEvent } from 'slotkeeper';
import { openDatabase } from '../../dist/db/database.js';
import { type JobQueue, Queues } from '../../dist/queue/queues.js';
import { API_KEY, type Backend } from '../publish/backends.js';
import { dayAhead, taken, windows } from '../publish/events.js';
import { Marketplace } from '../resync/marketplace.js';
import { apart, type EngineWork } from './processes.js';

export interface Flood {
  readonly backend: string;
  readonly jobs: number;
  readonly barePerSecond: number;
  readonly perSecond: number;
  readonly publishingPerSecond: number;
}

const JOBS = 5_000;
const CALENDARS = 50;
/** As many as the engine has in hand. */
const CONCURRENCY = { redis: 500, database: 50 };
export const OCCUPANCY = 'slotkeeper-occupancy';
const BARE = 'bench-bare';

export async function flood(
  backend: Backend,
  { withoutHistory }: Pick<EngineWork, 'withoutHistory'> = {},
): Promise<Flood> {
  // A new one each time: it ignores what it was sent minutes before.
  const marketplace = await Marketplace.start('Europe/Warsaw');
  return await withQueues(backend, async (queueOf) => {
    const bare = await apart({
      kind: 'bare',
      stores: backend,
      queue: BARE,
      concurrency: backend.redisUrl === undefined ? CONCURRENCY.database : CONCURRENCY.redis,
    });
    const barePerSecond = await drained(queueOf(BARE), events(30, 'bare')).finally(() => bare.stop());
    const engine = await apart({
      kind: 'engine',
      stores: backend,
      roles: ['api', 'worker', 'scheduler'],
      marketplaceUrl: marketplace.url,
      calendars: CALENDARS,
      withoutHistory,
    });
    try {
      const queue = queueOf(OCCUPANCY);
      // Nothing is on sale on these days: they are taken in, and nothing is published.
      const perSecond = await drained(queue, events(30, 'quiet'));
      await got.post(`${engine.url}/v1/events`, {
        json: { events: Array.from({ length: CALENDARS }, (_, n) => windows(n, dayAhead(7))) },
        headers: { authorization: `Bearer ${API_KEY}` },
      });
      const publishingPerSecond = await drained(queue, events(7, 'busy'));
      return { backend: backend.name, jobs: JOBS, barePerSecond, perSecond, publishingPerSecond };
    } finally {
      await engine.stop();
      marketplace.stop();
    }
  });
}

const events = (days: number, kind: string): OccupancyEvent[] =>
  Array.from({ length: JOBS }, (_, n) => {
    const event = taken(n % CALENDARS, dayAhead(days), Math.floor(n / CALENDARS));
    return { ...event, id: `${kind}-${n}` };
  });

/** @returns jobs a second, from when the queue goes on until none is left */
async function drained(queue: JobQueue, list: readonly OccupancyEvent[]): Promise<number> {
  await queue.pause();
  await fill(queue, list);
  const begun = performance.now();
  await queue.resume();
  for (;;) {
    const { waiting = 0, active = 0, paused = 0, prioritized = 0 } = await queue.getJobCounts();
    if (waiting + active + paused + prioritized === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return list.length / ((performance.now() - begun) / 1_000);
}

export async function fill(queue: JobQueue, events: readonly OccupancyEvent[]): Promise<void> {
  for (let from = 0; from < events.length; from += 1_000) {
    await queue.addBulk(events.slice(from, from + 1_000).map((data) => ({ name: data.type, data })));
  }
}

export async function withQueues<T>(
  { databaseUrl = '', redisUrl }: Backend,
  work: (queueOf: (name: string) => JobQueue) => Promise<T>,
): Promise<T> {
  const database = await openDatabase({ url: databaseUrl });
  const queues = new Queues({
    store:
      redisUrl === undefined ? { kind: 'database', pool: database.pool } : { kind: 'redis', url: redisUrl },
    onError: (error) => console.error(error.message),
  });
  try {
    await queues.connect();
    return await work((name) => queues.openQueue(name));
  } finally {
    await queues.close();
    await database.close();
  }
}
