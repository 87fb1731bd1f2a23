// What is handed out once, while the record or the process that asked for it goes away. Contract: Notifications.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Slotkeeper } from '../../src/engine.js';
import { Sandbox } from '../../src/sandbox/index.js';
import { addressOf, ZONE } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';
import { PostgresServer } from '../support/postgres-server.js';
import { atEndOfTest } from '../support/release.js';

const DAY = 24 * 60 * 60_000;

test('a batch that is answered while the database is unavailable is stored, and the log says what was not recorded', async () => {
  const timers = new ManualTimers();
  const server = await PostgresServer.start({ durable: false });
  const sandbox = new Sandbox({
    now: timers.now,
    clients: [{ id: 'many', secret: 'secret', notifications: 'pull' }],
  });
  atEndOfTest(() => sandbox.stop());
  const account = {
    id: 'many',
    baseUrl: await sandbox.start(),
    clientId: 'many',
    clientSecret: 'secret',
    timeZone: ZONE,
    notifications: { mode: 'pull', pullEverySeconds: 1 },
  } as const;
  const lines: string[] = [];
  const engine = new Slotkeeper({
    databaseUrl: server.url,
    encryptionKey: randomBytes(32).toString('base64'),
    log: pino({ level: 'warn' }, { write: (line) => void lines.push(line) }),
    now: timers.now,
    timers,
    config: {
      accounts: [account],
      calendars: [{ id: 'nowak', account: 'many', ...addressOf('nowak') }],
      publish: { timeoutMs: 120_000, lockMs: 60_000, sweepSeconds: 0.5 },
    },
  });
  atEndOfTest(() => engine.stop());
  await engine.start();
  const pulls = () => sandbox.requests.filter(({ operation }) => operation === 'getNotifications');
  const isIdle = async () => {
    const scheduledTasks = engine.db.selectFrom('slotkeeper.scheduled_tasks').where('token', 'is', null);
    return (await scheduledTasks.select('kind').execute()).length === 1;
  };
  await eventually(isIdle);
  const before = pulls().length;
  // Answered when the faults are cleared.
  sandbox.faults.set([
    { fault: { kind: 'latency', ms: 600_000 }, match: { operation: 'getNotifications' }, times: 1 },
  ]);
  const since = timers.now() + 2 * DAY;
  sandbox.addBreak(addressOf('nowak'), { since: new Date(since), till: new Date(since + 30 * 60_000) });
  await timers.advance(1_000);
  const slow = await eventually(() => pulls()[before]);
  await server.stop();
  sandbox.faults.clear();
  await eventually(() => slow.answeredAt !== undefined);
  await eventually(() => lines.join('').includes('an answer could not be recorded in the rate limiter'));
  // It has been tried to commit it, in vain.
  await timers.sleeping();
  await server.restart();
  await eventually(async () => {
    await timers.advance(1_000);
    return (await engine.notifications()).items.length > 0;
  });
  expect((await engine.notifications()).items.map(({ name }) => name)).toEqual(['break-created']);
  expect(pulls().filter(({ status }) => status === 200)).toHaveLength(1);
});
