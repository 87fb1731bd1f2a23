import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../src/config/config-error.js';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { recordDeliveryFailed } from '../../src/db/tables/deliveries.js';
import { addNotifications, type NewNotification } from '../../src/db/tables/notifications.js';
import { Slotkeeper, type SlotkeeperOptions } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';
import { createApp } from '../../src/server/app.js';
import { postgresDatabase } from '../db/databases.js';
import { account } from '../db/seed-rows.js';
import { Receiver, SECRET } from '../delivery/receiver.js';
import { startEngine } from '../engine/running.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';
import { type Caller, callerOf, KEY, onArrival, serve } from './served.js';

const key = randomBytes(32);
let count = 0;

/** Adds a notification to the database, like another process. */
async function receive(engine: Slotkeeper, ...items: Partial<NewNotification>[]): Promise<string[]> {
  const whole = items.map((changes): NewNotification => {
    count += 1;
    return {
      account: 'warsaw',
      calendar: 'nowak',
      name: 'slot-booked',
      hash: `h-${count}`,
      createdAt: new Date(engine.now()),
      source: 'pull',
      data: { visit_booking: { id: '1', patient: { name: 'Planted' } } },
      ...changes,
    };
  });
  const { added } = await engine.db
    .transaction()
    .execute((tx) => addNotifications(tx, new Encryptor([key]), whole, new Date(engine.now())));
  return added.map(({ id }) => id);
}

describe('a notification over HTTP', () => {
  let engine: Slotkeeper;
  let receiver: Receiver;
  let call: Caller;
  const arrivals = new EventEmitter();
  const timers = new ManualTimers();
  /** The interval of the feed's polling and of the delivery sweep, in milliseconds. */
  const POLL_MS = 1_000;

  beforeAll(async () => {
    receiver = await Receiver.start();
    engine = await startEngine(
      { databaseUrl: await postgresDatabase() },
      {
        encryptionKey: key.toString('base64'),
        now: timers.now,
        timers,
        config: {
          delivery: { url: receiver.url, secret: SECRET, timeoutMs: 60_000 },
          publish: { sweepSeconds: POLL_MS / 1_000 },
        },
      },
    );
    await engine.putAccount(account());
    call = await serve(engine, (arrived) => arrivals.emit(arrived));
  });

  afterAll(async () => {
    await engine.stop();
  });

  /** Waits until a failed attempt is recorded, so that it does not delay the next one. */
  const attempted = async (id: string): Promise<void> => {
    const attempts = engine.db.selectFrom('slotkeeper.notifications').select('attempts').where('id', '=', id);
    await eventually(async () => (await attempts.executeTakeFirst())?.attempts === 1);
  };

  test('is read in pages, and by its id', async () => {
    const ids = await receive(
      engine,
      { ref: 'apt-1' },
      {},
      { calendar: null, name: 'unknown', problem: 'data: Required' },
    );
    const first = await call('GET', '/v1/notifications?limit=2');
    expect(first.status).toBe(200);
    expect(first.body.items.map((item: { id: string }) => item.id)).toEqual(ids.slice(0, 2));
    expect(first.body.items[0]).toEqual({
      cursor: expect.any(String),
      id: ids[0],
      account: 'warsaw',
      calendar: 'nowak',
      name: 'slot-booked',
      createdAt: expect.stringMatching(/Z$/),
      receivedAt: expect.stringMatching(/Z$/),
      booking: null,
      ref: 'apt-1',
      data: { visit_booking: { id: '1', patient: { name: 'Planted' } } },
    });
    const second = await call('GET', `/v1/notifications?after=${first.body.next}&limit=2`);
    expect(second.body.items).toMatchObject([{ id: ids[2], problem: 'data: Required' }]);
    const third = await call('GET', `/v1/notifications?after=${second.body.next}`);
    expect(third.body).toEqual({ items: [], next: second.body.next });
    const one = await call('GET', `/v1/notifications/${ids[0]}`);
    expect(one.body).toEqual(first.body.items[0]);
  });

  test.each([
    ['after=yesterday', 'after'],
    ['after=-1', 'after'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=x', 'limit'],
    ['wait=26', 'wait'],
  ])('is not read with %s', async (query, path) => {
    const { status, type, body } = await call('GET', `/v1/notifications?${query}`);
    expect([status, type]).toEqual([400, 'application/problem+json; charset=utf-8']);
    expect(body.errors).toMatchObject([{ path }]);
  });

  test('is not read without the key, nor by an unknown id', async () => {
    expect((await call('GET', '/v1/notifications', undefined, { authorization: 'Bearer no' })).status).toBe(
      401,
    );
    expect(await call('GET', '/v1/notifications/ntf_none')).toMatchObject({ status: 404 });
  });

  test('ends a waiting request', async () => {
    const { next } = (await call('GET', '/v1/notifications?limit=1000')).body;
    const path = `/v1/notifications?after=${next}&wait=25`;
    const waiting = call('GET', path);
    // The feed has polled once and found nothing.
    await timers.sleeping();
    const [id] = await receive(engine, {});
    await timers.advance(POLL_MS);
    expect((await waiting).body.items).toMatchObject([{ id }]);
  });

  test('is listed while its webhook does not accept it, and sent at once when a person retries', async () => {
    receiver.answer = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    const [id = ''] = await receive(engine, { calendar: 'slow' });
    await timers.advance(POLL_MS);
    await attempted(id);
    const shown = async () => (await call('GET', '/v1/failed')).body.items.filter(isDelivery);
    const isDelivery = ({ kind }: { kind: string }): boolean => kind === 'delivery';
    await eventually(async () => (await shown()).length === 1);
    expect(await shown()).toEqual([
      {
        kind: 'delivery',
        id: 'delivery/warsaw',
        account: 'warsaw',
        count: expect.any(Number),
        reason: expect.stringMatching(/^\d+ notifications? waits? for its webhook: answered 503$/),
        retryAt: expect.stringMatching(/Z$/),
      },
    ]);
    receiver.answer = () => ({ status: 204 });
    const ids = { ids: ['delivery/warsaw'] };
    expect((await call('POST', '/v1/failed/drop', ids)).body).toEqual({ done: 0, unknown: ids.ids });
    expect((await call('POST', '/v1/failed/retry', ids)).body).toEqual({ done: 1, unknown: [] });
    await eventually(() => receiver.ids.filter((one) => one === id).length === 2);
    await eventually(async () => (await shown()).length === 0);
    expect((await call('POST', '/v1/failed/retry', ids)).body).toEqual({ done: 0, unknown: ids.ids });
  });

  test('is delivered, counted, and listed where it failed', async () => {
    await timers.advance(POLL_MS);
    await eventually(async () => (await call('GET', '/v1/status')).body.notifications.undelivered === 0);
    expect(new Set(receiver.ids)).toEqual(
      new Set((await call('GET', '/v1/notifications')).body.items.map(({ id }: { id: string }) => id)),
    );
    // The notification that could not be parsed.
    const listed = (await call('GET', '/v1/failed')).body.items;
    expect(listed).toEqual([
      {
        kind: 'notification',
        id: expect.stringMatching(/^notification\/ntf_/),
        account: 'warsaw',
        calendar: null,
        name: 'unknown',
        reason: 'the notification could not be read: data: Required',
      },
    ]);
    expect((await call('GET', '/v1/status')).body.notifications).toEqual({
      undelivered: 0,
      failed: 1,
      lag: 0,
    });
    const metrics = await fetch(`${call.url}/metrics`).then((answer) => answer.text());
    expect(metrics).toMatch(/^slotkeeper_notifications\{state="undelivered"\} 0$/m);
    expect(metrics).toMatch(/^slotkeeper_notifications\{state="failed"\} 1$/m);
    expect(metrics).toMatch(/^slotkeeper_notifications_lag_seconds 0$/m);
    expect(metrics).not.toMatch(/ntf_|warsaw|nowak/);
    const dropped = await call('POST', '/v1/failed/drop', { ids: [listed[0].id, 'notification/ntf_none'] });
    expect(dropped.body).toEqual({ done: 1, unknown: ['notification/ntf_none'] });
    expect((await call('GET', '/v1/failed')).body.items).toEqual([]);
  });

  test('that failed is delivered when a person retries it', async () => {
    receiver.answer = () => ({ status: 500 });
    const [id = ''] = await receive(engine, { calendar: 'again' });
    await timers.advance(POLL_MS);
    await attempted(id);
    expect(receiver.ids).toContain(id);
    await recordDeliveryFailed(engine.db, id, 'answered 500; tried for 72 hours', new Date());
    const [listed] = (await call('GET', '/v1/failed')).body.items;
    expect(listed).toMatchObject({
      id: `notification/${id}`,
      reason: 'the notification could not be delivered: answered 500; tried for 72 hours',
    });
    receiver.answer = () => ({ status: 204 });
    const before = receiver.received.length;
    expect((await call('POST', '/v1/failed/retry', {})).body).toEqual({ done: 1, unknown: [] });
    await eventually(() => receiver.received.length === before + 1);
    expect(receiver.ids.at(-1)).toBe(id);
  });

  test('is sent to the account’s own webhook, whose secret is never returned', async () => {
    const { limits, notifications, timeZone, clientId, clientSecret, baseUrl } = account();
    const own = await Receiver.start();
    const body = { limits, notifications, timeZone, clientId, clientSecret, baseUrl };
    const delivery = { url: own.url, secret: SECRET };
    const put = await call('PUT', '/v1/accounts/own', { ...body, delivery });
    expect(put).toMatchObject({ status: 201, body: { delivery: { url: own.url } } });
    for (const answer of [put, await call('GET', '/v1/accounts/own'), await call('GET', '/v1/accounts')]) {
      expect(JSON.stringify(answer.body)).not.toContain(SECRET);
    }
    await receive(engine, { account: 'own', calendar: 'ruiz' });
    await timers.advance(POLL_MS);
    await eventually(() => own.received.length === 1);
    const wrong = { url: 'https://user:pw@x.example', secret: 'whsec_%%%' };
    const refused = await call('PUT', '/v1/accounts/own', { ...body, delivery: wrong });
    expect(refused.body.errors).toMatchObject([{ path: 'delivery.url' }, { path: 'delivery.secret' }]);
    expect(JSON.stringify(refused.body)).not.toMatch(/pw@|%%%/);
  });

  test('ends waiting requests while the server stops', async () => {
    const app = createApp({ engine, apiKey: KEY });
    onArrival(app, (arrived) => arrivals.emit(arrived));
    const other = callerOf(await app.listen({ host: '127.0.0.1', port: 0 }));
    const { next } = (await other('GET', '/v1/notifications?limit=1000')).body;
    const path = `/v1/notifications?after=${next}&wait=25`;
    const arrived = once(arrivals, path);
    const waiting = other('GET', path);
    await arrived;
    await app.close();
    // No time has passed.
    expect((await waiting).body).toEqual({ items: [], next });
  });

  test('is answered while the server stops, and its connection is closed', async () => {
    const app = createApp({ engine, apiKey: KEY });
    const begun = new EventEmitter();
    app.get('/held', async () => {
      begun.emit('held');
      await once(begun, 'answer');
      return {};
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const held = once(begun, 'held');
    const waiting = fetch(`${url}/held`);
    await held;
    const closing = app.close();
    await eventually(() => !app.server.listening);
    begun.emit('answer');
    expect((await waiting).headers.get('connection')).toBe('close');
    await closing;
  });
});

describe('a start on PostgreSQL', () => {
  const config: SlotkeeperOptions['config'] = {
    accounts: [{ id: 'a', domain: 'jameda.de', clientId: 'c', clientSecret: 's' }],
  };
  const open = (databaseUrl: string, options: Partial<SlotkeeperOptions>) => {
    const engine = new Slotkeeper({ databaseUrl, log: createLog('silent'), ...options });
    atEndOfTest(() => engine.stop());
    return engine;
  };

  test('is refused without a key, also of a command, with the way to create one', async () => {
    const url = await postgresDatabase();
    for (const options of [{}, { config }, { roles: [] }] satisfies Partial<SlotkeeperOptions>[]) {
      const engine = open(url, options);
      await expect(engine.start()).rejects.toThrow(ConfigError);
      await expect(engine.start()).rejects.toThrow(
        /SLOTKEEPER_ENCRYPTION_KEY: is not set, and PostgreSQL requires it: .*`openssl rand -base64 32`/,
      );
    }
    await expect(open(url, { encryptionKey: 'abc' }).start()).rejects.toThrow(
      /SLOTKEEPER_ENCRYPTION_KEY: the key has 2 bytes/,
    );
  });

  test('is refused without the key of notifications and of secrets that the configuration does not contain', async () => {
    const url = await postgresDatabase();
    const first = open(url, { encryptionKey: key.toString('hex'), config });
    await first.start();
    await first.putAccount({ ...account(), id: 'b' });
    await receive(first, { account: 'a' });
    await first.stop();
    const encryptionKey = randomBytes(32).toString('hex');
    const { keyId } = new Encryptor([key]);
    const refused = await open(url, { encryptionKey, config })
      .start()
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({
      problems: [
        {
          reason: `lacks the key ${keyId}, with which 1 notifications are encrypted: append it to the other keys`,
        },
        {
          reason: `lacks the key ${keyId}, with which the secrets of "b" are encrypted: append it to the other keys`,
        },
      ],
    });
    // A command that only reads decrypts nothing.
    const asking = open(url, { encryptionKey, roles: [] });
    await asking.start();
    expect(await asking.status()).toMatchObject({ notifications: { undelivered: 0, failed: 0, lag: 0 } });
  });
});
