// Clinics whose webhooks take long to answer, beside one that is quick.
import { expect, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { DeliveryFixture } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

test('ten slow clinics do not delay a quick one', async () => {
  const fixture = await DeliveryFixture.open({ databaseUrl: await postgresDatabase() }, { now: Date.now });
  const begun = new Set<string>();
  let answered = 0;
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  for (let n = 0; n < 10; n += 1) {
    const receiver = await Receiver.start();
    receiver.answer = async () => {
      begun.add(`slow${n}`);
      await gate;
      answered += 1;
      return { status: 204 };
    };
    await fixture.putAccount({ id: `slow${n}`, delivery: { url: receiver.url, secret: SECRET } });
  }
  const quick = await Receiver.start();
  await fixture.putAccount({ id: 'quick', delivery: { url: quick.url, secret: SECRET } });
  const all = Array.from({ length: 120 }, (_, n) => ({ account: `slow${n % 10}`, calendar: `c-${n}` }));
  await fixture.addAndEnqueue(...all);
  await eventually(() => begun.size === 10);
  // Their other jobs have run too: each is active or delayed.
  await eventually(async () => {
    const {
      waiting,
      active = 0,
      delayed = 0,
    } = (await fixture.delivery.counts())['slotkeeper-deliveries'] ?? {};
    return waiting === 0 && active + delayed === all.length;
  });
  await fixture.addAndEnqueue({ account: 'quick', calendar: 'q' });
  await eventually(() => quick.received.length === 1);
  // No slow clinic has answered yet.
  expect(answered).toBe(0);
  open();
});
