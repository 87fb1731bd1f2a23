// What deliveries require of the queue: one job for each order, delays, and their early end.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { DeliveryFixture } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

const SECOND = 1_000;
const SOON = { 'retry-after': '0' };

describe.each(backends)('a webhook from $name', ({ fresh }) => {
  let receiver: Receiver;
  let fixture: DeliveryFixture;

  beforeAll(async () => {
    receiver = await Receiver.start();
    fixture = await DeliveryFixture.open(await fresh(), { webhook: { url: receiver.url, secret: SECRET } });
    receiver.now = fixture.now;
  });

  beforeEach(() => {
    receiver.reset();
    fixture.log.length = 0;
  });

  afterAll(async () => {
    await fixture.close();
  });

  const allDelivered = () => eventually(async () => (await fixture.delivery.status()).undelivered === 0);

  test('receives each calendar in order, also after failures, and other calendars do not wait', async () => {
    const failed = new Set<string>();
    receiver.answer = async ({ id, item }) => {
      if (item.calendar !== 'nowak' || failed.has(id)) return { status: 200, body: 'thank you' };
      failed.add(id);
      // The first is refused only after the other calendars have received everything.
      await eventually(() => receiver.idsOf('lis').length === 2 && receiver.idsOf(null).length === 1);
      return { status: 503, headers: SOON };
    };
    const ids = await fixture.addAndEnqueue(
      {},
      { calendar: 'lis' },
      {},
      { calendar: null },
      { calendar: 'lis' },
    );
    const [one, two, three, four, five] = ids;
    await fixture.waitForFailures(1);
    await fixture.retryAfter(SECOND, 'nowak');
    await fixture.waitForFailures(2);
    await fixture.retryAfter(SECOND, 'nowak');
    await allDelivered();
    expect(receiver.idsOf('nowak')).toEqual([one, one, three, three]);
    expect(receiver.idsOf('lis')).toEqual([two, five]);
    expect(receiver.idsOf(null)).toEqual([four]);
  });

  test('that fails is not called during its pause, and a change of the account ends the pause', async () => {
    const queue = fixture.queues.openQueue('slotkeeper-deliveries');
    receiver.answer = () => ({ status: 500, headers: { 'retry-after': '3600' } });
    await fixture.addAndEnqueue({ calendar: 'down' });
    await fixture.waitForFailures(1);
    const waiting = await eventually(async () => (await queue.getJobs(['delayed']))[0]);
    expect(waiting).toMatchObject({ data: { calendar: 'down' } });
    // Meanwhile neither the sweep nor another notification of the calendar causes an attempt.
    await fixture.sweep();
    receiver.answer = () => ({ status: 200 });
    await fixture.addAndEnqueue({ calendar: 'down' }, { calendar: 'up' });
    await eventually(() => receiver.idsOf('up').length === 1);
    expect(receiver.idsOf('down')).toHaveLength(1);

    await fixture.delivery.accountChanged('warsaw');
    await allDelivered();
    expect(receiver.idsOf('down')).toHaveLength(3);
  });
});
