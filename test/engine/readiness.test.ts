// The readiness of the process, which is probed at most once a second.
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { type Database, openDatabase } from '../../src/db/database.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { createLog } from '../../src/lib/log.js';
import { ReadinessProbe } from '../../src/monitoring/readiness.js';
import type { QueueState } from '../../src/queue/queues.js';
import { deleteAllRows, postgresDatabase } from '../db/databases.js';
import { account, calendar, ENCRYPTOR, NOW } from '../db/seed-rows.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfFile, atEndOfTest } from '../support/release.js';

const ALL_WELL = { ready: true, database: 'ok', queue: 'ok', publishing: 'ok' };
let database: Database;
let timers: ManualTimers;
let tried: number;

beforeAll(async () => {
  database = await openDatabase({ url: await postgresDatabase() });
  atEndOfFile(() => database.close());
});

beforeEach(async () => {
  await deleteAllRows(database.db);
  timers = new ManualTimers(NOW.getTime());
  tried = 0;
});

function probe(kind: 'redis' | 'database' = 'redis', attempt: () => Promise<QueueState> = async () => 'ok') {
  const counted = async (): Promise<QueueState> => {
    tried += 1;
    return await attempt();
  };
  const queues = { kind, probe: counted };
  return new ReadinessProbe({ db: database.db, queues, log: createLog('silent'), now: timers.now, timers });
}

test('readiness is probed once a second for any number of requests', async () => {
  const readiness = probe();
  expect(await Promise.all([readiness.get(), readiness.get()])).toEqual([ALL_WELL, ALL_WELL]);
  await timers.advance(999);
  await readiness.get();
  expect(tried).toBe(1);
  await timers.advance(1);
  await readiness.get();
  expect(tried).toBe(2);
});

test('a database that refuses writes is not ready, and neither is the queue in it', async () => {
  atEndOfTest(
    async () => void (await sql`ALTER TABLE slotkeeper.probes DROP CONSTRAINT "full"`.execute(database.db)),
  );
  await sql`DELETE FROM slotkeeper.probes`.execute(database.db);
  await sql`ALTER TABLE slotkeeper.probes ADD CONSTRAINT "full" CHECK (false)`.execute(database.db);
  const away = { ready: false, database: 'unavailable', publishing: 'unknown' };
  expect(await probe('database').get()).toEqual({ ...away, queue: 'unavailable' });
  expect(await probe('redis').get()).toEqual({ ...away, queue: 'ok' });
});

test('a queue that does not answer within three seconds is unavailable, and the process stays ready', async () => {
  await sql`DELETE FROM slotkeeper.probes`.execute(database.db);
  const asked = probe('redis', () => new Promise(() => undefined)).get();
  await eventually(async () => {
    const { rows } = await sql`SELECT FROM slotkeeper.probes`.execute(database.db);
    return rows.length === 1;
  });
  await timers.advance(3_000);
  expect(await asked).toEqual({ ...ALL_WELL, queue: 'unavailable' });
});

test('publishing is behind when a change has waited for more than five minutes', async () => {
  const { db } = database;
  await putAccount(db, account(), NOW, ENCRYPTOR);
  await putCalendar(db, calendar(), NOW);
  await sql`
    INSERT INTO slotkeeper.days (calendar_id, date, generation, published_generation, pending_since)
    VALUES ('nowak', ${NOW}::timestamptz::date + 7, 2, 1, ${NOW})`.execute(db);
  const readiness = probe();
  await timers.advance(5 * 60_000);
  expect(await readiness.get()).toEqual(ALL_WELL);
  await timers.advance(5_000);
  expect(await readiness.get()).toEqual({ ...ALL_WELL, publishing: 'behind' });
});
