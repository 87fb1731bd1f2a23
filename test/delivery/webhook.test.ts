import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  listFailedNotifications,
  listWaitingDeliveries,
  retryFailedNotifications,
} from '../../src/db/tables/deliveries.js';
import { postgresDatabase } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { DeliveryFixture, PATIENT } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

const SECOND = 1_000;
const HOUR = 60 * 60 * SECOND;
/** The earliest retry is after a second. */
const SOON = { 'retry-after': '0' };

describe('a webhook', () => {
  let receiver: Receiver;
  let fixture: DeliveryFixture;

  beforeAll(async () => {
    receiver = await Receiver.start();
    const webhook = { url: receiver.url, secret: SECRET };
    fixture = await DeliveryFixture.open({ databaseUrl: await postgresDatabase() }, { webhook });
  });

  beforeEach(() => {
    receiver.reset();
    receiver.now = Date.now;
    fixture.log.length = 0;
  });

  afterAll(async () => {
    await fixture.close();
  });

  const allDelivered = () => eventually(async () => (await fixture.delivery.status()).undelivered === 0);

  test('receives what the feed contains, signed, once', async () => {
    const [id = ''] = await fixture.addAndEnqueue({ ref: 'apt-7', booking: 'b-7' });
    await allDelivered();
    const [request] = receiver.received;
    expect(request?.id).toBe(id);
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(request?.item).toEqual(await fixture.delivery.get(id));
    expect(request?.item).toMatchObject({
      ref: 'apt-7',
      booking: 'b-7',
      data: { visit_booking: { patient: { name: PATIENT } } },
    });
    // A duplicate would be received before the next notification.
    await fixture.sweep();
    fixture.delivery.enqueue([{ id, account: 'warsaw', calendar: 'nowak', name: 'slot-booked' }]);
    const [next] = await fixture.addAndEnqueue({});
    await allDelivered();
    expect(receiver.ids).toEqual([id, next]);
    expect(receiver.refused).toEqual([]);
    expect(fixture.log).toEqual([]);
  });

  test('that never accepts a notification fails it after 72 hours; later ones are delivered, and a person can retry it', async () => {
    receiver.now = fixture.now;
    const [first, second] = await fixture.add({}, {});
    const [one = '', two = ''] = [first?.id, second?.id];
    let refuses = true;
    receiver.answer = ({ id }) =>
      refuses && id === one ? { status: 410, headers: SOON, body: PATIENT } : { status: 204 };
    await fixture.sweep();
    await fixture.waitForFailures(1);
    await fixture.retryAfter(SECOND, 'nowak');
    await fixture.waitForFailures(2);
    expect(receiver.idsOf('nowak')).toEqual([one, one]);
    expect(await fixture.delivery.status()).toMatchObject({ undelivered: 2, failed: 0 });

    await fixture.retryAfter(72 * HOUR, 'nowak');
    await allDelivered();
    expect(receiver.idsOf('nowak')).toEqual([one, one, one, two]);
    expect(await listFailedNotifications(fixture.database.db, 10)).toMatchObject([
      { id: one, calendar: 'nowak', failed: 'answered 410; tried for 72 hours' },
    ]);

    refuses = false;
    const [key] = await retryFailedNotifications(fixture.database.db, [one], new Date());
    if (key !== undefined) await fixture.delivery.retryNow(key);
    await allDelivered();
    expect(receiver.idsOf('nowak').at(-1)).toBe(one);
    expect(await fixture.delivery.status()).toMatchObject({ failed: 0 });
    expect(fixture.log.join('')).not.toContain('Patientowa');
  });

  test('of a slow clinic does not delay another, and concurrent deliveries to one clinic are limited', async () => {
    const quick = await Receiver.start();
    await fixture.putAccount({ id: 'madrid', delivery: { url: quick.url, secret: SECRET } });
    let [active, most] = [0, 0];
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    receiver.now = fixture.now;
    quick.now = fixture.now;
    receiver.answer = async () => {
      active += 1;
      most = Math.max(most, active);
      await gate;
      active -= 1;
      return { status: 204 };
    };
    await fixture.addAndEnqueue(...Array.from({ length: 12 }, (_, n) => ({ calendar: `slow-${n}` })));
    await eventually(() => active === 8);
    await fixture.addAndEnqueue(
      ...Array.from({ length: 4 }, (_, n) => ({ account: 'madrid', calendar: `quick-${n}` })),
    );
    await eventually(() => quick.received.length === 4);
    // The slow clinic has not answered yet.
    expect([receiver.received.length, active]).toEqual([8, 8]);
    open();
    await allDelivered();
    expect(most).toBe(8);
  });

  test('that recovers receives at once what waits for it, of every calendar', async () => {
    receiver.now = fixture.now;
    receiver.answer = () => ({ status: 500 });
    const calendars = ['a', 'b', 'c', 'd', 'e'];
    await fixture.addAndEnqueue(...calendars.map((calendar) => ({ calendar })));
    await fixture.waitForFailures(calendars.length);
    receiver.answer = () => ({ status: 204 });
    await fixture.addAndEnqueue({ calendar: 'new' });
    await allDelivered();
    for (const calendar of calendars) expect(receiver.idsOf(calendar)).toHaveLength(2);
  });

  test('receives all that waits when a person retries, also during a pause that it requested', async () => {
    receiver.now = fixture.now;
    receiver.answer = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    await fixture.addAndEnqueue({ calendar: 'a' }, { calendar: 'b' });
    await fixture.waitForFailures(2);
    receiver.answer = () => ({ status: 204 });
    await fixture.addAndEnqueue({ calendar: 'c' });
    await eventually(async () => (await fixture.delivery.status()).undelivered === 2);
    expect(await listWaitingDeliveries(fixture.database.db)).toMatchObject([
      { account: 'warsaw', count: 2, reason: 'answered 503' },
    ]);
    expect([receiver.idsOf('a'), receiver.idsOf('b')].map(({ length }) => length)).toEqual([1, 1]);
    expect(await fixture.delivery.retryClinic('warsaw')).toBe(true);
    await allDelivered();
    expect(await fixture.delivery.retryClinic('warsaw')).toBe(false);
    expect(await listWaitingDeliveries(fixture.database.db)).toEqual([]);
  });

  test('that refuses some calendars is not called for them after each success of another', async () => {
    receiver.now = fixture.now;
    const never = ['x', 'y', 'z', 'v', 'w'];
    receiver.answer = ({ item }) => ({ status: never.includes(String(item.calendar)) ? 400 : 204 });
    await fixture.addAndEnqueue(...never.map((calendar) => ({ calendar })));
    await fixture.waitForFailures(never.length);
    await fixture.addAndEnqueue({ calendar: 'a' });
    // The retries that the success caused have failed again, and caused no others.
    await fixture.waitForFailures(never.length + 2);
    const attempts = never.map((calendar) => receiver.idsOf(calendar).length);
    expect(attempts.reduce((sum, count) => sum + count, 0)).toBe(never.length + 2);
    receiver.answer = () => ({ status: 204 });
    await fixture.delivery.retryClinic('warsaw');
    await allDelivered();
  });

  test('receives what was never enqueued', async () => {
    receiver.now = fixture.now;
    const [added] = await fixture.add({});
    await fixture.sweep();
    await allDelivered();
    expect(receiver.ids).toEqual([added?.id]);
  });

  test('of an account replaces the webhook of all accounts, with its own secret', async () => {
    const secret = 'any other text, ąęć';
    const own = await Receiver.start(Buffer.from(secret).toString('base64'));
    receiver.now = fixture.now;
    own.now = fixture.now;
    await fixture.putAccount({ id: 'sevilla', delivery: { url: own.url, secret } });
    const [one, two] = await fixture.addAndEnqueue({}, { account: 'sevilla', calendar: 'ruiz' });
    await allDelivered();
    expect([receiver.ids, own.ids]).toEqual([[one], [two]]);
  });
});
