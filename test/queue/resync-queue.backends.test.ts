// The resync queue on each store: a resync has one job, which waits while the database is unavailable.
import { expect, test } from '@jest/globals';
import { openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { getResync } from '../../src/db/tables/resync-reports.js';
import { beginResync } from '../../src/db/tables/resyncs.js';
import { createLog } from '../../src/lib/log.js';
import { Queues } from '../../src/queue/queues.js';
import { ResyncQueue } from '../../src/queue/resync-queue.js';
import { ResyncWorker } from '../../src/resync/worker.js';
import { account, calendar, ENCRYPTOR, NOW } from '../db/seed-rows.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { atEndOfTest } from '../support/release.js';

test.each(backends)(
  'a resync has one job, which waits while the database is unavailable, on $name',
  async ({ fresh }) => {
    const { data, databaseUrl, redisUrl } = await fresh();
    const database = await openDatabase(
      databaseUrl === undefined ? { folder: data ?? '' } : { url: databaseUrl },
    );
    atEndOfTest(() => database.close());
    const store =
      redisUrl === undefined
        ? ({ kind: 'database', pool: database.pool } as const)
        : ({ kind: 'redis', url: redisUrl } as const);
    const queues = new Queues({ store, onError: () => {} });
    atEndOfTest(() => queues.close());
    await queues.connect();
    await putAccount(database.db, account(), NOW, ENCRYPTOR);
    await putCalendar(database.db, calendar(), NOW);

    let isAway = true;
    let tries = 0;
    const db = new Proxy<Db>(database.db, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (!isAway) return typeof value === 'function' ? value.bind(target) : value;
        tries += 1;
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      },
    });
    const queue = new ResyncQueue(queues);
    const worker = new ResyncWorker({
      db,
      queues,
      queue,
      log: createLog('silent'),
      now: () => NOW.getTime(),
      enqueueAgainMs: 60_000,
      fetch: async () => ({ reasons: [], unknown: [], omitted: [] }),
      enqueuer: { enqueue: async () => undefined },
    });
    const id = await beginResync(database.db, { dryRun: false }, NOW);
    await queue.enqueue(id);
    await queue.enqueue(id);
    worker.start();
    atEndOfTest(() => worker.stop());
    await eventually(() => tries > 0);
    // The second call added no job.
    expect(await queues.openQueue('slotkeeper-resync').getJobs(['waiting', 'prioritized'])).toEqual([]);
    isAway = false;
    await eventually(async () => (await getResync(database.db, id, 0, NOW))?.state === 'running');
  },
);
