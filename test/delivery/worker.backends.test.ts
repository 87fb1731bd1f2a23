import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { DeliveryQueue } from '../../src/delivery/delivery-queue.js';
import { DeliveryWorker } from '../../src/delivery/delivery-worker.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { Office } from './office.js';

const HOUR = 60 * 60 * 1000;
const job = { to: 'webhook', account: 'warsaw', calendar: 'nowak' } as const;

describe.each(backends.slice(1))('a worker of deliveries on $name', ({ fresh }) => {
  test('ends a wait that was ended before it had begun', async () => {
    const { queues } = await Office.open(await fresh(), { parts: [] });
    const queue = new DeliveryQueue(queues);
    let attempts = 0;
    let isDue = false;
    const worker = new DeliveryWorker({
      queues,
      log: pino({ level: 'silent' }),
      concurrency: 1,
      deliver: async () => {
        attempts += 1;
        if (attempts > 1) return { kind: 'done' };
        // The attempt is written down by now, and somebody changes the account.
        isDue = true;
        await queue.wake(job, true);
        return { kind: 'later', afterMs: HOUR, awaits: 'next attempt' };
      },
      isDue: async () => isDue,
      hasten: (jobId) => queue.hasten(jobId),
    });
    worker.start();
    await queues.ready();
    await queue.wake(job);
    await eventually(() => attempts >= 2);
    await worker.stop();
    expect(attempts).toBe(2);
  });
});
