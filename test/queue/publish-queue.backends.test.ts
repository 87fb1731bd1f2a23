import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Job } from 'bullmq';
import { type Database, openDatabase } from '../../src/db/database.js';
import { PublishQueue } from '../../src/queue/publish-queue.js';
import { type JobQueue, type JobWorker, Queues } from '../../src/queue/queues.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';

/** A debounce that is longer than any test. */
const LONG_MS = 3_600_000;

describe.each(backends)('the publish queue on $name', ({ fresh }) => {
  let database: Database | undefined;
  let queues: Queues;
  let bull: JobQueue;
  let slow: PublishQueue;
  let fast: PublishQueue;
  let worker: JobWorker | undefined;

  beforeAll(async () => {
    const { data, databaseUrl, redisUrl } = await fresh();
    const onError = () => {};
    if (redisUrl !== undefined) {
      queues = new Queues({ store: { kind: 'redis', url: redisUrl }, onError });
    } else {
      database = await openDatabase(
        databaseUrl === undefined ? { folder: data ?? '' } : { url: databaseUrl },
      );
      queues = new Queues({ store: { kind: 'database', pool: database.pool }, onError });
    }
    await queues.connect();
    bull = queues.openQueue('slotkeeper-publish');
    slow = new PublishQueue(queues, { debounceMs: LONG_MS, leading: false, now: Date.now });
    fast = new PublishQueue(queues, { debounceMs: 0, leading: false, now: Date.now });
  });

  afterEach(async () => {
    await worker?.close();
    worker = undefined;
    for (const job of await bull.getJobs(['delayed', 'prioritized', 'waiting'])) await job.remove();
  });

  afterAll(async () => {
    await queues.close();
    await database?.close();
  });

  const jobs = async () => {
    const found = await bull.getJobs(['delayed', 'prioritized', 'waiting']);
    return found.map(({ data, priority, delay }) => ({ data, priority, delay }));
  };

  /** Starts a worker that processes one job at a time with this function. */
  function startWorker(run: (job: Job<unknown, unknown, string>) => Promise<unknown>): void {
    worker = queues.startWorker('slotkeeper-publish', run, {
      concurrency: 1,
      removeOnComplete: { count: 0 },
    });
  }

  test('has one delayed job for each calendar, however many changes there are', async () => {
    for (let n = 0; n < 5; n += 1) await slow.enqueue([{ calendar: 'nowak', priority: 700 }]);
    await slow.enqueue([{ calendar: 'lis', priority: 900 }]);
    const found = await jobs();
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        { data: { calendar: 'nowak' }, priority: 700, delay: LONG_MS },
        { data: { calendar: 'lis' }, priority: 900, delay: LONG_MS },
      ]),
    );
  });

  test('does not delay the first change of a calendar without recent changes, and delays the following ones', async () => {
    let now = 1_000_000;
    const leading = new PublishQueue(queues, { debounceMs: 250, leading: true, now: () => now });
    const delays: number[] = [];
    // Each job is removed before the next change, as if the calendar had been published.
    const enqueueAfter = async (ms: number, calendar: string): Promise<void> => {
      now += ms;
      await leading.enqueue([{ calendar, priority: 700 }]);
      for (const job of await bull.getJobs(['delayed', 'prioritized', 'waiting'])) {
        delays.push(job.delay);
        await job.remove();
      }
    };
    await enqueueAfter(0, 'nowak'); // Due now.
    await enqueueAfter(249, 'nowak'); // Due 250 ms later, at 499.
    await enqueueAfter(0, 'lis');
    await enqueueAfter(499, 'nowak'); // At 748, 249 ms after the last was due: due at 998.
    await enqueueAfter(500, 'nowak'); // At 1,248, 250 ms after the last was due.
    expect(delays).toEqual([0, 250, 0, 250, 0]);
  });

  test('delays all changes but near closings longer in a flood', async () => {
    let now = 1_000_000;
    const leading = new PublishQueue(queues, { debounceMs: LONG_MS, leading: true, now: () => now });
    const flood = Array.from({ length: 6 }, (_, n) => ({ calendar: `far${n}`, priority: 20_000 }));
    await leading.enqueue([...flood, { calendar: 'near', priority: 30 }]);
    const delayOf = async (calendar: string) =>
      (await jobs()).find(({ data }) => (data as { calendar: string }).calendar === calendar)?.delay;
    const delays = await Promise.all(flood.map(({ calendar }) => delayOf(calendar)));
    expect(delays).toEqual([0, 0, 0, 0, 4 * LONG_MS, 4 * LONG_MS]);
    expect(await delayOf('near')).toBe(0);
    now += 4 * LONG_MS;
    await leading.enqueue([{ calendar: 'later', priority: 20_000 }]);
    expect(await delayOf('later')).toBe(0);
  });

  test('raises the priority of a waiting job, and never lowers it', async () => {
    await slow.enqueue([{ calendar: 'nowak', priority: 700 }]);
    await slow.enqueue([{ calendar: 'nowak', priority: 20 }]);
    await slow.enqueue([{ calendar: 'nowak', priority: 500 }]);
    expect(await jobs()).toMatchObject([{ priority: 20 }]);
  });

  test('shortens the delay of a change with a lower priority', async () => {
    await slow.enqueue([{ calendar: 'nowak', priority: 700 }]);
    await fast.enqueue([{ calendar: 'nowak', priority: 20 }]);
    const done: unknown[] = [];
    startWorker(async ({ data }) => done.push(data));
    await eventually(() => done.length === 1);
    expect(done).toEqual([{ calendar: 'nowak' }]);
  });

  test('processes the job with the highest priority first', async () => {
    const done: unknown[] = [];
    let openGate = (): void => {};
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    startWorker(async ({ data }) => {
      done.push((data as { calendar: string }).calendar);
      await gate;
    });
    await fast.enqueue([{ calendar: 'first', priority: 1 }]);
    await eventually(() => done.length === 1);
    for (const [calendar, priority] of [
      ['far', 900],
      ['near', 20],
      ['farther', 2_000],
    ] as const) {
      await fast.enqueue([{ calendar, priority }]);
    }
    openGate();
    await eventually(() => done.length === 4);
    expect(done).toEqual(['first', 'near', 'far', 'farther']);
  });

  test('runs exactly one more job after an active one, however often the calendar is enqueued meanwhile', async () => {
    const done: unknown[] = [];
    let openGate = (): void => {};
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    startWorker(async ({ data }) => {
      done.push((data as { calendar: string }).calendar);
      await gate;
    });
    await fast.enqueue([{ calendar: 'nowak', priority: 5 }]);
    await eventually(() => done.length === 1);
    for (let n = 0; n < 3; n += 1) await fast.enqueue([{ calendar: 'nowak', priority: 5 }]);
    openGate();
    await eventually(() => done.length === 2);
    await fast.enqueue([{ calendar: 'last', priority: 5 }]);
    await eventually(() => done.includes('last'));
    expect(done).toEqual(['nowak', 'nowak', 'last']);
  });
});
