import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  failedNotifications,
  retryNotifications,
  waitingDeliveries,
} from '../../src/db/tables/deliveries.js';
import { postgresDatabase } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { Office, PATIENT } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

const SECOND = 1_000;
const HOUR = 60 * 60 * SECOND;
/** A clinic is asked again after a second at the earliest. */
const SOON = { 'retry-after': '0' };

describe('a webhook', () => {
  let receiver: Receiver;
  let office: Office;

  beforeAll(async () => {
    receiver = await Receiver.start();
    const webhook = { url: receiver.url, secret: SECRET };
    office = await Office.open({ databaseUrl: await postgresDatabase() }, { webhook });
  });

  beforeEach(() => {
    receiver.forget();
    receiver.now = Date.now;
    office.log.length = 0;
  });

  afterAll(async () => {
    await office.close();
  });

  const allDelivered = () => eventually(async () => (await office.delivery.status()).undelivered === 0);

  test('is told what the feed says, signed, once', async () => {
    const [id = ''] = await office.say({ ref: 'apt-7', booking: 'b-7' });
    await allDelivered();
    const [told] = receiver.told;
    expect(told?.id).toBe(id);
    expect(told?.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(told?.item).toEqual(await office.delivery.get(id));
    expect(told?.item).toMatchObject({
      ref: 'apt-7',
      booking: 'b-7',
      data: { visit_booking: { patient: { name: PATIENT } } },
    });
    // Whatever else would be told of it comes before the next one.
    await office.round();
    office.delivery.enqueue([{ id, account: 'warsaw', calendar: 'nowak' }]);
    const [next] = await office.say({});
    await allDelivered();
    expect(receiver.ids).toEqual([id, next]);
    expect(receiver.refused).toEqual([]);
    expect(office.log).toEqual([]);
  });

  test('that never takes one has it fail after 72 hours; those behind it go on, and a person tries it again', async () => {
    receiver.now = office.now;
    const [first, second] = await office.hear({}, {});
    const [one = '', two = ''] = [first?.id, second?.id];
    let refuses = true;
    receiver.answer = ({ id }) =>
      refuses && id === one ? { status: 410, headers: SOON, body: PATIENT } : { status: 204 };
    await office.round();
    await office.failures(1);
    await office.retry(SECOND, 'nowak');
    await office.failures(2);
    expect(receiver.idsOf('nowak')).toEqual([one, one]);
    expect(await office.delivery.status()).toMatchObject({ undelivered: 2, failed: 0 });

    await office.retry(72 * HOUR, 'nowak');
    await allDelivered();
    expect(receiver.idsOf('nowak')).toEqual([one, one, one, two]);
    expect(await failedNotifications(office.database.db, 10)).toMatchObject([
      { id: one, calendar: 'nowak', failed: 'answered 410; tried for 72 hours' },
    ]);

    refuses = false;
    const [key] = await retryNotifications(office.database.db, [one], new Date());
    if (key !== undefined) await office.delivery.retryNow(key);
    await allDelivered();
    expect(receiver.idsOf('nowak').at(-1)).toBe(one);
    expect(await office.delivery.status()).toMatchObject({ failed: 0 });
    expect(office.log.join('')).not.toContain('Patientowa');
  });

  test('of a slow clinic does not slow another, and one clinic is not told everything at once', async () => {
    const quick = await Receiver.start();
    await office.putAccount({ id: 'madrid', delivery: { url: quick.url, secret: SECRET } });
    let [inHand, most] = [0, 0];
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    receiver.now = office.now;
    quick.now = office.now;
    receiver.answer = async () => {
      inHand += 1;
      most = Math.max(most, inHand);
      await gate;
      inHand -= 1;
      return { status: 204 };
    };
    await office.say(...Array.from({ length: 12 }, (_, n) => ({ calendar: `slow-${n}` })));
    await eventually(() => inHand === 8);
    await office.say(...Array.from({ length: 4 }, (_, n) => ({ account: 'madrid', calendar: `quick-${n}` })));
    await eventually(() => quick.told.length === 4);
    // All that while the slow one has said nothing.
    expect([receiver.told.length, inHand]).toEqual([8, 8]);
    open();
    await allDelivered();
    expect(most).toBe(8);
  });

  test('that answers again is told at once what waits for it, of every calendar', async () => {
    receiver.now = office.now;
    receiver.answer = () => ({ status: 500 });
    const calendars = ['a', 'b', 'c', 'd', 'e'];
    await office.say(...calendars.map((calendar) => ({ calendar })));
    await office.failures(calendars.length);
    receiver.answer = () => ({ status: 204 });
    await office.say({ calendar: 'new' });
    await allDelivered();
    for (const calendar of calendars) expect(receiver.idsOf(calendar)).toHaveLength(2);
  });

  test('is told all that waits for it when a person retries, also what it asked to wait for', async () => {
    receiver.now = office.now;
    receiver.answer = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    await office.say({ calendar: 'a' }, { calendar: 'b' });
    await office.failures(2);
    receiver.answer = () => ({ status: 204 });
    await office.say({ calendar: 'c' });
    await eventually(async () => (await office.delivery.status()).undelivered === 2);
    expect(await waitingDeliveries(office.database.db)).toMatchObject([
      { account: 'warsaw', count: 2, reason: 'answered 503' },
    ]);
    expect([receiver.idsOf('a'), receiver.idsOf('b')].map(({ length }) => length)).toEqual([1, 1]);
    expect(await office.delivery.retryClinic('warsaw')).toBe(true);
    await allDelivered();
    expect(await office.delivery.retryClinic('warsaw')).toBe(false);
    expect(await waitingDeliveries(office.database.db)).toEqual([]);
  });

  test('that refuses one calendar alone is not asked for it after each of the others', async () => {
    receiver.now = office.now;
    const never = ['x', 'y', 'z', 'v', 'w'];
    receiver.answer = ({ item }) => ({ status: never.includes(String(item.calendar)) ? 400 : 204 });
    await office.say(...never.map((calendar) => ({ calendar })));
    await office.failures(never.length);
    await office.say({ calendar: 'a' });
    // What the taken one woke has failed again, and woke nothing.
    await office.failures(never.length + 2);
    const attempts = never.map((calendar) => receiver.idsOf(calendar).length);
    expect(attempts.reduce((sum, count) => sum + count, 0)).toBe(never.length + 2);
    receiver.answer = () => ({ status: 204 });
    await office.delivery.retryClinic('warsaw');
    await allDelivered();
  });

  test('is told what nobody woke it for', async () => {
    receiver.now = office.now;
    const [added] = await office.hear({});
    await office.round();
    await allDelivered();
    expect(receiver.ids).toEqual([added?.id]);
  });

  test('that an account has of its own is told in place of the one for all, with its own secret', async () => {
    const secret = 'any other text, ąęć';
    const own = await Receiver.start(Buffer.from(secret).toString('base64'));
    receiver.now = office.now;
    own.now = office.now;
    await office.putAccount({ id: 'sevilla', delivery: { url: own.url, secret } });
    const [one, two] = await office.say({}, { account: 'sevilla', calendar: 'ruiz' });
    await allDelivered();
    expect([receiver.ids, own.ids]).toEqual([[one], [two]]);
  });
});
