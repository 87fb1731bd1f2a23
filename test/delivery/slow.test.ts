// Clinics whose webhooks take long to answer, beside one that is quick.
import { expect, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { eventually } from '../support/eventually.js';
import { Office } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

test('ten slow clinics keep a quick one waiting for nothing', async () => {
  const office = await Office.open({ databaseUrl: await postgresDatabase() }, { now: Date.now });
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
    await office.putAccount({ id: `slow${n}`, delivery: { url: receiver.url, secret: SECRET } });
  }
  const quick = await Receiver.start();
  await office.putAccount({ id: 'quick', delivery: { url: quick.url, secret: SECRET } });
  const all = Array.from({ length: 120 }, (_, n) => ({ account: `slow${n % 10}`, calendar: `c-${n}` }));
  await office.say(...all);
  await eventually(() => begun.size === 10);
  // What else is theirs had its turn, too: it is in hand, or was sent away.
  await eventually(async () => {
    const {
      waiting,
      active = 0,
      delayed = 0,
    } = (await office.delivery.counts())['slotkeeper-deliveries'] ?? {};
    return waiting === 0 && active + delayed === all.length;
  });
  await office.say({ account: 'quick', calendar: 'q' });
  await eventually(() => quick.told.length === 1);
  // Not one of the slow ones was waited for.
  expect(answered).toBe(0);
  open();
});
