// An engine whose Redis does not answer, or refuses writes: requests end, and nothing that was committed is lost.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { OccupancyProducer } from '../../src/clinic/occupancy-producer.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { postgresDatabase } from '../db/databases.js';
import { ADDRESS, foundingExample } from '../engine/founding-example.js';
import { openClinic, settled, startEngine } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { freshRedisUrl, RedisServer } from '../support/redis.js';
import { atEndOfTest } from '../support/release.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { serve } from './served.js';

// Dead connections are closed after seconds of real time.
jest.setTimeout(120_000);

const LONG = { within: 100_000 };
const { date, events } = foundingExample();
const [available, occupied] = events;

async function opened(redisUrl: string) {
  const config = { publish: { sweepSeconds: 0.5, lockMs: 2_000 } } as const;
  const databaseUrl = await postgresDatabase();
  const engine = await startEngine({ databaseUrl, redisUrl }, { config, redisMs: 1_500 });
  const sandbox = await openClinic(engine);
  const call = await serve(engine);
  expect(await call('POST', '/v1/events', { events: [available] })).toMatchObject({ status: 202 });
  await settled(engine);
  // An active reconcile would publish the next change without the queue.
  await eventually(async () => (await engine.status()).queues['slotkeeper-publish']?.active === 0);
  return { engine, sandbox, call };
}

const shown = (sandbox: Sandbox): string[] =>
  sandbox
    .patientView(ADDRESS, `${date}T00:00:00+01:00`, `${date}T23:59:00+01:00`)
    .map(({ start }) => start.slice(11, 16));

describe('a Redis that does not answer', () => {
  test('lets events be committed and answered 202, and they are published when it is back', async () => {
    const proxy = await TcpProxy.start(await freshRedisUrl());
    const { sandbox, call } = await opened(proxy.url);
    proxy.freeze();
    expect(await call('POST', '/v1/events', { events: [occupied] })).toMatchObject({ status: 202 });
    expect(await call('GET', '/v1/status')).toMatchObject({ status: 200, body: { pending: 1 } });
    expect(await call('GET', '/readyz')).toMatchObject({
      status: 200,
      body: { ready: true, database: 'ok', queue: 'unavailable' },
    });
    expect(shown(sandbox)).toContain('10:30');
    proxy.thaw();
    await eventually(() => !shown(sandbox).includes('10:30'), LONG);
    await eventually(async () => (await call('GET', '/readyz')).body.queue === 'ok', LONG);
  });

  test('but accepts new connections, as after a failover, is used again', async () => {
    const redisUrl = await freshRedisUrl();
    const proxy = await TcpProxy.start(redisUrl);
    const { sandbox, call } = await opened(proxy.url);
    const producer = new OccupancyProducer({ redisUrl });
    atEndOfTest(() => producer.close());
    proxy.swallow();
    expect(await call('POST', '/v1/events', { events: [occupied] })).toMatchObject({ status: 202 });
    await eventually(() => !shown(sandbox).includes('10:30'), LONG);
    // A connection that only listens detects it, too.
    proxy.swallow();
    const { id: _, ...released } = {
      id: '',
      type: 'released',
      calendar: occupied.calendar,
      ref: occupied.ref,
    } as const;
    await producer.enqueue({ id: 'free', ...released });
    await eventually(() => shown(sandbox).includes('10:30'), LONG);
  });

  test('fails a start and a producer with the reason', async () => {
    const proxy = await TcpProxy.start(await freshRedisUrl());
    proxy.freeze();
    const databaseUrl = await postgresDatabase();
    await expect(startEngine({ databaseUrl, redisUrl: proxy.url }, { redisMs: 500 })).rejects.toThrow(
      /Redis at .* cannot be used/,
    );
    const producer = new OccupancyProducer({ redisUrl: proxy.url });
    atEndOfTest(() => producer.close());
    await expect(producer.enqueue(occupied)).rejects.toThrow(/Redis at .* cannot be used/);
  });
});

describe('a Redis without memory', () => {
  let server: RedisServer;
  let admin: Redis;

  beforeAll(async () => {
    server = await RedisServer.start();
    admin = new Redis(server.url);
  });

  afterAll(async () => {
    admin.disconnect();
    await server.remove();
  });

  test('lets events be committed, is reported, and they are published when it has memory', async () => {
    const { sandbox, call } = await opened(server.url);
    await admin.config('SET', 'maxmemory', '1');
    expect(await call('POST', '/v1/events', { events: [occupied] })).toMatchObject({ status: 202 });
    const readiness = { ready: true, database: 'ok', queue: 'out-of-memory' };
    await eventually(async () => (await call('GET', '/readyz')).body.queue !== 'ok');
    expect(await call('GET', '/readyz')).toMatchObject({ status: 200, body: readiness });
    expect(await call('GET', '/v1/status')).toMatchObject({ body: { pending: 1, readiness } });
    await admin.config('SET', 'maxmemory', '0');
    await eventually(() => !shown(sandbox).includes('10:30'), LONG);
    await eventually(async () => (await call('GET', '/readyz')).body.queue === 'ok');
  });
});
