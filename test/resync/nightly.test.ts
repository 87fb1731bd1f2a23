// The nights' schedules: what the record says of them, and a record or a queue that was away.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { beginResync, recordComparisonStarted } from '../../src/db/tables/resyncs.js';
import { lastTime } from '../../src/resync/cron.js';
import { postgresDatabase } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { DAY, NIGHTLY, Scheduling } from './nightly-fixture.js';

describe('the schedules', () => {
  let at: Scheduling;

  beforeAll(async () => {
    at = await Scheduling.open({ databaseUrl: await postgresDatabase() });
  });

  afterAll(() => at.close());

  beforeEach(() => at.begin());

  test('are there again after the queue lost its memory', async () => {
    const schedules = at.schedules();
    await schedules.refresh();
    await at.queue.updateSchedules([], Date.now());
    await schedules.refresh();
    expect(await at.scheduled()).toHaveLength(2);
  });

  test('of a night are caught up, too, where the one of the night before was never finished', async () => {
    await at.passes();
    for (const id of ['warsaw', 'madrid']) {
      const resync = await beginResync(at.db, { account: id, dryRun: false }, new Date());
      await recordComparisonStarted(at.db, resync, { failures: [], sources: [] }, new Date());
    }
    await at.passes(Date.now() + DAY);
    expect(await at.asked()).toEqual(['madrid', 'warsaw']);
    expect((await at.begun()).map(({ state }) => state)).toEqual(['failed', 'failed']);
  });

  test('keep the job of a night in which the record is away at its time', async () => {
    let isAway = true;
    let tries = 0;
    const db = new Proxy(at.db, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (!isAway) return typeof value === 'function' ? value.bind(target) : value;
        tries += 1;
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      },
    });
    const worker = await at.works(Date.now(), 0, db);
    try {
      await at.queue.enqueueNightly('warsaw', NIGHTLY);
      await eventually(() => tries > 0);
      isAway = false;
      await eventually(async () => (await at.begun()).some(({ account_id }) => account_id === 'warsaw'));
    } finally {
      await worker.stop();
    }
  });

  test('of a night that the queue forgot are caught up by a look, when nobody can be on the way to it any more', async () => {
    const spreadMs = 60 * 60_000;
    const last = lastTime(NIGHTLY, 'Europe/Warsaw', Date.now());
    const before = lastTime(NIGHTLY, 'Europe/Warsaw', last - 1);
    await at.db
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
      await at.schedules({ now, spreadMs }).look();
    };
    await looks(last + spreadMs);
    expect(await at.asked()).toEqual([]);
    await looks(last + spreadMs + 10 * 60_000);
    expect(await at.asked()).toEqual(['madrid', 'warsaw']);
  });
});
