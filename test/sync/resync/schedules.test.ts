// The nights' schedules, on each place that a queue can live in: neither lost nor doubled by a start.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { accountSchema, toAccount } from '../../../src/config/schema.js';
import { systemTimers } from '../../../src/lib/timers.js';
import { createLog } from '../../../src/log.js';
import { RESYNC_QUEUE } from '../../../src/queue/names.js';
import { type JobQueue, Queues } from '../../../src/queue/queues.js';
import { ResyncQueue } from '../../../src/queue/resync-queue.js';
import { deleteAccount, putAccount } from '../../../src/store/accounts.js';
import { deleteCalendar, putCalendar } from '../../../src/store/calendars.js';
import { type Database, openDatabase } from '../../../src/store/database.js';
import { beginResync, startComparing } from '../../../src/store/resyncs.js';
import { lastTime } from '../../../src/sync/resync/cron.js';
import { Schedules } from '../../../src/sync/resync/schedules.js';
import { ResyncWorker } from '../../../src/sync/resync/worker.js';
import { backends } from '../../engine/backends.js';
import { emptyRecord } from '../../store/databases.js';
import { eventually } from '../../support/eventually.js';

const DAY = 24 * 60 * 60_000;
const NIGHTLY = '0 3 * * *';
const log = createLog('silent');

describe.each(backends)('the schedules on $name', ({ fresh }) => {
  let database: Database;
  let queues: Queues;
  let bull: JobQueue;
  let queue: ResyncQueue;

  beforeAll(async () => {
    const { data, databaseUrl, redisUrl } = await fresh();
    database = await openDatabase(databaseUrl === undefined ? { folder: data ?? '' } : { url: databaseUrl });
    const store =
      redisUrl === undefined
        ? ({ kind: 'database', pool: database.pool } as const)
        : ({ kind: 'redis', url: redisUrl } as const);
    queues = new Queues({ store, onError: () => {} });
    await queues.connect();
    bull = queues.queue(RESYNC_QUEUE);
    queue = new ResyncQueue(queues);
  });

  afterAll(async () => {
    await queues.close();
    await database.close();
  });

  beforeEach(async () => {
    await emptyRecord(database.db);
    await database.db.deleteFrom('slotkeeper.resyncs').execute();
    await queue.schedule([], Date.now());
    for (const job of await bull.getJobs(['waiting', 'delayed', 'prioritized'])) await job.remove();
    await account('warsaw', 'Europe/Warsaw');
    await account('madrid', 'Europe/Madrid');
  });

  async function account(id: string, timeZone: string): Promise<void> {
    const fields = { baseUrl: 'http://127.0.0.1:1', clientId: id, clientSecret: 'secret', timeZone };
    await putAccount(database.db, toAccount(id, accountSchema.parse(fields)), new Date());
    const calendar = {
      id,
      account: id,
      facilityId: '1',
      doctorId: '2',
      addressId: '3',
      strategy: 'slots',
    } as const;
    await putCalendar(database.db, calendar, new Date());
  }

  /** A process with the scheduler, that starts and stops. */
  async function passes(now = Date.now(), cron = NIGHTLY): Promise<void> {
    const schedules = new Schedules({
      db: database.db,
      queue,
      log,
      now: () => now,
      timers: systemTimers,
      cron: cron === 'none' ? undefined : cron,
      spreadMs: 0,
    });
    await schedules.begin();
  }

  async function works(now: number, spreadMs = 0, db = database.db): Promise<ResyncWorker> {
    const worker = new ResyncWorker({
      db,
      queues,
      queue,
      log,
      now: () => now,
      wakeAgainMs: 60_000,
      spreadMs,
      fetch: async () => ({ reasons: [], unknown: [], omitted: [] }),
      wake: async () => undefined,
    });
    worker.start();
    await queues.ready();
    return worker;
  }

  const scheduled = async () =>
    (await bull.getJobSchedulers()).map(({ key, pattern, tz }) => [key, pattern, tz]).sort();
  /** Those that are to be taken at once; the next night's are delayed. */
  const asked = async () =>
    (await bull.getJobs(['waiting', 'prioritized'])).map(({ data }) => (data as { account: string }).account);
  const begun = async () =>
    await database.db.selectFrom('slotkeeper.resyncs').select(['account_id', 'state']).execute();

  test('are one for each account, in its zone, and gone with it', async () => {
    await passes();
    expect(await scheduled()).toEqual([
      ['madrid', NIGHTLY, 'Europe/Madrid'],
      ['warsaw', NIGHTLY, 'Europe/Warsaw'],
    ]);
    await deleteCalendar(database.db, 'madrid');
    await deleteAccount(database.db, 'madrid');
    await account('warsaw', 'Europe/London');
    await passes(Date.now(), '30 4 * * *');
    expect(await scheduled()).toEqual([['warsaw', '30 4 * * *', 'Europe/London']]);
    await passes(Date.now(), 'none');
    expect(await scheduled()).toEqual([]);
  });

  test('are made by two processes at once', async () => {
    await Promise.all([passes(), passes()]);
    expect(await scheduled()).toHaveLength(2);
    expect(await asked()).toEqual([]);
  });

  test('are left as they are by a start, with the job that waits for the night', async () => {
    await passes();
    const jobs = async () =>
      (await bull.getJobs(['delayed'])).map(({ id, timestamp }) => [id, timestamp] as const).sort();
    const before = await jobs();
    expect(before).toHaveLength(2);
    await passes();
    expect(await jobs()).toEqual(before);
    expect(await asked()).toEqual([]);
  });

  test('are there again after the queue lost its memory', async () => {
    const schedules = new Schedules({
      db: database.db,
      queue,
      log,
      now: Date.now,
      timers: systemTimers,
      cron: NIGHTLY,
      spreadMs: 0,
    });
    await schedules.refresh();
    await queue.schedule([], Date.now());
    await schedules.refresh();
    expect(await scheduled()).toHaveLength(2);
  });

  test('of a night in which nobody was there are caught up once, also by two processes', async () => {
    await passes();
    const tomorrow = Date.now() + DAY;
    await Promise.all([passes(tomorrow), passes(tomorrow)]);
    expect((await asked()).sort()).toEqual(['madrid', 'warsaw']);

    const worker = await works(tomorrow);
    try {
      await eventually(async () => (await begun()).filter(({ state }) => state === 'running').length === 2);
      // A third that starts later has nothing to catch up, nor has one that was asked for all the same.
      await passes(tomorrow + 1_000);
      await queue.nightly('warsaw', NIGHTLY);
      await eventually(async () => (await asked()).length === 0);
    } finally {
      await worker.stop();
    }
    expect((await begun()).map(({ account_id }) => account_id).sort()).toEqual(['madrid', 'warsaw']);
  });

  test('of a night are caught up, too, where the one of the night before was never finished', async () => {
    await passes();
    for (const id of ['warsaw', 'madrid']) {
      const resync = await beginResync(database.db, { account: id, dryRun: false }, new Date());
      await startComparing(database.db, resync, { failures: [], sources: [] }, new Date());
    }
    await passes(Date.now() + DAY);
    expect((await asked()).sort()).toEqual(['madrid', 'warsaw']);
    expect((await begun()).map(({ state }) => state)).toEqual(['failed', 'failed']);
  });

  test('keep the job of a night in which the record is away at its time', async () => {
    let isAway = true;
    let tries = 0;
    const db = new Proxy(database.db, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (!isAway) return typeof value === 'function' ? value.bind(target) : value;
        tries += 1;
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      },
    });
    const worker = await works(Date.now(), 0, db);
    try {
      await queue.nightly('warsaw', NIGHTLY);
      await eventually(() => tries > 0);
      isAway = false;
      await eventually(async () => (await begun()).some(({ account_id }) => account_id === 'warsaw'));
    } finally {
      await worker.stop();
    }
  });

  test('of a night that the queue forgot are caught up by a look, when nobody can be on the way to it any more', async () => {
    const spreadMs = 60 * 60_000;
    const last = lastTime(NIGHTLY, 'Europe/Warsaw', Date.now());
    const before = lastTime(NIGHTLY, 'Europe/Warsaw', last - 1);
    await database.db
      .insertInto('slotkeeper.resyncs')
      .values(
        ['warsaw', 'madrid'].map((id) => ({
          id: `rsy_${id}`,
          account_id: id,
          dry_run: false,
          state: 'done' as const,
          failures: '[]',
          started_at: new Date(before),
          queued_at: new Date(before),
          finished_at: new Date(before + 60_000),
        })),
      )
      .execute();
    const looks = async (now: number): Promise<void> => {
      const { db } = database;
      await new Schedules({
        db,
        queue,
        log,
        now: () => now,
        timers: systemTimers,
        cron: NIGHTLY,
        spreadMs,
      }).look();
    };
    await looks(last + spreadMs);
    expect(await asked()).toEqual([]);
    await looks(last + spreadMs + 10 * 60_000);
    expect((await asked()).sort()).toEqual(['madrid', 'warsaw']);
  });

  test('of accounts take turns', async () => {
    await queue.nightly('warsaw', NIGHTLY);
    const worker = await works(Date.now(), DAY);
    try {
      const [job] = await eventually(async () => {
        const found = await bull.getJobs(['delayed']);
        return found.length > 0 ? found : undefined;
      });
      expect(job?.data).toMatchObject({ account: 'warsaw', isTurn: true });
      expect(await begun()).toEqual([]);
    } finally {
      await worker.stop();
    }
  });

  test('of accounts are run when their turn has come, once', async () => {
    for (const account of ['warsaw', 'madrid']) await queue.nightly(account, NIGHTLY);
    const worker = await works(Date.now(), 1_000);
    try {
      await eventually(async () => (await begun()).length === 2);
      await eventually(
        async () => (await bull.getJobs(['delayed', 'waiting', 'prioritized', 'active'])).length === 0,
      );
      expect((await begun()).map(({ account_id }) => account_id).sort()).toEqual(['madrid', 'warsaw']);
    } finally {
      await worker.stop();
    }
  });
});
