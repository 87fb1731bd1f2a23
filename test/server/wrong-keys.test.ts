// Requests with wrong keys are throttled by address, counted, and logged in one line a minute, at the API and the push endpoint.
import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import { accountSchema, toAccount } from '../../src/config/schema.js';
import type { Slotkeeper } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';
import { createApp } from '../../src/server/app.js';
import { postgresDatabase } from '../db/databases.js';
import { ACCOUNT, accountConfig } from '../engine/founding-example.js';
import { startEngine } from '../engine/running.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';
import { KEY } from './served.js';

const timers = new ManualTimers();
const log: string[] = [];
let engine: Slotkeeper;

beforeAll(async () => {
  engine = await startEngine(
    { databaseUrl: await postgresDatabase() },
    {
      timers,
      roles: ['api'],
      encryptionKey: randomBytes(32).toString('base64'),
      log: createLog('warn', { write: (line) => void log.push(line) }),
    },
  );
  const { id: _, ...account } = accountConfig('http://127.0.0.1:9');
  const notifications = { mode: 'push', apiKey: 'right' };
  await engine.putAccount(toAccount(ACCOUNT, accountSchema.parse({ ...account, notifications })));
});

function opened(trustProxy?: number | string[]) {
  log.length = 0;
  const app = createApp({ engine, apiKey: KEY, trustProxy });
  atEndOfTest(() => app.close());
  const ask = async (remoteAddress: string, key: string, headers: Record<string, string> = {}) => {
    const url = '/v1/status';
    const { statusCode } = await app.inject({
      url,
      remoteAddress,
      headers: { authorization: `Bearer ${key}`, ...headers },
    });
    return statusCode;
  };
  const push = async (remoteAddress: string, key: string, id = ACCOUNT) => {
    const { statusCode } = await app.inject({
      method: 'POST',
      url: `/v1/accounts/${id}/notifications`,
      remoteAddress,
      headers: { 'x-api-key': key },
      payload: '{}',
    });
    return statusCode;
  };
  return { app, ask, push };
}

/** The number of requests that are answered without a delay. */
const spend = async (attempt: () => Promise<number>): Promise<void> => {
  for (let n = 0; n < 20; n += 1) expect(await attempt()).toBe(401);
};

test('responses to an address with many wrong keys are delayed, and others are not', async () => {
  const { ask, push } = opened();
  await spend(() => ask('192.0.2.1', 'wrong'));
  let isAnswered = false;
  const slowed = Promise.all([ask('192.0.2.1', 'wrong'), push('192.0.2.1', 'wrong')]).then((answers) => {
    isAnswered = true;
    return answers;
  });
  await timers.sleeping(2);
  expect(await ask('192.0.2.1', KEY)).toBe(200);
  expect(await push('192.0.2.1', 'right')).toBe(200);
  expect(await ask('192.0.2.2', 'wrong')).toBe(401);
  expect(isAnswered).toBe(false);
  await timers.advance(1_000);
  expect(await slowed).toEqual([401, 401]);
});

test('IPv6 clients are throttled by network', async () => {
  const { ask } = opened();
  await spend(() => ask(`2001:db8:0:1::${randomBytes(2).toString('hex')}`, 'wrong'));
  const slowed = ask('2001:db8:0:1:ffff::1', 'wrong');
  await timers.sleeping();
  expect(await ask('2001:db8:0:2::1', 'wrong')).toBe(401);
  await timers.advance(1_000);
  expect(await slowed).toBe(401);
});

test('a stopping server ends the delays', async () => {
  const { app, ask } = opened();
  await spend(() => ask('192.0.2.1', 'wrong'));
  const slowed = ask('192.0.2.1', 'wrong');
  await timers.sleeping();
  await app.close();
  expect(await slowed).toBe(401);
});

test('wrong keys of a minute are one line of the log, without a key, and a counter', async () => {
  const { app, ask, push } = opened();
  await app.ready();
  for (const n of [1, 2, 3]) await ask(`192.0.2.${n}`, 'a-wrong-key');
  await push('192.0.2.1', 'a-wrong-key');
  await push('192.0.2.1', 'a-wrong-key', 'nobody');
  expect(log).toEqual([]);
  await timers.advance(60_000);
  await timers.advance(60_000);
  expect(log.map((line) => JSON.parse(line))).toMatchObject([
    {
      msg: 'requests had a wrong or missing key; they were refused',
      api: 3,
      push: 2,
      addresses: 3,
      most: { '192.0.2.1': 3, '192.0.2.2': 1, '192.0.2.3': 1 },
      accounts: [ACCOUNT],
    },
  ]);
  expect(log.join()).not.toContain('a-wrong-key');
  const { body } = await app.inject({ url: '/metrics' });
  expect(body).toContain('slotkeeper_refused_keys_total{endpoint="api"} 3');
  expect(body).toContain('slotkeeper_refused_keys_total{endpoint="push"} 2');
});

test.each([
  ['none is believed', undefined, '192.0.2.9'],
  ['a number of hops', 1, '198.51.100.2'],
  ['two hops', 2, '198.51.100.1'],
  ['a network', ['192.0.2.0/24'], '198.51.100.2'],
])('the address comes from trusted proxies: %s', async (_, trustProxy, address) => {
  const { app, ask } = opened(trustProxy);
  await app.ready();
  await ask('192.0.2.9', 'wrong', { 'x-forwarded-for': '198.51.100.1, 198.51.100.2' });
  await timers.advance(60_000);
  expect(JSON.parse(log[0] ?? '{}').most).toEqual({ [address]: 1 });
});
