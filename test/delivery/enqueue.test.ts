import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Encryptor } from '../../src/crypto/encryptor.js';
import type { Db } from '../../src/db/schema.js';
import { AccountCache } from '../../src/db/tables/account-cache.js';
import { Delivery } from '../../src/delivery/delivery-service.js';
import { Metrics } from '../../src/lib/metrics.js';
import { systemTimers } from '../../src/lib/timers.js';
import type { Queues } from '../../src/queue/queues.js';
import { eventually } from '../support/eventually.js';

/** A delivery service without a database, whose queue calls `add` for each job. */
function createDelivery(add: (calendar: string) => Promise<void>): Delivery {
  const queue = {
    add: async (_: string, job: { calendar: string }) => {
      await add(job.calendar);
      return { id: undefined };
    },
  };
  const db = {} as Db;
  const encryptor = new Encryptor([Buffer.alloc(32)]);
  return new Delivery({
    db,
    accounts: new AccountCache({ db, encryptor, now: Date.now }),
    queues: { openQueue: () => queue } as unknown as Queues,
    encryptor,
    log: pino({ level: 'silent' }),
    metrics: new Metrics(),
    now: Date.now,
    timers: systemTimers,
    random: () => 0,
    webhook: { url: 'http://127.0.0.1:1/', secret: 'secret' },
    queue: false,
    keepDays: 7,
    timeoutMs: 1_000,
    everyMs: 1_000,
  });
}

const notification = (calendar: string) => ({
  id: `ntf_${calendar}`,
  account: 'warsaw',
  calendar,
  name: 'slot-booked',
});

test('the delivery service enqueues what is added at any moment around the end of a batch', async () => {
  for (let turns = 0; turns < 40; turns += 1) {
    const enqueued: string[] = [];
    const delivery = createDelivery(async (calendar) => void enqueued.push(calendar));
    delivery.enqueue([notification('first')]);
    await new Promise(setImmediate);
    for (let n = 0; n < turns; n += 1) await undefined;
    delivery.enqueue([notification('second')]);
    await delivery.stop();
    expect({ turns, enqueued }).toEqual({ turns, enqueued: ['first', 'second'] });
  }
});

test('the delivery service combines what is added while the queue is busy, each calendar once', async () => {
  const enqueued: string[] = [];
  let finish = (): void => {};
  const isBusy = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const delivery = createDelivery(async (calendar) => {
    enqueued.push(calendar);
    await isBusy;
  });
  delivery.enqueue([notification('first')]);
  await eventually(() => enqueued.length === 1);
  for (const calendar of ['a', 'b', 'a']) delivery.enqueue([notification(calendar)]);
  finish();
  await delivery.stop();
  expect(enqueued).toEqual(['first', 'a', 'b']);
});
