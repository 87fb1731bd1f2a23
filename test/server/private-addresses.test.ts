// Accounts that are put over HTTP may not name addresses of private networks, nor users in URLs.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { Slotkeeper } from '../../src/engine.js';
import { postgresDatabase } from '../db/databases.js';
import { startEngine } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { atEndOfTest } from '../support/release.js';
import { type Caller, serve } from './served.js';

const fields = {
  baseUrl: 'https://203.0.113.7',
  clientId: 'clinic',
  clientSecret: 'the-secret',
  timeZone: 'Europe/Warsaw',
};
const allowed = { config: { network: { allowPrivate: ['203.0.113.0/24', '10.9.0.0/16'] } } };

/** A server of the internal network, whose responses must not become visible. */
async function innerServer() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: 'inner rows', errors: { inner: ['rows'] } }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEndOfTest(async () => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function engineWith(options: Parameters<typeof startEngine>[1]): Promise<[Slotkeeper, Caller]> {
  const engine = await startEngine(
    { databaseUrl: await postgresDatabase() },
    { encryptionKey: randomBytes(32).toString('hex'), ...options },
  );
  return [engine, await serve(engine)];
}

const reasonsOf = (answer: { readonly body: { errors?: { path: string; reason: string }[] } }) =>
  (answer.body.errors ?? []).map(({ path, reason }) => `${path} ${reason}`);

describe('an account over HTTP', () => {
  test('is refused with the path of every private address', async () => {
    const [, call] = await engineWith(allowed);
    const answer = await call('PUT', '/v1/accounts/madrid', {
      ...fields,
      baseUrl: 'http://2130706433:8090',
      delivery: {
        url: 'https://[::ffff:10.0.0.1]/hook',
        approvalUrl: 'https://169.254.169.254/ask',
        secret: 'x',
      },
      source: { type: 'http', url: 'https://localhost./snapshots' },
    });
    expect(answer.status).toBe(400);
    const listed = 'is a private address, and network.allowPrivate does not list it';
    expect(reasonsOf(answer)).toEqual([
      `baseUrl ${listed}`,
      `delivery.url ${listed}`,
      'delivery.approvalUrl is a link-local address, which is never asked',
      `source.url ${listed}`,
    ]);
    expect((await call('GET', '/v1/accounts/madrid')).status).toBe(404);
    const delivery = { url: 'https://10.9.0.1/hook', secret: 'x' };
    const put = await call('PUT', '/v1/accounts/madrid', { ...fields, delivery });
    expect(put.status).toBe(201);
    expect(put.body).not.toHaveProperty('overHttp');
  });

  test.each([
    ['baseUrl', { baseUrl: 'https://user@203.0.113.7' }],
    ['baseUrl', { baseUrl: 'https://:pw@203.0.113.7' }],
    ['delivery.url', { delivery: { url: 'https://:pw@203.0.113.7/', secret: 'x' } }],
    [
      'delivery.approvalUrl',
      { delivery: { url: 'https://203.0.113.7/', approvalUrl: 'https://u:pw@203.0.113.7', secret: 'x' } },
    ],
    ['source.url', { source: { type: 'http', url: 'https://u:pw@203.0.113.7' } }],
  ])('is refused for a user or a password in its %s', async (path, change) => {
    const [, call] = await engineWith(allowed);
    const answer = await call('PUT', '/v1/accounts/madrid', { ...fields, ...change });
    expect(answer.status).toBe(400);
    expect(reasonsOf(answer)).toEqual([
      expect.stringContaining(`${path} must have no user and no password in it`),
    ]);
    expect(JSON.stringify(answer.body)).not.toContain('pw@');
  });

  test.each([
    ['where HOST is loopback', { host: '127.0.0.1' }, 201],
    ['where HOST is localhost', { host: 'localhost' }, 201],
    ['nowhere else', { host: '0.0.0.0' }, 400],
    [
      'nowhere where the list leaves it out',
      { host: '127.0.0.1', config: { network: { allowPrivate: [] } } },
      400,
    ],
    ['where it is listed', { host: '::', config: { network: { allowPrivate: ['127.0.0.0/8'] } } }, 201],
  ])('may name a loopback address %s', async (_where, options, status) => {
    const [, call] = await engineWith(options);
    expect(
      (await call('PUT', '/v1/accounts/madrid', { ...fields, baseUrl: 'http://127.0.0.1:9' })).status,
    ).toBe(status);
  });
});

describe('an account whose address has become private', () => {
  const before = { host: '127.0.0.1' };
  const place = { facilityId: '456', doctorId: '9876', addressId: '789' };
  const hour = {
    id: 'evt-1',
    type: 'available',
    calendar: 'nowak',
    from: '2026-11-16',
    to: '2026-11-16',
    windows: [
      { start: '2026-11-16T10:00', end: '2026-11-16T11:00', services: [{ id: '123', duration: 10 }] },
    ],
  };

  test('is not requested, and nothing of the server is revealed', async () => {
    const inner = await innerServer();
    const databaseUrl = await postgresDatabase();
    const first = await startEngine({ databaseUrl }, { ...before, roles: ['api'] });
    const put = await serve(first);
    expect((await put('PUT', '/v1/accounts/madrid', { ...fields, baseUrl: inner.url })).status).toBe(201);
    expect((await put('PUT', '/v1/calendars/nowak', { account: 'madrid', ...place })).status).toBe(201);
    await first.stop();
    const second = await startEngine({ databaseUrl }, { host: '0.0.0.0' });
    const call = await serve(second);
    await second.enqueueCalendar('nowak');
    expect((await call('POST', '/v1/events', { events: [hour] })).status).toBe(202);
    const told = await eventually(async () => {
      const { body } = await call('GET', '/v1/calendars/nowak');
      return body.retrying === null ? undefined : JSON.stringify(body.retrying);
    });
    expect(told).toContain('its host has a private address, and network.allowPrivate does not list it');
    expect(inner.asked).toEqual([]);
  });

  test('is requested where the configuration contains it, and a foreign response is not repeated', async () => {
    const inner = await innerServer();
    const [engine, call] = await engineWith({
      host: '0.0.0.0',
      config: {
        accounts: [{ id: 'madrid', ...fields, baseUrl: inner.url }],
        calendars: [{ id: 'nowak', account: 'madrid', ...place }],
      },
    });
    await engine.enqueueCalendar('nowak');
    expect((await call('POST', '/v1/events', { events: [hour] })).status).toBe(202);
    const told = await eventually(async () => {
      const { body } = await call('GET', '/v1/calendars/nowak');
      return body.retrying === null && body.failed === null ? undefined : JSON.stringify(body);
    });
    expect(inner.asked).toContain('POST /oauth/v2/token');
    expect(told).not.toMatch(/inner|rows/);
  });
});
