// The push endpoint with a marketplace, an unknown sender and a faulty sender.
import { describe, expect, test } from '@jest/globals';
import {
  PUSH,
  placeOf,
  sharedNotificationFixture,
  toPushBody,
  visitBooking,
} from '../notifications/notification-fixture.js';

const hearing = sharedNotificationFixture();
const PROBLEM = 'application/problem+json; charset=utf-8';

const anything = (n: number) => toPushBody('address-assigned', {}, 'nowak', `2026-01-01T10:00:0${n}+01:00`);

describe('a sender', () => {
  test('without the key, or with another, is refused with 401 and nothing is stored', async () => {
    const { push, call, items } = await hearing();
    const url = `${call.url}${PUSH}`;
    expect((await fetch(url, { method: 'POST', body: JSON.stringify(anything(1)) })).status).toBe(401);
    for (const key of ['wrong', '', 'key-of-the-marketplacE', 'key-of-the-clinic']) {
      expect((await push(anything(1), { 'x-api-key': key })).status).toBe(401);
    }
    expect(await items()).toEqual([]);
  });

  test('sends the key in the header that the account names', async () => {
    const { push, items } = await hearing({
      notifications: { apiKey: 'other', header: 'X-Partner-Key' },
    });
    expect((await push(anything(1))).status).toBe(401);
    expect((await push(anything(1), { 'X-PARTNER-KEY': 'other' })).status).toBe(200);
    expect(await items()).toHaveLength(1);
  });

  test('must have an allowed address, listed alone or by its network', async () => {
    const { fixture, push } = await hearing();
    const account = await fixture.account();
    const from = async (...allowFrom: string[]) => {
      await fixture.engine.putAccount({ ...account, notifications: { ...account.notifications, allowFrom } });
      return (await push(anything(1))).status;
    };
    expect(await from('10.0.0.1')).toBe(403);
    expect(await from('10.0.0.0/8', '2001:db8::/32')).toBe(403);
    expect(await from('127.0.0.1')).toBe(200);
    expect(await from('10.0.0.1', '127.0.0.0/8')).toBe(200);
  });

  test('on the list needs no key where the account has none', async () => {
    const { push } = await hearing({ notifications: { apiKey: undefined, allowFrom: ['127.0.0.1'] } });
    expect((await push(anything(1), { 'x-api-key': '' })).status).toBe(200);
  });

  test('of an unknown account gets the same response as one with a wrong key', async () => {
    const { call, push, fixture } = await hearing();
    const wrong = await push(anything(1), { 'x-api-key': 'wrong' });
    expect(wrong.status).toBe(401);
    const account = await fixture.account();
    await fixture.engine.putAccount({
      ...account,
      id: 'listed',
      notifications: { ...account.notifications, apiKey: undefined, allowFrom: ['192.0.2.1'] },
    });
    for (const id of ['nobody', '%00', 'a%2Fb', 'listed']) {
      const answer = await call('POST', `/v1/accounts/${id}/notifications`, anything(1));
      expect({ status: answer.status, body: answer.body }).toEqual({ status: 401, body: wrong.body });
    }
  });

  test('without the key is refused before it has sent its body', async () => {
    const { call } = await hearing();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"name":')),
    });
    const answer = await fetch(`${call.url}${PUSH}`, { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(answer.status).toBe(401);
  });
});

test('an IPv4 sender at a socket that listens on IPv6 is recognized', async () => {
  const { fixture } = await hearing();
  const { createApp } = await import('../../src/server/app.js');
  const account = await fixture.account();
  await fixture.engine.putAccount({
    ...account,
    notifications: { ...account.notifications, allowFrom: ['192.0.2.0/24'] },
  });
  const app = createApp({ engine: fixture.engine, apiKey: 'clinic' });
  const from = async (remoteAddress: string) =>
    (
      await app.inject({
        method: 'POST',
        url: PUSH,
        remoteAddress,
        headers: { 'x-api-key': account.notifications.apiKey },
        payload: anything(1),
      })
    ).statusCode;
  expect(await from('::ffff:192.0.2.7')).toBe(200);
  expect(await from('::ffff:192.0.3.7')).toBe(403);
  expect(await from('2001:db8::1')).toBe(403);
  await app.close();
});

const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('a body that cannot be parsed is answered 2xx, stored, and listed as failed:', () => {
  test.each([
    ['text', 'certainly no JSON', 'not JSON'],
    ['nothing', '', 'not JSON'],
    ['half of it', '{"name":"slot-booked","data":{', 'not JSON'],
    ['a number', '42', 'no name'],
    ['null', 'null', 'no name'],
    ['a known kind without its booking', JSON.stringify(toPushBody('slot-booked', {})), 'slot-booked: '],
    ['bytes', Buffer.from([0, 255, 254, 128, 10]), 'not text'],
    ['a hundred thousand brackets', deep(100_000), 'no name'],
    ['1 MB', JSON.stringify({ padding: 'x'.repeat(1_048_000) }), 'no name'],
    ['a zero in a text', '{"padding":"\\u0000\\ud800"}', 'no name'],
  ])('%s', async (_, body, problem) => {
    const { fixture, push, items } = await hearing();
    expect((await push(body)).status).toBe(200);
    const [item, ...others] = await items();
    expect(others).toEqual([]);
    expect(item?.problem).toContain(problem);
    expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'notification' }]);
    expect((await push(body)).status).toBe(200);
    expect(await items()).toHaveLength(1);
  });
});

describe('a notification that is too large', () => {
  const sized = (bytes: number) => JSON.stringify({ padding: 'x'.repeat(bytes - 14) });
  const unsized = (text: string) =>
    ({ method: 'POST', body: new Blob([text]).stream(), duplex: 'half' }) as RequestInit;

  test('is refused with 413, with or without its length, and not stored', async () => {
    const { push, call, fixture, items } = await hearing();
    const { apiKey = '' } = (await fixture.account()).notifications;
    expect(await push(sized(1_048_577))).toMatchObject({
      status: 413,
      body: { status: 413, detail: 'a notification may have 1048576 bytes at most' },
    });
    const headers = { 'x-api-key': apiKey };
    const answer = await fetch(`${call.url}${PUSH}`, { ...unsized(sized(1_048_577)), headers });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([413, PROBLEM]);
    expect(await items()).toEqual([]);
    expect((await push(sized(1_048_576))).status).toBe(200);
  });

  test('exceeds the limit of its account', async () => {
    const { push, items } = await hearing({ notifications: { maxBytes: 5_000_000 } });
    expect((await push(sized(5_000_001))).status).toBe(413);
    expect((await push(sized(5_000_000))).status).toBe(200);
    expect(await items()).toHaveLength(1);
  });
});

test('a body of arbitrary bytes can be read back unchanged', async () => {
  const { push, items } = await hearing();
  const bytes = Buffer.from([0, 255, 254, 128, 10]);
  await push(bytes, { 'content-type': 'application/octet-stream' });
  expect((await items())[0]?.data).toBe(bytes.toString('base64'));
});

test.each(['text/plain', 'application/x-www-form-urlencoded', 'image/png; x=1', 'nonsense', ''])(
  'a notification is read whatever it says that it is: %s',
  async (type) => {
    const { fixture, push, items, busy } = await hearing();
    const body = toPushBody('slot-booked', { visit_booking: visitBooking(fixture, '1', '10:20') });
    expect((await push(body, { 'content-type': type })).status).toBe(200);
    expect((await items()).map(({ name }) => name)).toEqual(['slot-booked']);
    expect(await busy()).toHaveLength(1);
  },
);

describe('a notification that the database refuses', () => {
  test.each([
    ['ends when it begins', { end: '10:20' }],
    ['ends before it begins', { end: '10:00' }],
    ['has a zero in its id', { id: 'a\u0000b' }],
    ['is longer ago than any clock', { start_at: '0001-01-01T00:00:00+00:00' }],
  ])(
    'is kept, and no other with it is lost: a booking that %s',
    async (_, odd: { readonly end?: string; readonly id?: string; readonly start_at?: string }) => {
      const { fixture, push, items, busy } = await hearing();
      const { end, ...rest } = odd;
      const more = { ...rest, ...(end === undefined ? {} : { end_at: fixture.at(end) }) };
      const bodies = [
        toPushBody('slot-booked', { visit_booking: visitBooking(fixture, 'good-1', '11:00') }),
        toPushBody('slot-booked', { visit_booking: visitBooking(fixture, 'odd', '10:20', more) }),
        toPushBody('slot-booked', { visit_booking: visitBooking(fixture, 'good-2', '11:20') }),
      ];
      const answers = await Promise.all(bodies.map((body) => push(body)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      const problems = (await items()).filter(({ problem }) => problem !== undefined);
      expect(problems).toMatchObject([{ name: 'slot-booked', problem: /could not be applied/ }]);
      expect(await items()).toHaveLength(3);
      expect(await busy()).toMatchObject([{ booking: 'good-1' }, { booking: 'good-2' }]);
      expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'notification' }]);
    },
  );
});

test('an unknown type of notification is passed on under its name, and is not a failure', async () => {
  const { fixture, push, items } = await hearing();
  const data = { ...placeOf(), review: { stars: 5 } };
  expect((await push({ name: 'review-left', data, created_at: null })).status).toBe(200);
  expect(await items()).toMatchObject([{ name: 'review-left', calendar: 'nowak', data }]);
  expect((await items())[0]).not.toHaveProperty('problem');
  expect(await fixture.engine.failures.list()).toEqual([]);
});

test('the same body twice is one item; with another time it is another item', async () => {
  const { push, items } = await hearing();
  await Promise.all([push(anything(1)), push(anything(1)), push(anything(1))]);
  await push(anything(1));
  expect(await items()).toHaveLength(1);
  await push(anything(2));
  expect(await items()).toHaveLength(2);
});

test('older formats are parsed: numeric ids, durations in quotes, offsets without a colon', async () => {
  const { fixture, push, items, busy } = await hearing();
  const plain = (instant: string) => instant.replace(/:(\d\d)$/, '$1');
  const booking = visitBooking(fixture, '0', '10:20');
  const body = toPushBody('slot-booked', {
    visit_booking: {
      ...booking,
      id: 6_000_001,
      duration: '20',
      start_at: plain(booking.start_at),
      end_at: plain(booking.end_at),
      canceled_by: '',
      booked_at: '',
    },
  });
  expect((await push(body)).status).toBe(200);
  expect(await items()).toMatchObject([{ booking: '6000001', calendar: 'nowak' }]);
  expect(await busy()).toEqual([
    { booking: '6000001', start: fixture.at('10:20'), end: fixture.at('10:40') },
  ]);
});

test('a question that cannot be parsed is stored and denied, because the time may be busy', async () => {
  const { fixture, push, items } = await hearing();
  const answer = await push(toPushBody('slot-booking', { visit_booking_request: { start_at: 'soon' } }));
  expect(answer).toEqual({ status: 409, body: { error_code: 2 } });
  expect(await items()).toMatchObject([{ name: 'unknown' }]);
  expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'notification' }]);
});
