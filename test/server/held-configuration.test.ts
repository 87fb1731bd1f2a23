import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Slotkeeper } from '../../src/engine.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { postgresDatabase } from '../db/databases.js';
import {
  ACCOUNT,
  ADDRESS,
  accountConfig,
  CALENDAR,
  foundingExample,
  WEEK_BEFORE,
} from '../engine/founding-example.js';
import { openClinic, settled, startEngine, writesTo } from '../engine/running.js';
import { type Caller, serve } from './served.js';

const { date, events } = foundingExample();
const encryptionKey = randomBytes(32).toString('base64');
const path = `/v1/calendars/${CALENDAR}`;
const config = { ...ADDRESS, account: ACCOUNT };

describe('a configuration that would remove too much', () => {
  let engine: Slotkeeper;
  let sandbox: Sandbox;
  let call: Caller;
  let now = WEEK_BEFORE;

  beforeAll(async () => {
    engine = await startEngine({ databaseUrl: await postgresDatabase() }, { now: () => now, encryptionKey });
    call = await serve(engine);
  });

  beforeEach(async () => {
    now = WEEK_BEFORE;
    sandbox = await openClinic(engine);
    await call('POST', '/v1/events', { events });
    await settled(engine);
    now += 10 * 60_000;
  });

  afterAll(async () => {
    await engine.stop();
  });

  const state = async () => (await call('GET', `${path}/days?from=${date}&to=${date}`)).body[0].state;

  test('is held for buffers that leave nothing, until a person releases it', async () => {
    const buffers = { ...config, bufferBefore: 60, bufferAfter: 60 };
    const { status, body } = await call('PUT', path, buffers);
    expect(status).toBe(202);
    expect(body).toMatchObject({
      id: CALENDAR,
      held: { losses: [{ scope: 'calendar', of: 'windows', lost: 50, total: 50 }], dates: [date] },
    });
    expect(body).not.toHaveProperty('bufferBefore');
    expect(await state()).toBe('held');
    expect((await call('GET', '/v1/status')).body).toMatchObject({ pending: 0, held: 1 });
    expect((await call('GET', '/v1/held')).body.items).toMatchObject([{ cause: 'configuration' }]);
    expect((await call('PUT', path, buffers)).body.held.id).toBe(body.held.id);
    expect(writesTo(sandbox)).toHaveLength(1);

    await call('POST', '/v1/held/release', { ids: [body.held.id] });
    await settled(engine);
    expect((await call('GET', path)).body).toMatchObject({ bufferBefore: 60, bufferAfter: 60 });
    expect(writesTo(sandbox).map(({ operation }) => operation)).toEqual(['replaceSlots', 'deleteSlots']);
    expect(await state()).toBe('in-sync');
  });

  test.each(['breaks', 'book'])(
    'is held with %s as well, where buffers hide what is offered',
    async (strategy) => {
      expect(await call('PUT', path, { ...config, strategy })).toMatchObject({ status: 200 });
      await settled(engine);
      const { status, body } = await call('PUT', path, {
        ...config,
        strategy,
        bufferBefore: 60,
        bufferAfter: 60,
      });
      expect(status).toBe(202);
      expect(body).toMatchObject({ strategy, held: { losses: [{ lost: 50, total: 50 }], dates: [date] } });
      expect(body).not.toHaveProperty('bufferBefore');
      expect(await call('PUT', path, { ...config, strategy, bufferAfter: 10 })).toMatchObject({
        status: 200,
      });
    },
  );

  test('is held for another address where this one is published; a later configuration replaces it', async () => {
    const moved = { ...config, addressId: '790' };
    expect(await call('PUT', path, moved)).toMatchObject({ status: 202, body: { addressId: '789' } });
    expect(await call('PUT', path, config)).toMatchObject({ status: 200 });
    expect((await call('GET', '/v1/held')).body).toEqual({ items: [] });
    expect(await state()).toBe('in-sync');
  });

  test('is not held where little is removed, or where nothing was published', async () => {
    expect(await call('PUT', path, { ...config, bufferAfter: 10 })).toMatchObject({ status: 200 });
    await settled(engine);
    expect(await call('PUT', '/v1/calendars/lis', { ...config, doctorId: '1' })).toMatchObject({
      status: 201,
    });
    await call('POST', '/v1/events', { events: [{ ...events[0], id: 'evt-lis', calendar: 'lis' }] });
    // Its doctor does not exist, so the calendar can only be corrected.
    expect(await call('PUT', '/v1/calendars/lis', { ...config, doctorId: '2' })).toMatchObject({
      status: 200,
    });
  });

  test('is held at start as well, and not held again at the next start', async () => {
    const databaseUrl = await postgresDatabase();
    const account = accountConfig(sandbox.url);
    const start = (calendar: object) =>
      startEngine(
        { databaseUrl },
        {
          now: () => now,
          encryptionKey,
          config: { accounts: [account], calendars: [{ id: CALENDAR, ...config, ...calendar }] },
        },
      );
    const first = await start({});
    await first.events(events);
    await settled(first);
    await first.stop();
    const ids: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      const next = await start({ bufferBefore: 120, bufferAfter: 120 });
      ids.push(...(await next.holds.list()).map(({ id }) => id));
      expect(await next.status()).toMatchObject({ held: 1 });
      await next.stop();
    }
    const corrected = await start({});
    expect(await corrected.holds.list()).toEqual([]);
    await corrected.stop();
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
  });
});
