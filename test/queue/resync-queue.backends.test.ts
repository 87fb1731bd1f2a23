import { expect, test } from '@jest/globals';
import { openDatabase } from '../../src/db/database.js';
import { Queues } from '../../src/queue/queues.js';
import { ResyncQueue } from '../../src/queue/resync-queue.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';

test.each(backends)(
  'a nightly schedule of every second adds a job each time on $name, by its own clock',
  async ({ fresh }) => {
    const { data, databaseUrl, redisUrl } = await fresh();
    const database =
      redisUrl === undefined
        ? await openDatabase(databaseUrl === undefined ? { folder: data ?? '' } : { url: databaseUrl })
        : undefined;
    const queues = new Queues({
      store:
        database === undefined
          ? { kind: 'redis', url: redisUrl ?? '' }
          : { kind: 'database', pool: database.pool },
      onError: () => {},
    });
    await queues.connect();
    const schedule = { account: 'warsaw', cron: '* * * * * *' };
    await new ResyncQueue(queues).updateSchedules([{ ...schedule, timeZone: 'Europe/Warsaw' }], Date.now());
    const seen: unknown[] = [];
    queues.startWorker('slotkeeper-resync', async ({ data: job }) => seen.push(job), { concurrency: 1 });
    await queues.waitUntilReady();
    await eventually(() => seen.length >= 2);
    expect(seen.slice(0, 2)).toEqual([
      { kind: 'nightly', ...schedule },
      { kind: 'nightly', ...schedule },
    ]);
    await queues.close();
    await database?.close();
  },
);
