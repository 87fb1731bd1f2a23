import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { OccupancyProducer } from '../../src/clinic/occupancy-producer.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { postgresDatabase } from '../db/databases.js';
import { CALENDAR, type FoundingPut, upcomingExample } from '../engine/founding-example.js';
import { sent } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { freshDatabase, PostgresServer } from '../support/postgres.js';
import { RedisServer } from '../support/redis.js';
import { clinicAt, published, type Running } from './clinic.js';

// Each test starts several processes, which takes long on a busy machine.
jest.setTimeout(300_000);

const { date, events, put } = upcomingExample();
const [available, occupied] = events;
const LONG = { within: 120_000 };
/** Requests to the marketplace have a long timeout, for a busy machine. */
const PATIENT = { timeoutMs: 60_000, lockMs: 2_000 };

/**
 * The different things that were sent, as moments: a body that may have arrived is sent again in another spelling of the
 * same moments.
 */
const writesSince = (sandbox: Sandbox, from: number) => {
  const all = published(sandbox)
    .slice(from)
    .map(({ path, body }) => ({ path, periods: instantsOf(body) }));
  return all.filter((one, index) => index === 0 || !isDeepStrictEqual(one, all[index - 1]));
};
const instantsOf = (body: unknown) =>
  (body as FoundingPut['body']).slots.map(({ start, end, address_services }) => [
    Date.parse(start),
    Date.parse(end),
    address_services,
  ]);
const wanted = { path: put.path, periods: instantsOf(put.body) };

const day = async ({ call }: Pick<Running, 'call'>) =>
  (await call('GET', `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`)).body[0];

async function activeCalendars(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const leased = 'SELECT FROM slotkeeper.calendars WHERE lease_token IS NOT NULL';
    return (await client.query(leased)).rows.length;
  } finally {
    await client.end();
  }
}

let database: PostgresServer;

beforeAll(async () => {
  database = await PostgresServer.start();
});

describe('when PostgreSQL is unavailable', () => {
  test('events are refused with 503, all that was acknowledged is published once it is back, and SIGTERM ends the process', async () => {
    const { url } = await freshDatabase({ on: database.url });
    // Jobs that were active when the database became unavailable run again after their lock and lease have expired.
    const clinic = await clinicAt({ databaseUrl: url }, { timeoutMs: 2_000, lockMs: 2_000 });
    const running = await clinic.start();
    const { call, process, settled } = running;
    await call('POST', '/v1/events', { events: [available] });
    await settled();
    const before = published(clinic.sandbox).length;
    // Acknowledged, and not yet published when the database becomes unavailable.
    clinic.sandbox.faults.set([
      { fault: { kind: 'status', status: 503 }, match: { operation: 'replaceSlots' } },
    ]);
    expect((await call('POST', '/v1/events', { events: [occupied] })).status).toBe(202);
    await database.crash();

    const refused = await call('POST', '/v1/events', { events: [{ ...occupied, id: 'lost', ref: 'lost' }] });
    expect(refused).toMatchObject({ status: 503, type: 'application/problem+json; charset=utf-8' });
    expect(refused.body.detail).toMatch(/nothing of this request was stored/);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect((await call('GET', '/v1/status')).status).toBe(503);
    await eventually(async () => (await call('GET', '/readyz')).status === 503, LONG);
    expect((await call('GET', '/healthz')).status).toBe(200);

    clinic.sandbox.faults.clear();
    await database.restart();
    await eventually(async () => (await call('GET', '/readyz')).status === 200, LONG);
    await settled();
    expect(writesSince(clinic.sandbox, before)).toEqual([wanted]);
    expect((await day(running)).busy).toMatchObject([{ ref: 'apt-77' }]);
    // Later events are applied and published as usual.
    await call('POST', '/v1/events', {
      events: [{ id: 'gone', type: 'released', calendar: CALENDAR, ref: 'apt-77' }],
    });
    await settled();
    expect(writesSince(clinic.sandbox, before)).toHaveLength(2);
    expect(process.stderr).not.toContain(new URL(database.url).password);

    // The process also ends with exit code 0 while the database is unavailable.
    await database.stop();
    try {
      expect(await process.kill('SIGTERM', LONG)).toEqual({ code: 0, signal: null });
    } finally {
      await database.restart();
    }
  });
});

describe('when Redis is unavailable', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  test('events are applied nevertheless, and are published once it is back', async () => {
    const clinic = await clinicAt({ databaseUrl: await postgresDatabase(), redisUrl: server.url }, PATIENT);
    const running = await clinic.start();
    const { call, process, settled } = running;
    await call('POST', '/v1/events', { events: [available] });
    await settled();
    const before = published(clinic.sandbox).length;
    await server.crash();
    expect(await call('POST', '/v1/events', { events: [occupied] })).toMatchObject({
      status: 202,
      body: { accepted: 1 },
    });
    const readiness = { ready: true, database: 'ok', queue: 'unavailable' };
    await eventually(async () => (await call('GET', '/readyz')).body.queue !== 'ok', LONG);
    expect(await call('GET', '/readyz')).toMatchObject({ status: 200, body: readiness });
    expect((await call('GET', '/v1/status')).body).toMatchObject({ pending: 1, readiness, queues: {} });
    expect(published(clinic.sandbox)).toHaveLength(before);

    await server.restart();
    await eventually(async () => (await call('GET', '/readyz')).body.queue === 'ok', LONG);
    await settled();
    expect(published(clinic.sandbox).slice(before).map(sent)).toEqual([put]);

    // The worker of the occupancy queue continues, too.
    const producer = new OccupancyProducer({ redisUrl: server.url });
    await producer.enqueue({ id: 'gone', type: 'released', calendar: CALENDAR, ref: 'apt-77' });
    await producer.close();
    await eventually(() => published(clinic.sandbox).length === before + 2, LONG);
    expect(process.stderr).not.toContain(new URL(server.url).password);

    await server.stop();
    try {
      expect(await process.kill('SIGTERM', LONG)).toEqual({ code: 0, signal: null });
    } finally {
      await server.restart();
    }
    // Every connection retries continuously, and the log contains the error once.
    expect(process.stderr.match(/ECONNREFUSED/g)?.length ?? 0).toBeLessThan(20);
  });

  test('events in the queue wait, in their order, while the database is unavailable', async () => {
    const { url } = await freshDatabase({ on: database.url });
    const clinic = await clinicAt({ databaseUrl: url, redisUrl: server.url }, PATIENT);
    const first = await clinic.start();
    await first.call('POST', '/v1/events', { events: [available] });
    await first.settled();
    // A lease that could not be released would block the calendar for twice the timeout of a request.
    await eventually(async () => (await activeCalendars(url)) === 0, LONG);
    await database.stop();
    const producer = new OccupancyProducer({ redisUrl: server.url });
    await producer.enqueue(
      Array.from({ length: 10 }, (_, n) => ({ ...occupied, id: `move-${n}`, end: `${date}T10:${31 + n}` })),
    );
    await producer.close();
    await first.process.waitForLine('the event is retried', LONG);
    // Stopped while an event is active: later events must not overtake it.
    expect(await first.process.kill('SIGTERM', LONG)).toEqual({ code: 0, signal: null });
    await database.restart();

    const second = await clinic.open();
    await eventually(async () => (await day(second)).busy[0]?.end === occupied.end, LONG);
    await second.settled();
    expect(await day(second)).toMatchObject({ state: 'in-sync', wanted: put.body.slots });
    const { queues } = (await second.call('GET', '/v1/status')).body;
    expect(queues['slotkeeper-occupancy']).toMatchObject({ waiting: 0, delayed: 0, failed: 0 });
    expect(await day(second)).toMatchObject({ state: 'in-sync', wanted: put.body.slots });
  });
});
