import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../src/config/config-error.js';
import { Slotkeeper } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { ENCRYPTION_KEY, postgresDatabase } from '../db/databases.js';
import type { Place } from '../engine/backends.js';
import {
  ACCOUNT,
  ADDRESS,
  accountConfig,
  CALENDAR,
  foundingExample,
  WEEK_BEFORE,
} from '../engine/founding-example.js';
import { openClinic, settled, startEngine } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { type Caller, serve } from './served.js';

const { date, events } = foundingExample();
const path = `/v1/calendars/${CALENDAR}`;
const config = { ...ADDRESS, account: ACCOUNT };
const ELSEWHERE = { ...config, addressId: '790' };

describe('a calendar that is closed', () => {
  let place: Place;
  let engine: Slotkeeper;
  let sandbox: Sandbox;
  let call: Caller;
  let now = WEEK_BEFORE;

  beforeAll(async () => {
    place = { databaseUrl: await postgresDatabase() };
    engine = await startEngine(place, {
      now: () => now,
      config: { publish: { sweepSeconds: 0.3 }, holds: 'off' },
    });
    call = await serve(engine);
  });

  beforeEach(async () => {
    now = WEEK_BEFORE;
    sandbox = await openClinic(engine);
    await call('POST', '/v1/events', { events });
    await settled(engine);
    sandbox.faults.set([{ fault: { kind: 'status', status: 503 }, match: { operation: 'deleteSlots' } }]);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const conflict = (detail: unknown) => ({ status: 409, body: { title: 'Conflict', detail } });

  test('answers 202 while it is being closed, then 404; with leave=true 204', async () => {
    for (let n = 0; n < 2; n += 1) {
      expect(await call('DELETE', path)).toMatchObject({
        status: 202,
        body: { id: CALENDAR, state: 'closing', closingSince: expect.any(String) },
      });
    }
    expect((await call('GET', path)).body).toMatchObject({ state: 'closing' });
    expect((await call('GET', '/v1/status')).body).toMatchObject({ closing: 1 });
    const rejected = await call('POST', '/v1/events', { events: [{ ...events[1], id: 'evt-late' }] });
    expect(rejected.body.rejected).toMatchObject([{ reason: expect.stringContaining('is being deleted') }]);
    const snapshot = { from: date, to: date, windows: [], occupancy: [] };
    expect(await call('PUT', `${path}/snapshot`, snapshot)).toMatchObject(
      conflict(expect.stringContaining('is being deleted')),
    );
    expect(await call('DELETE', `/v1/accounts/${ACCOUNT}`)).toMatchObject(
      conflict(expect.stringContaining('1 of them being closed')),
    );
    sandbox.faults.clear();
    // Time passes until the next attempt, whenever the attempt is recorded.
    await eventually(async () => {
      now += 60_000;
      return (await call('GET', path)).status === 404;
    });
    expect((await call('DELETE', path)).status).toBe(404);

    await call('PUT', path, config);
    expect((await call('DELETE', `${path}?leave=true`)).status).toBe(204);
    expect((await call('DELETE', `/v1/accounts/${ACCOUNT}`)).status).toBe(204);
  });

  test('is listed as a former address of its calendar, and deleted by its own id', async () => {
    expect(await call('PUT', path, ELSEWHERE)).toMatchObject({ status: 200 });
    const { body } = await call('GET', '/v1/calendars');
    expect(body).toMatchObject([
      {
        id: CALENDAR,
        state: 'active',
        addressId: '790',
        closing: [{ account: ACCOUNT, ...ADDRESS, since: expect.any(String), failed: null }],
      },
    ]);
    const former = `/v1/calendars/${body[0].closing[0].id}`;
    expect(await call('PUT', former, config)).toMatchObject({ status: 409 });
    expect(
      await call('POST', '/v1/events', { events: [{ ...events[1], calendar: body[0].closing[0].id }] }),
    ).toMatchObject({ body: { rejected: [{ reason: expect.stringContaining('there is no calendar') }] } });
    expect((await call('DELETE', `${former}?leave=true`)).status).toBe(204);
    expect((await call('GET', path)).body).toMatchObject({ closing: [] });
  });

  test('occupies its address for any other calendar of the host, also of another account', async () => {
    const { id: _, ...account } = accountConfig(sandbox.url);
    await call('PUT', '/v1/accounts/second', { ...account, clientId: 'second' });
    const second = { ...config, account: 'second' };
    const taken = conflict(`the calendar "${CALENDAR}" is the same facility, doctor and address already`);
    expect(await call('PUT', '/v1/calendars/twin', second)).toMatchObject(taken);
    await call('PUT', path, ELSEWHERE);
    expect(await call('PUT', '/v1/calendars/twin', second)).toMatchObject(
      conflict(expect.stringContaining('it is being closed')),
    );
    expect((await call('PUT', '/v1/calendars/twin', { ...second, addressId: '791' })).status).toBe(201);

    await call('PUT', '/v1/accounts/third', { ...account, baseUrl: 'http://other.example' });
    expect((await call('PUT', '/v1/calendars/far', { ...ELSEWHERE, account: 'third' })).status).toBe(201);
    expect(await call('PUT', '/v1/accounts/third', account)).toMatchObject(taken);
  });

  test('a configuration with two calendars at one address is refused at start, with the path', async () => {
    const second = { ...accountConfig(sandbox.url), id: 'second' };
    const twice = new Slotkeeper({
      encryptionKey: ENCRYPTION_KEY,
      ...place,
      log: createLog('silent'),
      config: { accounts: [second], calendars: [{ id: 'twin', ...config, account: 'second' }] },
    });
    const failed = await twice.start().catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ConfigError);
    expect(failed).toMatchObject({
      problems: [{ path: 'calendars[0]', reason: expect.stringContaining(`"${CALENDAR}"`) }],
    });
  });
});
