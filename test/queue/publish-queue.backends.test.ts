import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Job } from 'bullmq';
import { type Database, openDatabase } from '../../src/db/database.js';
import { PublishQueue } from '../../src/queue/publish-queue.js';
import { type JobQueue, type JobWorker, Queues } from '../../src/queue/queues.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';

/** Longer than any test runs. */
const LONG = 3_600_000;

describe.each(backends)('the publish queue on $name', ({ fresh }) => {
  let database: Database | undefined;
  let queues: Queues;
  let bull: JobQueue;
  let patient: PublishQueue;
  let quick: PublishQueue;
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
    patient = new PublishQueue(queues, { debounceMs: LONG, leading: false, now: Date.now });
    quick = new PublishQueue(queues, { debounceMs: 0, leading: false, now: Date.now });
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

  /** Runs jobs one at a time; what it is given decides when each is over. */
  function work(run: (job: Job<unknown, unknown, string>) => Promise<unknown>): void {
    worker = queues.startWorker('slotkeeper-publish', run, {
      concurrency: 1,
      removeOnComplete: { count: 0 },
    });
  }

  test('has one job a calendar, which waits for others to travel with it', async () => {
    for (let n = 0; n < 5; n += 1) await patient.enqueue([{ calendar: 'nowak', priority: 700 }]);
    await patient.enqueue([{ calendar: 'lis', priority: 900 }]);
    const found = await jobs();
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        { data: { calendar: 'nowak' }, priority: 700, delay: LONG },
        { data: { calendar: 'lis' }, priority: 900, delay: LONG },
      ]),
    );
  });

  test('publishes the first change of a quiet calendar at once, and what follows together', async () => {
    let now = 1_000_000;
    const leading = new PublishQueue(queues, { debounceMs: 250, leading: true, now: () => now });
    const delays: number[] = [];
    // A calendar that is published in no time: the job of each change is gone before the next.
    const wakeAfter = async (ms: number, calendar: string): Promise<void> => {
      now += ms;
      await leading.enqueue([{ calendar, priority: 700 }]);
      for (const job of await bull.getJobs(['delayed', 'prioritized', 'waiting'])) {
        delays.push(job.delay);
        await job.remove();
      }
    };
    await wakeAfter(0, 'nowak'); // Due now.
    await wakeAfter(249, 'nowak'); // Due 250 ms later, at 499.
    await wakeAfter(0, 'lis');
    await wakeAfter(499, 'nowak'); // At 748, 249 ms after the last was due: due at 998.
    await wakeAfter(500, 'nowak'); // At 1,248: it was quiet for 250 ms.
    expect(delays).toEqual([0, 250, 0, 250, 0]);
  });

  test('lets all but near closings wait longer in a flood', async () => {
    let now = 1_000_000;
    const leading = new PublishQueue(queues, { debounceMs: LONG, leading: true, now: () => now });
    const flood = Array.from({ length: 6 }, (_, n) => ({ calendar: `far${n}`, priority: 20_000 }));
    await leading.enqueue([...flood, { calendar: 'near', priority: 30 }]);
    const delayOf = async (calendar: string) =>
      (await jobs()).find(({ data }) => (data as { calendar: string }).calendar === calendar)?.delay;
    const delays = await Promise.all(flood.map(({ calendar }) => delayOf(calendar)));
    expect(delays).toEqual([0, 0, 0, 0, 4 * LONG, 4 * LONG]);
    expect(await delayOf('near')).toBe(0);
    now += 4 * LONG;
    await leading.enqueue([{ calendar: 'later', priority: 20_000 }]);
    expect(await delayOf('later')).toBe(0);
  });

  test('raises a job that waits where the change is more urgent, and never lowers it', async () => {
    await patient.enqueue([{ calendar: 'nowak', priority: 700 }]);
    await patient.enqueue([{ calendar: 'nowak', priority: 20 }]);
    await patient.enqueue([{ calendar: 'nowak', priority: 500 }]);
    expect(await jobs()).toMatchObject([{ priority: 20 }]);
  });

  test('shortens a wait that was made for a less urgent change', async () => {
    await patient.enqueue([{ calendar: 'nowak', priority: 700 }]);
    await quick.enqueue([{ calendar: 'nowak', priority: 20 }]);
    const done: unknown[] = [];
    work(async ({ data }) => done.push(data));
    await eventually(() => done.length === 1);
    expect(done).toEqual([{ calendar: 'nowak' }]);
  });

  test('gives the most urgent first', async () => {
    const done: unknown[] = [];
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    work(async ({ data }) => {
      done.push((data as { calendar: string }).calendar);
      await gate;
    });
    await quick.enqueue([{ calendar: 'first', priority: 1 }]);
    await eventually(() => done.length === 1);
    for (const [calendar, priority] of [
      ['far', 900],
      ['near', 20],
      ['farther', 2_000],
    ] as const) {
      await quick.enqueue([{ calendar, priority }]);
    }
    open();
    await eventually(() => done.length === 4);
    expect(done).toEqual(['first', 'near', 'far', 'farther']);
  });

  test('follows a job that runs with exactly one more, however often it was woken meanwhile', async () => {
    const done: unknown[] = [];
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    work(async ({ data }) => {
      done.push((data as { calendar: string }).calendar);
      await gate;
    });
    await quick.enqueue([{ calendar: 'nowak', priority: 5 }]);
    await eventually(() => done.length === 1);
    for (let n = 0; n < 3; n += 1) await quick.enqueue([{ calendar: 'nowak', priority: 5 }]);
    open();
    await eventually(() => done.length === 2);
    await quick.enqueue([{ calendar: 'last', priority: 5 }]);
    await eventually(() => done.includes('last'));
    expect(done).toEqual(['nowak', 'nowak', 'last']);
  });
});
