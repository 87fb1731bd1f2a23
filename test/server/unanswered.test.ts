// An engine whose PostgreSQL does not answer although its connections are open: requests end, and the engine continues.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { OccupancyProducer } from '../../src/clinic/occupancy-producer.js';
import { accountSchema, toAccount } from '../../src/config/schema.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { postgresDatabase } from '../db/databases.js';
import { ACCOUNT, ADDRESS, accountConfig, CALENDAR, foundingExample } from '../engine/founding-example.js';
import { openClinic, settled, startEngine } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { atEndOfTest } from '../support/release.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { type Caller, serve } from './served.js';

const { date, events } = foundingExample();
const [available, occupied] = events;
const apiKey = 'key-of-the-marketplace';

async function opened() {
  const databaseUrl = await postgresDatabase();
  const proxy = await TcpProxy.start(databaseUrl);
  // Active jobs and leases that could not be released expire soon.
  const config = { publish: { sweepSeconds: 0.5, timeoutMs: 5_000, lockMs: 2_000 } } as const;
  const engine = await startEngine(
    { databaseUrl: proxy.url },
    { config, statementMs: 1_500, encryptionKey: randomBytes(32).toString('base64') },
  );
  const sandbox = await openClinic(engine);
  const { id: _, ...account } = accountConfig(sandbox.url);
  const notifications = { mode: 'push', apiKey };
  await engine.putAccount(toAccount(ACCOUNT, accountSchema.parse({ ...account, notifications })));
  const call = await serve(engine);
  expect(await call('POST', '/v1/events', { events: [available] })).toMatchObject({ status: 202 });
  await settled(engine);
  return { databaseUrl, proxy, engine, sandbox, call };
}

const shown = (sandbox: Sandbox): string[] =>
  sandbox
    .patientView(ADDRESS, `${date}T00:00:00+01:00`, `${date}T23:59:00+01:00`)
    .map(({ start }) => start.slice(11, 16));

const push = (call: Caller) =>
  call(
    'POST',
    `/v1/accounts/${ACCOUNT}/notifications`,
    {
      name: 'address-assigned',
      data: {
        facility: { id: ADDRESS.facilityId },
        doctor: { id: ADDRESS.doctorId },
        address: { id: ADDRESS.addressId },
      },
      created_at: '2026-11-09T08:00:00+01:00',
    },
    { 'x-api-key': apiKey },
  );

describe('a PostgreSQL that does not answer', () => {
  test('lets events, pushes and readiness be answered 503, and is used again when it is back', async () => {
    const { proxy, engine, sandbox, call } = await opened();
    proxy.freeze();
    const answers = await Promise.all([
      call('POST', '/v1/events', { events: [occupied] }),
      push(call),
      call('GET', '/v1/status'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(await call('GET', '/readyz')).toMatchObject({
      status: 503,
      type: 'application/problem+json; charset=utf-8',
      body: {
        status: 503,
        ready: false,
        database: 'unavailable',
        queue: 'unavailable',
        publishing: 'unknown',
      },
    });
    proxy.thaw();
    await eventually(async () => (await call('GET', '/readyz')).status === 200);
    expect(await call('POST', '/v1/events', { events: [occupied] })).toMatchObject({ status: 202 });
    expect(await push(call)).toMatchObject({ status: 200 });
    await settled(engine);
    expect(shown(sandbox)).toEqual(['10:00', '10:10', '10:20', '10:40', '10:50']);
  });

  test('but accepts new connections, as after a failover, is used again, also for the queue', async () => {
    const { databaseUrl, proxy, sandbox } = await opened();
    const producer = new OccupancyProducer({ databaseUrl });
    atEndOfTest(() => producer.close());
    proxy.swallow();
    // No request detects the dead connections.
    await producer.enqueue(occupied);
    await eventually(() => shown(sandbox).length === 5);
    expect(shown(sandbox)).not.toContain('10:30');
    await producer.enqueue({ id: 'free', type: 'released', calendar: CALENDAR, ref: occupied.ref });
    await eventually(() => shown(sandbox).length === 6);
  });
});
