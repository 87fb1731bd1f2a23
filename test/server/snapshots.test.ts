import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Slotkeeper } from '../../src/engine.js';
import { postgresDatabase } from '../db/databases.js';
import { CALENDAR, foundingExample, WEEK_BEFORE } from '../engine/founding-example.js';
import { openClinic, settled, startEngine, writesTo } from '../engine/running.js';
import { type Caller, serve } from './served.js';

const { date, events, put } = foundingExample();
const encryptionKey = randomBytes(32).toString('base64');
const [{ windows }, { ref, start, end }] = events;
const PROBLEM = 'application/problem+json; charset=utf-8';
const path = `/v1/calendars/${CALENDAR}/snapshot`;
const days = `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`;
const nothing = {
  changedDays: 0,
  occupied: 0,
  released: 0,
  unchanged: 0,
  stale: 0,
  staleDates: 0,
  ignored: 0,
  rejected: [],
  warnings: [],
  held: null,
};
const whole = { from: date, to: date, complete: true, windows, occupancy: [{ ref, start, end }] };

describe('snapshots and held changes over HTTP', () => {
  let engine: Slotkeeper;
  let call: Caller;
  let now = WEEK_BEFORE;
  const arrivals = new EventEmitter();

  beforeAll(async () => {
    engine = await startEngine({ databaseUrl: await postgresDatabase() }, { now: () => now, encryptionKey });
    call = await serve(engine, (arrived) => arrivals.emit(arrived));
  });

  beforeEach(() => {
    now = WEEK_BEFORE;
  });

  afterAll(async () => {
    await engine.stop();
  });

  test('the founding example as a snapshot is published, and a second time it changes and writes nothing', async () => {
    const sandbox = await openClinic(engine);
    expect(await call('PUT', path, whole)).toMatchObject({
      status: 200,
      body: { ...nothing, changedDays: 1, occupied: 1 },
    });
    await settled(engine);
    expect(writesTo(sandbox).map(({ body }) => body)).toEqual([put.body]);
    now += 60_000;
    expect((await call('PUT', path, whole)).body).toEqual({ ...nothing, unchanged: 1 });
    await settled(engine);
    expect(writesTo(sandbox)).toHaveLength(1);
  });

  test('an emptied snapshot is held, reported everywhere, and released or dropped by a person', async () => {
    const sandbox = await openClinic(engine);
    await call('PUT', path, whole);
    await settled(engine);
    now += 60_000;
    const emptied = { ...whole, windows: [], occupancy: [] };
    const { body } = await call('PUT', path, emptied);
    expect(body).toEqual({
      ...nothing,
      held: {
        id: expect.stringMatching(/^\d+$/),
        losses: [{ scope: 'calendar', of: 'windows', lost: 60, total: 60 }],
        dates: [date],
        releases: 1,
      },
    });
    expect((await call('GET', '/v1/status')).body).toMatchObject({ pending: 0, held: 1 });
    expect((await call('GET', days)).body).toMatchObject([
      { date, state: 'held', published: put.body.slots },
    ]);
    expect((await call('GET', '/v1/held')).body).toMatchObject({
      items: [{ id: body.held.id, calendar: CALENDAR, cause: 'snapshot', from: date, to: date, releases: 1 }],
    });
    const ids = [body.held.id];
    expect((await call('POST', '/v1/held/drop', { ids })).body).toEqual({ done: 1, unknown: [] });
    expect((await call('GET', '/v1/status')).body).toMatchObject({ held: 0 });
    expect((await call('GET', days)).body).toMatchObject([{ state: 'in-sync' }]);
    expect(writesTo(sandbox)).toHaveLength(1);

    const again = (await call('PUT', path, emptied)).body.held.id;
    expect((await call('POST', '/v1/held/release', { ids: [again, ...ids] })).body).toEqual({
      done: 1,
      unknown: ids,
    });
    await settled(engine);
    expect(writesTo(sandbox).map(({ operation }) => operation)).toEqual(['replaceSlots', 'deleteSlots']);
    expect((await call('GET', days)).body).toMatchObject([{ state: 'in-sync', windows: [], published: [] }]);
  });

  test('an event that arrives while a snapshot is received overrides the snapshot', async () => {
    await openClinic(engine);
    await call('POST', '/v1/events', { events });
    const body = JSON.stringify({ ...whole, occupancy: [] });
    const arrived = once(arrivals, path);
    const sent = fetch(`${call.url}${path}`, {
      method: 'PUT',
      headers: { authorization: 'Bearer key-of-the-clinic', 'content-type': 'application/json' },
      duplex: 'half',
      body: new ReadableStream({
        async start(stream) {
          stream.enqueue(Buffer.from(body.slice(0, 20)));
          await arrived;
          now += 1_000;
          await call('POST', '/v1/events', { events: [{ ...events[1], id: 'evt-meanwhile', ref: 'new' }] });
          now += 1_000;
          stream.enqueue(Buffer.from(body.slice(20)));
          stream.close();
        },
      }),
    } as RequestInit);
    expect(await (await sent).json()).toMatchObject({ released: 1, stale: 1 });
    expect((await call('GET', days)).body[0].busy).toMatchObject([{ ref: 'new' }]);
  });

  test('an invalid snapshot is refused with the paths of its problems', async () => {
    await openClinic(engine);
    const backwards = { ...whole, occupancy: [{ ref, start: end, end: start }] };
    const entry = { path: 'occupancy[0].end', reason: 'is not after the start' };
    expect(await call('PUT', path, backwards)).toMatchObject({
      status: 200,
      body: { released: 0, rejected: [{ path: 'occupancy[0]', ref, problems: [entry] }] },
    });
    expect(await call('PUT', path, { ...whole, to: '16.11.2026' })).toMatchObject({
      status: 400,
      type: PROBLEM,
      body: { errors: [{ path: 'to' }] },
    });
    expect(await call('PUT', path, { from: date })).toMatchObject({
      status: 400,
      body: { errors: expect.arrayContaining([{ path: 'to', reason: 'is required' }]) },
    });
    expect(await call('PUT', path, 'not json')).toMatchObject({ status: 400, type: PROBLEM });
    expect(await call('PUT', '/v1/calendars/nobody/snapshot', whole)).toMatchObject({
      status: 404,
      type: PROBLEM,
      body: { detail: 'there is no calendar "nobody"' },
    });
    expect(await call('POST', '/v1/held/release', {})).toMatchObject({ status: 400, type: PROBLEM });
    for (const [method, route] of [
      ['PUT', path],
      ['GET', '/v1/held'],
    ] as const) {
      expect(await call(method, route, undefined, { authorization: '' })).toMatchObject({ status: 401 });
    }
  });

  test('an account’s source is returned without its headers', async () => {
    await openClinic(engine);
    const source = { type: 'http', url: 'https://pms.example/snapshots', headers: { 'x-api-key': 's3cret' } };
    const account = {
      baseUrl: 'http://127.0.0.1:1',
      clientId: 'c',
      clientSecret: 's',
      timeZone: 'Europe/Warsaw',
    };
    const answers = [
      await call('PUT', '/v1/accounts/other', { ...account, source }),
      await call('GET', '/v1/accounts/other'),
      await call('GET', '/v1/accounts'),
    ];
    expect(answers[1]?.body.source).toEqual({ type: 'http', url: source.url, timeoutSeconds: 300 });
    expect(JSON.stringify(answers.map(({ body }) => body))).not.toContain('s3cret');
    const inUrl = { ...source, url: 'https://me:s3cret@pms.example/' };
    const refused = await call('PUT', '/v1/accounts/other', { ...account, source: inUrl });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'source.url' }] } });
    expect(JSON.stringify(refused.body)).not.toContain('s3cret');
  });
});
