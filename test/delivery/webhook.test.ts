import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { failedNotifications, retryNotification } from '../../src/store/deliveries.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { Office, PATIENT } from './office.js';
import { Receiver, SECRET } from './receiver.js';

const HOUR = 60 * 60 * 1000;
/** So that a test does not wait for the backoff. */
const SOON = { 'retry-after': '0' };

describe.each(backends)('a webhook from $name', ({ fresh }) => {
  let receiver: Receiver;
  let office: Office;

  beforeAll(async () => {
    receiver = await Receiver.start();
    const webhook = { url: receiver.url, secret: SECRET };
    office = await Office.open(await fresh(), { webhook, timeoutMs: 60_000, everyMs: 1_000 });
  });

  beforeEach(() => {
    receiver.forget();
    office.ahead = 0;
    office.log.length = 0;
  });

  afterAll(async () => {
    await office.close();
  });

  const allDelivered = () => eventually(async () => (await office.delivery.status()).undelivered === 0);
  const of = (calendar: string | null) =>
    receiver.told.filter(({ item }) => item.calendar === calendar).map(({ id }) => id);

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
    await sleep(400);
    expect(receiver.told).toHaveLength(1);
    expect(receiver.refused).toEqual([]);
    expect(office.log).toEqual([]);
  });

  test('is told in the order of each calendar, whatever fails, and the others do not wait for it', async () => {
    const failed = new Set<string>();
    receiver.answer = async ({ id, item }) => {
      if (item.calendar !== 'nowak' || failed.has(id)) return { status: 200, body: 'thank you' };
      failed.add(id);
      // It takes its time to refuse the first, until the others have been told everything.
      await eventually(() => of('lis').length === 2 && of(null).length === 1);
      return { status: 503, headers: SOON };
    };
    const ids = await office.say({}, { calendar: 'lis' }, {}, { calendar: null }, { calendar: 'lis' });
    const [one, two, three, four, five] = ids;
    await allDelivered();
    expect(of('nowak')).toEqual([one, one, three, three]);
    expect(of('lis')).toEqual([two, five]);
    expect(of(null)).toEqual([four]);
  });

  test('that never takes one has it fail after 72 hours; those behind it go on, and a person tries it again', async () => {
    const [first, second] = await office.hear({}, {});
    const [one = '', two = ''] = [first?.id, second?.id];
    let refuses = true;
    receiver.answer = ({ id }) =>
      refuses && id === one ? { status: 410, headers: SOON, body: PATIENT } : { status: 204 };
    await eventually(() => of('nowak').length >= 2);
    expect(of('nowak')).not.toContain(two);
    expect(await office.delivery.status()).toMatchObject({ undelivered: 2, failed: 0 });

    office.ahead = 72 * HOUR;
    receiver.ahead = 72 * HOUR;
    await allDelivered();
    expect(of('nowak').at(-1)).toBe(two);
    expect(await failedNotifications(office.database.db, 10)).toMatchObject([
      { id: one, calendar: 'nowak', failed: 'answered 410; tried for 72 hours' },
    ]);

    refuses = false;
    const key = await retryNotification(office.database.db, one, new Date());
    if (key !== undefined) await office.delivery.hasten(key);
    await allDelivered();
    expect(of('nowak').at(-1)).toBe(one);
    expect(await office.delivery.status()).toMatchObject({ failed: 0 });
    expect(office.log.join('')).not.toContain('Patientowa');
  });

  test('that is down is not asked without a pause, and a change of the account ends the pause', async () => {
    receiver.answer = () => ({ status: 500, headers: { 'retry-after': '3600' } });
    await office.say({});
    await eventually(() => receiver.told.length === 1);
    // The round finds nothing that is due meanwhile.
    await sleep(1_500);
    expect(receiver.told).toHaveLength(1);
    receiver.answer = () => ({ status: 200 });
    await office.delivery.accountChanged('warsaw');
    await allDelivered();
    expect(receiver.told).toHaveLength(2);
  });

  test('of a slow clinic does not slow another, and one clinic is not told everything at once', async () => {
    const quick = await Receiver.start();
    await office.putAccount({ id: 'madrid', delivery: { url: quick.url, secret: SECRET } });
    let [inHand, most] = [0, 0];
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
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

  test('is told what nobody woke it for', async () => {
    const [added] = await office.hear({});
    await allDelivered();
    expect(receiver.ids).toEqual([added?.id]);
  });

  test('that an account has of its own is told in place of the one for all, with its own secret', async () => {
    const secret = 'any other text, ąęć';
    const own = await Receiver.start(Buffer.from(secret).toString('base64'));
    await office.putAccount({ id: 'sevilla', delivery: { url: own.url, secret } });
    const [one, two] = await office.say({}, { account: 'sevilla', calendar: 'ruiz' });
    await allDelivered();
    expect([receiver.ids, own.ids]).toEqual([[one], [two]]);
  });
});
