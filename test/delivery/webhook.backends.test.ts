// What delivering asks of the queue: one job for each order, delays, and an end to them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { Office } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

const SECOND = 1_000;
const SOON = { 'retry-after': '0' };

describe.each(backends)('a webhook from $name', ({ fresh }) => {
  let receiver: Receiver;
  let office: Office;

  beforeAll(async () => {
    receiver = await Receiver.start();
    office = await Office.open(await fresh(), { webhook: { url: receiver.url, secret: SECRET } });
    receiver.now = office.now;
  });

  beforeEach(() => {
    receiver.forget();
    office.log.length = 0;
  });

  afterAll(async () => {
    await office.close();
  });

  const allDelivered = () => eventually(async () => (await office.delivery.status()).undelivered === 0);

  test('is told in the order of each calendar, whatever fails, and the others do not wait for it', async () => {
    const failed = new Set<string>();
    receiver.answer = async ({ id, item }) => {
      if (item.calendar !== 'nowak' || failed.has(id)) return { status: 200, body: 'thank you' };
      failed.add(id);
      // It takes its time to refuse the first, until the others have been told everything.
      await eventually(() => receiver.idsOf('lis').length === 2 && receiver.idsOf(null).length === 1);
      return { status: 503, headers: SOON };
    };
    const ids = await office.say({}, { calendar: 'lis' }, {}, { calendar: null }, { calendar: 'lis' });
    const [one, two, three, four, five] = ids;
    await office.failures(1);
    await office.retry(SECOND, 'nowak');
    await office.failures(2);
    await office.retry(SECOND, 'nowak');
    await allDelivered();
    expect(receiver.idsOf('nowak')).toEqual([one, one, three, three]);
    expect(receiver.idsOf('lis')).toEqual([two, five]);
    expect(receiver.idsOf(null)).toEqual([four]);
  });

  test('that is down is not asked without a pause, and a change of the account ends the pause', async () => {
    const queue = office.queues.queue('slotkeeper-deliveries');
    receiver.answer = () => ({ status: 500, headers: { 'retry-after': '3600' } });
    await office.say({ calendar: 'down' });
    await office.failures(1);
    const waiting = await eventually(async () => (await queue.getJobs(['delayed']))[0]);
    expect(waiting).toMatchObject({ data: { calendar: 'down' } });
    // Neither the round nor another word about the calendar tells it anything meanwhile.
    await office.round();
    receiver.answer = () => ({ status: 200 });
    await office.say({ calendar: 'down' }, { calendar: 'up' });
    await eventually(() => receiver.idsOf('up').length === 1);
    expect(receiver.idsOf('down')).toHaveLength(1);

    await office.delivery.accountChanged('warsaw');
    await allDelivered();
    expect(receiver.idsOf('down')).toHaveLength(3);
  });
});
