// Events without a version mean what their order says: also when the worker that has the first one dies with it, or is
// told to stop while the record is away.
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { OccupancyProducer } from '../../src/intake/occupancy-producer.js';
import { OccupancyWorker, type OccupancyWorkerOptions } from '../../src/intake/occupancy-worker.js';
import { systemTimers } from '../../src/lib/timers.js';
import { createLog } from '../../src/log.js';
import { OCCUPANCY_QUEUE } from '../../src/queue/names.js';
import { type QueueStore, Queues } from '../../src/queue/queues.js';
import { openPgPool } from '../../src/store/pg-pool.js';
import { eventually } from '../support/eventually.js';
import { freshDatabase } from '../support/postgres.js';
import { freshRedisUrl } from '../support/redis.js';
import { atEndOfTest } from '../support/release.js';

const eventSchema = z.object({ id: z.string() });
const IDS = ['first', 'second', 'third'];
const unavailable = Object.assign(new Error('the record is away'), { code: 'ECONNREFUSED' });

async function place(
  kind: 'redis' | 'postgresql',
): Promise<{ producer: OccupancyProducer; store: QueueStore }> {
  if (kind === 'redis') {
    const redisUrl = await freshRedisUrl();
    return { producer: new OccupancyProducer({ redisUrl }), store: { kind: 'redis', url: redisUrl } };
  }
  const { url: databaseUrl } = await freshDatabase();
  const { pool, close } = openPgPool({ url: databaseUrl, size: 8, onError: () => undefined });
  atEndOfTest(close);
  return { producer: new OccupancyProducer({ databaseUrl }), store: { kind: 'database', pool } };
}

const NOTHING = {
  accepted: 0,
  duplicates: 0,
  stale: 0,
  ignored: 0,
  past: 0,
  rejected: [],
  warnings: [],
  differing: [],
};

describe.each(['redis', 'postgresql'] as const)('on %s an event keeps its place', (kind) => {
  async function threeEvents(lockMs = 10_000): Promise<{
    queues: Queues;
    apply: OccupancyWorkerOptions['apply'];
    seen: Set<string>;
  }> {
    const { producer, store } = await place(kind);
    atEndOfTest(() => producer.close());
    const queues = new Queues({ store, onError: () => undefined, lockMs });
    atEndOfTest(() => queues.close());
    await queues.connect();
    const date = '2026-11-16';
    await producer.enqueue(
      IDS.map((id) => ({ id, type: 'available', calendar: 'nowak', from: date, to: date, windows: [] })),
    );
    // One that is taken in twice, since its worker was slow to say that it is alive, has the place that it had first.
    const seen = new Set<string>();
    const apply: OccupancyWorkerOptions['apply'] = async ([event]) => {
      seen.add(eventSchema.parse(event).id);
      return { ...NOTHING, accepted: 1 };
    };
    return { queues, apply, seen };
  }

  async function expectTheirOrder({ queues, apply, seen }: Awaited<ReturnType<typeof threeEvents>>) {
    const worker = new OccupancyWorker({
      refuse: async () => {},
      queues,
      log: createLog('silent'),
      timers: systemTimers,
      apply,
    });
    await worker.start();
    await eventually(() => seen.size === IDS.length);
    await worker.stop();
    expect([...seen]).toEqual(IDS);
  }

  test('when its worker is told to stop while the record is away', async () => {
    const events = await threeEvents();
    let tried = 0;
    const worker = new OccupancyWorker({
      refuse: async () => {},
      queues: events.queues,
      log: createLog('silent'),
      timers: systemTimers,
      apply: async () => {
        tried += 1;
        throw unavailable;
      },
    });
    await worker.start();
    await eventually(() => tried > 0);
    await worker.stop();
    await expectTheirOrder(events);
  });

  test('when its worker dies with it', async () => {
    const events = await threeEvents(1_000);
    let taken = 0;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    // It does nothing more, and does not say that it is alive: to the queue it is dead.
    const options = { concurrency: 1, skipLockRenewal: true, skipStalledCheck: true };
    const hold = async () => {
      taken += 1;
      await held;
    };
    events.queues.worker(OCCUPANCY_QUEUE, hold, options);
    await eventually(() => taken === 1);
    await expectTheirOrder(events).finally(release);
  });
});
