// The nightly resyncs: each begins once at its time, and a missed one as soon as a process runs.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { deleteAccount, putAccount } from '../../src/db/tables/accounts.js';
import { createLog } from '../../src/lib/log.js';
import { systemTimers } from '../../src/lib/timers.js';
import { offsetMsOf } from '../../src/resync/cron.js';
import { createNightlyTask } from '../../src/resync/nightly.js';
import { ScheduledTasks } from '../../src/tasks/scheduled-tasks.js';
import { account, ENCRYPTOR, NOW } from '../db/seed-rows.js';
import { useDatabase } from '../db/use-database.js';

const HOUR = 60 * 60_000;
const NIGHTLY = '0 3 * * *';
const log = createLog('silent');
/** The first night after `NOW` in Warsaw. */
const NIGHT = Date.parse('2026-11-10T03:00:00+01:00');

const database = useDatabase();
const queued: string[] = [];

beforeEach(async () => {
  await database.db.deleteFrom('slotkeeper.resyncs').execute();
});

/** One pass of a process at an instant, in epoch milliseconds. */
async function pass(at: number, { cron = NIGHTLY, spreadMs = 0, isQueueAway = false } = {}): Promise<void> {
  const { db } = database;
  const queue = {
    enqueue: async (id: string) => {
      if (isQueueAway) throw new Error('the queue is away');
      queued.push(id);
    },
  };
  const now = () => at;
  const scheduledTask = createNightlyTask({ db, queue, log, now, cron, spreadMs });
  const shared = { db, log, now, timers: systemTimers, everyMs: HOUR, leaseMs: HOUR };
  const tasks = new ScheduledTasks({ ...shared, scheduledTask });
  await tasks.runOnce();
  await tasks.waitForRunning();
}

const scheduled = async () => {
  const rows = await database.db
    .selectFrom('slotkeeper.scheduled_tasks')
    .select(['account_id', 'next_at'])
    .where('kind', '=', 'resync')
    .orderBy('account_id')
    .execute();
  return rows.map((row) => [row.account_id, row.next_at.getTime()]);
};
const begun = async () =>
  (await database.db.selectFrom('slotkeeper.resyncs').select('id').execute()).map(({ id }) => id);

describe('a nightly resync', () => {
  test('is scheduled for each account in its zone and at its offset, and an account that is new has missed none', async () => {
    await putAccount(database.db, account({ id: 'madrid', timeZone: 'UTC+5' }), NOW, ENCRYPTOR);
    await pass(NOW.getTime(), { spreadMs: HOUR });
    const inMadrid = Date.parse('2026-11-09T22:00:00Z');
    expect(await scheduled()).toEqual([
      ['madrid', inMadrid + offsetMsOf('madrid', HOUR)],
      ['warsaw', NIGHT + offsetMsOf('warsaw', HOUR)],
    ]);
    expect(await begun()).toEqual([]);
    await deleteAccount(database.db, 'madrid', NOW);
    expect(await scheduled()).toHaveLength(1);
  });

  test('begins once at its time, however many processes run', async () => {
    await pass(NOW.getTime());
    await pass(NIGHT - 1);
    expect(await begun()).toEqual([]);
    await Promise.all([pass(NIGHT), pass(NIGHT + 1)]);
    const [id] = await begun();
    expect(await begun()).toEqual([id]);
    expect(queued.slice(-1)).toEqual([id]);
    // The clock of another process is slow.
    await pass(NIGHT - 20_000);
    expect(await scheduled()).toEqual([['warsaw', NIGHT + 24 * HOUR]]);
  });

  test('that was missed begins once as soon as a process runs, and then at the next time', async () => {
    await pass(NOW.getTime());
    await pass(NIGHT + 40 * HOUR);
    await pass(NIGHT + 41 * HOUR);
    expect(await begun()).toHaveLength(1);
    expect(await scheduled()).toEqual([['warsaw', NIGHT + 48 * HOUR]]);
  });

  test('moves with its schedule and with the zone of its account', async () => {
    await pass(NOW.getTime());
    await pass(NOW.getTime() + 1, { cron: '30 4 * * *' });
    expect(await scheduled()).toEqual([['warsaw', NIGHT + 1.5 * HOUR]]);
    await putAccount(database.db, account({ timeZone: 'Europe/London' }), NOW, ENCRYPTOR);
    await pass(NOW.getTime() + 2);
    expect(await scheduled()).toEqual([['warsaw', NIGHT + HOUR]]);
    expect(await begun()).toEqual([]);
  });

  test('that cannot be enqueued is enqueued a minute later', async () => {
    await pass(NOW.getTime());
    const before = queued.length;
    await pass(NIGHT, { isQueueAway: true });
    const ids = await begun();
    await pass(NIGHT + 59_000);
    expect(queued).toHaveLength(before);
    await pass(NIGHT + 60_000);
    expect(queued.slice(before)).toEqual(ids);
    expect(await begun()).toEqual(ids);
  });
});
