import { describe, expect, test } from '@jest/globals';
import got from 'got';
import { type Client, Sandbox } from '../../src/sandbox/index.js';
import { ADDRESS, HOUR, MINUTE, MORNING, partner } from './helper.js';
import { at, lunch, published, pushing, visit } from './pushing.js';
import { ended, pushed, type Reaction, startReceiver, turn } from './receiver.js';

describe('a push', () => {
  test('is a POST of the notification as JSON, with the key in the configured header', async () => {
    const { receiver, sandbox } = await pushing({ apiKey: 'k3y', header: 'X-Clinic' });
    const booked = sandbox.book(ADDRESS, visit('10:00'));
    await ended(sandbox, 1);
    expect(receiver.received).toMatchObject([
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-clinic': 'k3y' },
        body: {
          name: 'slot-booked',
          data: { facility: { id: '456' }, doctor: { id: '9876' }, visit_booking: { id: booked.id } },
          created_at: at('08:00'),
        },
      },
    ]);
  });

  test('has the key in X-Api-Key without a configured header, and no header without a key', async () => {
    const { receiver, sandbox } = await pushing({ apiKey: 'k3y' });
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 1);
    sandbox.setEstate(undefined, pushed(receiver));
    sandbox.addBreak(ADDRESS, { ...lunch, description: 'another' });
    await ended(sandbox, 2);
    expect(receiver.received.map(({ headers }) => headers['x-api-key'])).toEqual(['k3y', undefined]);
  });

  test('notifies what the doctor does: breaks created, moved and removed, and a booking', async () => {
    const { receiver, sandbox } = await pushing();
    const { id } = sandbox.addBreak(ADDRESS, lunch);
    sandbox.moveBreak(id, { ...lunch, till: at('12:30') });
    sandbox.removeBreak(id);
    sandbox.book(ADDRESS, { ...visit('20:00'), duration: 30, by: 'doctor' });
    await ended(sandbox, 4);
    expect(receiver.received.map(({ body }) => body)).toMatchObject([
      { name: 'break-created', data: { break: { id, ...lunch } } },
      { name: 'break-moved', data: { break: { id, since: at('12:00'), till: at('12:30') } } },
      { name: 'break-removed', data: { break: { id } } },
      { name: 'slot-booked', data: { visit_booking: { booked_by: 'doctor' } } },
    ]);
  });

  test('is sent to push clients, the queue is for pull clients, and both are for `both`', async () => {
    const [one, other] = [await startReceiver(), await startReceiver()];
    const client = (id: string) => ({ id, secret: 's3cret' });
    const sandbox = await published({
      clients: [
        { ...client('clinic'), notifications: 'pull' },
        { ...client('pushed'), notifications: 'push', push: { url: one.url } },
        { ...client('both'), notifications: 'both', push: { url: other.url } },
      ],
    });
    sandbox.book(ADDRESS, visit('10:00'));
    await ended(sandbox, 2);
    expect([one.names, other.names]).toEqual([['slot-booked'], ['slot-booked']]);
    const pulls = async (id: string) => (await (await partner(sandbox, id))('GET', '/notifications')).status;
    expect([await pulls('clinic'), await pulls('pushed'), await pulls('both')]).toEqual([200, 404, 200]);
  });

  test('is sent in the order of the changes, without waiting for the previous response', async () => {
    const receiver = await startReceiver();
    // A name that is looked up each time takes each connection another while.
    const url = receiver.url.replace('127.0.0.1', 'localhost');
    const sandbox = await published({ clients: pushed({ ...receiver, url }) });
    receiver.react('hang');
    const ids = Array.from(
      { length: 60 },
      (_, n) => sandbox.addBreak(ADDRESS, { ...lunch, description: `${n}` }).id,
    );
    await receiver.arrived(ids.length);
    expect(receiver.received.map(({ body }) => body.data.break.id)).toEqual(ids);
    expect(sandbox.deliveries.map(({ status }) => status)).toEqual(ids.map(() => undefined));
  });

  test.each<[string, Reaction, number | undefined]>([
    ['a refusal', 500, 500],
    ['a redirect, which is not followed', { status: 307, headers: { location: '/hook' } }, 307],
    ['a cut connection', 'cut', undefined],
    ['an answer that breaks off', 'cut-in-body', undefined],
  ])('that meets %s was not taken', async (_what, reaction, status) => {
    const { receiver, sandbox } = await pushing();
    receiver.react(reaction);
    sandbox.addBreak(ADDRESS, lunch);
    expect(await ended(sandbox, 1)).toMatchObject([{ status }]);
    receiver.react(204);
    sandbox.clock.advance(MINUTE);
    await ended(sandbox, 2);
    expect(receiver.names).toEqual(['break-created', 'break-created']);
  });

  test.each<[string, Partial<NonNullable<Client['push']>>, number]>([
    ['5 seconds', {}, 5_000],
    ['the time that was agreed', { timeoutMs: 2_000 }, 2_000],
  ])('that meets silence for %s was not taken', async (_what, push, ms) => {
    const { receiver, sandbox, timers } = await pushing(push);
    receiver.react('hang');
    sandbox.addBreak(ADDRESS, lunch);
    await receiver.arrived(1);
    await timers.advance(ms - 1);
    expect(sandbox.deliveries).toMatchObject([{ endedAt: undefined }]);
    await timers.advance(1);
    expect(await ended(sandbox, 1)).toMatchObject([{ status: undefined }]);
    receiver.react(204);
    sandbox.clock.advance(MINUTE);
    await ended(sandbox, 2);
    expect(receiver.names).toEqual(['break-created', 'break-created']);
  });

  test('fails when nothing listens at the endpoint', async () => {
    const sandbox = await published({
      clients: [
        { id: 'clinic', secret: 's3cret', notifications: 'push', push: { url: 'http://127.0.0.1:1/hook' } },
      ],
    });
    sandbox.addBreak(ADDRESS, lunch);
    expect(await ended(sandbox, 1)).toMatchObject([{ status: undefined, attempt: 1 }]);
  });
});

describe('stopping', () => {
  test('aborts pushes in flight and fires no timers; after a start they are sent, with the notifications of the meantime', async () => {
    const { receiver, sandbox } = await pushing();
    receiver.react(500);
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 1);
    receiver.react('hang');
    sandbox.addBreak(ADDRESS, { ...lunch, since: at('12:01') });
    await receiver.arrived(2);
    await sandbox.stop();
    expect(sandbox.deliveries.map(({ endedAt }) => endedAt)).toEqual([MORNING, MORNING]);
    while ((await receiver.connections()) > 0) await turn();

    sandbox.addBreak(ADDRESS, { ...lunch, since: at('12:02') });
    sandbox.clock.advance(MINUTE);
    await turn();
    expect(receiver.received).toHaveLength(2);

    receiver.react(200);
    await sandbox.start();
    await ended(sandbox, 5);
    expect(receiver.received.slice(2).map(({ body }) => body.data.break.since)).toEqual([
      at('12:01'),
      at('12:02'),
      at('12:00'),
    ]);
  });

  test('cancels no booking of a client with the mode `once`', async () => {
    const { receiver, sandbox } = await pushing({ mode: 'once' });
    receiver.react('hang');
    sandbox.book(ADDRESS, visit('10:00'));
    await receiver.arrived(1);
    await sandbox.stop();
    expect(sandbox.bookings(ADDRESS)).toMatchObject([{ status: 'booked' }]);
  });

  test('a reset deletes pushes in flight, scheduled retries and the log', async () => {
    const { receiver, sandbox } = await pushing();
    receiver.react(500);
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 1);
    receiver.react('hang');
    sandbox.addBreak(ADDRESS, { ...lunch, since: at('12:01') });
    await receiver.arrived(2);
    sandbox.reset();
    receiver.react(200);
    sandbox.clock.advance(HOUR);
    sandbox.addBreak(ADDRESS, lunch);
    expect(await ended(sandbox, 1)).toMatchObject([{ n: 1, status: 200 }]);
    expect(receiver.received).toHaveLength(3);
  });
});

describe('the delivery log', () => {
  test('has client, notification, booking and attempt, and no patient data; over HTTP after one', async () => {
    const { sandbox } = await pushing({ apiKey: 'k3y' });
    const patient = { name: 'Wanda', surname: 'Example', phone: '+48111222333' };
    const booked = sandbox.book(ADDRESS, { ...visit('10:00'), patient, comment: 'knee' });
    const moved = sandbox.move(booked.id, { start: at('10:10') });
    const log = await ended(sandbox, 2);
    const of = { client: 'clinic', attempt: 1, status: 200, at: MORNING, endedAt: MORNING };
    expect(log).toEqual([
      { n: 1, name: 'slot-booked', bookingId: booked.id, ...of },
      { n: 2, name: 'booking-moved', bookingId: moved.id, ...of },
    ]);
    expect(await got(`${sandbox.url}/_sandbox/deliveries?after=1`).json()).toEqual({ deliveries: [log[1]] });
  });

  test('retains the newest', async () => {
    const receiver = await startReceiver();
    const sandbox = await published({ clients: pushed(receiver), keepRequests: 2 });
    for (const description of ['1', '2', '3']) sandbox.addBreak(ADDRESS, { ...lunch, description });
    await receiver.arrived(3);
    await ended(sandbox, 2);
    expect(sandbox.deliveries.map(({ n }) => n)).toEqual([2, 3]);
  });
});

describe('invalid settings', () => {
  const client = { id: 'clinic', secret: 's3cret' };
  test.each<[string, object, string]>([
    ['an address that is none', { notifications: 'push', push: { url: 'hook' } }, 'clients[0].push.url'],
    [
      'an address of another kind',
      { notifications: 'push', push: { url: 'ftp://127.0.0.1/' } },
      'clients[0].push.url',
    ],
    [
      'a key with a line break',
      { notifications: 'push', push: { url: 'http://127.0.0.1/', apiKey: 'a\nb' } },
      'clients[0].push.apiKey',
    ],
    ['push for who pulls', { push: { url: 'http://127.0.0.1/' } }, 'clients[0].push'],
    ['asks without push', { notifications: 'push', asks: true }, 'clients[0].asks'],
  ])('%s: refused with the path', (_what, more, path) => {
    expect(() => new Sandbox({ clients: [{ ...client, ...more }] })).toThrow(
      expect.objectContaining({ path }),
    );
  });
});
