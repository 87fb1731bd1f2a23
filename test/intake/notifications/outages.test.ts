// What is handed out once, while the record or the process that asked for it goes away. Contract: Notifications (pull).
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { Slotkeeper } from '../../../src/engine.js';
import { Sandbox } from '../../../src/sandbox/index.js';
import { addressOf, ZONE } from '../../chaos/desk.js';
import { eventually } from '../../support/eventually.js';
import { PostgresServer } from '../../support/postgres-server.js';
import { atEndOfTest } from '../../support/release.js';

jest.setTimeout(120_000);

const DAY = 24 * 60 * 60_000;

test('a batch that is answered while the record is away is kept, and the log says what was not written down', async () => {
  const server = await PostgresServer.start({ durable: true });
  const sandbox = new Sandbox({ clients: [{ id: 'many', secret: 'secret', notifications: 'pull' }] });
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
    config: {
      accounts: [account],
      calendars: [{ id: 'nowak', account: 'many', ...addressOf('nowak') }],
      publish: { timeoutMs: 60_000, sweepSeconds: 0.5 },
    },
  });
  atEndOfTest(() => engine.stop());
  await engine.start();
  const pulls = () => sandbox.requests.filter(({ operation }) => operation === 'getNotifications');
  await eventually(() => pulls().length > 0);
  // Answered when the faults are cleared.
  const before = pulls().length;
  sandbox.faults.set([
    { fault: { kind: 'latency', ms: 45_000 }, match: { operation: 'getNotifications' }, times: 1 },
  ]);
  const since = Date.now() + 2 * DAY;
  sandbox.addBreak(addressOf('nowak'), { since: new Date(since), till: new Date(since + 30 * 60_000) });
  const slow = await eventually(() => pulls()[before]);
  await server.stop();
  sandbox.faults.clear();
  await eventually(() => slow.answeredAt !== undefined);
  await sleep(500);
  await server.restart();
  const told = async () => (await engine.notifications().catch(() => undefined))?.items ?? [];
  await eventually(async () => (await told()).length > 0, { within: 60_000 });
  expect((await told()).map(({ name }) => name)).toEqual(['break-created']);
  expect(pulls().filter(({ status }) => status === 200)).toHaveLength(1);
  expect(lines.join('')).toContain('an answer could not be written down in the budget');
});
