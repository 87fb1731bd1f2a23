// Text that PostgreSQL cannot store (NUL, half of a surrogate pair) is refused with its path in every input, and never a 500.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { OccupancyProducer } from '../../src/clinic/occupancy-producer.js';
import { ConfigError } from '../../src/config/config-error.js';
import { fileSchema } from '../../src/config/schema.js';
import { Slotkeeper } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';
import { validate } from '../../src/lib/validation.js';
import { postgresDatabase } from '../db/databases.js';
import {
  ACCOUNT,
  accountConfig,
  CALENDAR,
  calendarConfig,
  foundingExample,
} from '../engine/founding-example.js';
import { openClinic, startEngine } from '../engine/running.js';
import { type Caller, serve } from './served.js';

const { date, events } = foundingExample();
const [available, occupied] = events;
const { id: _account, ...account } = accountConfig('http://127.0.0.1:9');
const { id: _calendar, ...calendar } = calendarConfig;
const TEXTS = ['a\0b', 'a\ud800', '\udc00b'];
let engine: Slotkeeper;
let call: Caller;

beforeAll(async () => {
  engine = await startEngine(
    { databaseUrl: await postgresDatabase() },
    { encryptionKey: randomBytes(32).toString('base64') },
  );
  await openClinic(engine);
  call = await serve(engine);
});

describe.each(TEXTS)('the text %j', (text) => {
  const placeholder = { name: text, phone: '1' };
  test.each([
    ['PUT', `/v1/accounts/${ACCOUNT}`, { ...account, clientId: text }, 'clientId'],
    ['PUT', `/v1/accounts/${ACCOUNT}`, { ...account, clientSecret: text }, 'clientSecret'],
    ['PUT', `/v1/accounts/${ACCOUNT}`, { ...account, placeholder }, 'placeholder.name'],
    [
      'PUT',
      `/v1/accounts/${ACCOUNT}`,
      { ...account, delivery: { url: 'https://a.example', secret: text } },
      'delivery.secret',
    ],
    ['PUT', `/v1/calendars/${CALENDAR}`, { ...calendar, doctorId: text }, 'doctorId'],
    ['POST', `/v1/calendars/${CALENDAR}/bookings/1/cancel`, { reason: text }, 'reason'],
    ['POST', `/v1/calendars/${CALENDAR}/bookings/1/link`, { ref: text }, 'ref'],
    ['POST', `/v1/calendars/${CALENDAR}/bookings/1/move`, { start: text }, 'start'],
    ['POST', '/v1/failed/retry', { ids: ['x', text] }, 'ids[1]'],
    ['POST', '/v1/failed/drop', { ids: [text] }, 'ids[0]'],
    ['POST', '/v1/held/release', { ids: [text] }, 'ids[0]'],
    ['POST', '/v1/resync', { calendars: [text] }, 'calendars[0]'],
    [
      'PUT',
      `/v1/calendars/${CALENDAR}/snapshot`,
      {
        from: date,
        to: date,
        occupancy: [{ ref: text, start: `${date}T10:00`, end: `${date}T11:00` }],
      },
      'occupancy[0].ref',
    ],
  ])('is refused: %s %s', async (method, path, body, at) => {
    const answer = await call(method, path, body);
    expect(answer).toMatchObject({ status: 400, type: 'application/problem+json; charset=utf-8' });
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(at);
  });

  test('is refused in one event, and other events are applied', async () => {
    const odd = { ...occupied, id: 'odd', ref: text };
    const answer = await call('POST', '/v1/events', {
      events: [odd, { ...available, id: `good ${text.length}` }],
    });
    expect(answer).toMatchObject({ status: 202, body: { rejected: [{ index: 0, id: 'odd' }] } });
    const same = await call('POST', '/v1/events', { events: [{ ...occupied, id: text }] });
    expect([400, 422]).toContain(same.status);
  });

  test('is refused in the configuration, and by the producer', async () => {
    const config = { accounts: [{ ...account, id: 'x', clientId: text }] };
    expect(() => new Slotkeeper({ config, log: createLog('silent') })).toThrow(ConfigError);
    const producer = new OccupancyProducer({ databaseUrl: 'postgres://nobody@127.0.0.1:9/none' });
    await expect(producer.enqueue({ ...occupied, ref: text })).rejects.toMatchObject({
      name: 'InvalidEventError',
    });
  });
});

test.each([
  '/v1/notifications/%00',
  '/v1/resync/%00',
  '/v1/accounts/%00',
  '/v1/calendars/%00',
  '/v1/calendars/nowak/days?from=%00',
  '/v1/notifications?after=%00',
])('NUL is refused in a path and in a query: %s', async (path) => {
  const answer = await call('GET', path);
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: expect.stringMatching(/./) }] } });
});

test('such an id of a failure is unknown to the library, too', async () => {
  expect(await engine.failures.settle('drop', TEXTS)).toEqual({ done: 0, unknown: TEXTS });
});

test('all such texts are reported, keys included, in input of any depth', () => {
  let deep: unknown = 'a\0';
  for (let depth = 0; depth < 1_000_000; depth += 1) deep = [deep];
  expect(validate(fileSchema, { deep }).success).toBe(false);
  const checked = validate(fileSchema, { a: ['b', 'c\0', { 'd\0': 1 }], e: '\ud800' });
  expect(checked.success ? [] : checked.problems.map(({ path }) => path)).toEqual([
    'a[1]',
    'a[2].d\uFFFD',
    'e',
  ]);
});
