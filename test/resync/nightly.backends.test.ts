// The nights' schedules, on each place that a queue can live in: neither lost nor doubled by a start.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { deleteAccount } from '../../src/db/tables/accounts.js';
import { deleteCalendar } from '../../src/db/tables/calendars.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { DAY, NIGHTLY, Scheduling } from './nightly-fixture.js';

describe.each(backends)('the schedules on $name', ({ fresh }) => {
  let at: Scheduling;

  beforeAll(async () => {
    at = await Scheduling.open(await fresh());
  });

  afterAll(() => at.close());

  beforeEach(() => at.begin());

  test('are one for each account, in its zone, and gone with it', async () => {
    await at.passes();
    expect(await at.scheduled()).toEqual([
      ['madrid', NIGHTLY, 'Europe/Madrid'],
      ['warsaw', NIGHTLY, 'Europe/Warsaw'],
    ]);
    await deleteCalendar(at.db, 'madrid');
    await deleteAccount(at.db, 'madrid');
    await at.account('warsaw', 'Europe/London');
    await at.passes(Date.now(), '30 4 * * *');
    expect(await at.scheduled()).toEqual([['warsaw', '30 4 * * *', 'Europe/London']]);
    await at.passes(Date.now(), 'none');
    expect(await at.scheduled()).toEqual([]);
  });

  test('are made by two processes at once', async () => {
    await Promise.all([at.passes(), at.passes()]);
    expect(await at.scheduled()).toHaveLength(2);
    expect(await at.asked()).toEqual([]);
  });

  test('are left as they are by a start, with the job that waits for the night', async () => {
    await at.passes();
    const jobs = async () =>
      (await at.bull.getJobs(['delayed'])).map(({ id, timestamp }) => [id, timestamp] as const).sort();
    const before = await jobs();
    expect(before).toHaveLength(2);
    await at.passes();
    expect(await jobs()).toEqual(before);
    expect(await at.asked()).toEqual([]);
  });

  test('of a night in which nobody was there are caught up once, also by two processes', async () => {
    await at.passes();
    const tomorrow = Date.now() + DAY;
    await Promise.all([at.passes(tomorrow), at.passes(tomorrow)]);
    expect(await at.asked()).toEqual(['madrid', 'warsaw']);

    const worker = await at.works(tomorrow);
    try {
      await eventually(
        async () => (await at.begun()).filter(({ state }) => state === 'running').length === 2,
      );
      // A third that starts later has nothing to catch up, nor has one that was asked for all the same.
      await at.passes(tomorrow + 1_000);
      await at.queue.enqueueNightly('warsaw', NIGHTLY);
      await eventually(async () => (await at.asked()).length === 0);
    } finally {
      await worker.stop();
    }
    expect((await at.begun()).map(({ account_id }) => account_id).sort()).toEqual(['madrid', 'warsaw']);
  });

  test('of accounts take turns', async () => {
    await at.queue.enqueueNightly('warsaw', NIGHTLY);
    const worker = await at.works(Date.now(), DAY);
    try {
      const [job] = await eventually(async () => {
        const found = await at.bull.getJobs(['delayed']);
        return found.length > 0 ? found : undefined;
      });
      expect(job?.data).toMatchObject({ account: 'warsaw', isTurn: true });
      expect(await at.begun()).toEqual([]);
    } finally {
      await worker.stop();
    }
  });

  test('of accounts are run when their turn has come, once', async () => {
    for (const account of ['warsaw', 'madrid']) await at.queue.enqueueNightly(account, NIGHTLY);
    const worker = await at.works(Date.now(), 1_000);
    try {
      await eventually(async () => (await at.begun()).length === 2);
      await eventually(
        async () => (await at.bull.getJobs(['delayed', 'waiting', 'prioritized', 'active'])).length === 0,
      );
      expect((await at.begun()).map(({ account_id }) => account_id).sort()).toEqual(['madrid', 'warsaw']);
    } finally {
      await worker.stop();
    }
  });
});
