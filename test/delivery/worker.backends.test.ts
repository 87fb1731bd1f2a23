import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { DeliveryWorker } from '../../src/delivery/delivery-worker.js';
import type { DispatchResult } from '../../src/delivery/dispatcher.js';
import { DeliveryQueue } from '../../src/queue/delivery-queue.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { Office } from './delivery-fixture.js';

const HOUR = 60 * 60 * 1000;
const job = { to: 'webhook', account: 'warsaw', calendar: 'nowak' } as const;

describe.each(backends.slice(1))('a worker of deliveries on $name', ({ fresh }) => {
  /** Has a worker take one job until it is done. @returns the attempts that it took */
  async function work(
    attempt: (queue: DeliveryQueue) => Promise<DispatchResult>,
    isDue: () => boolean = () => false,
  ): Promise<number> {
    const { queues } = await Office.open(await fresh(), { parts: [] });
    const queue = new DeliveryQueue(queues);
    let attempts = 0;
    const worker = new DeliveryWorker({
      queues,
      log: pino({ level: 'silent' }),
      concurrency: 1,
      deliver: async () => {
        attempts += 1;
        return attempts === 1 ? await attempt(queue) : { kind: 'done' };
      },
      isDue: async () => isDue(),
      retryNow: (jobId) => queue.retryNow(jobId),
    });
    worker.start();
    await queues.ready();
    await queue.enqueue(job);
    await eventually(() => attempts >= 2);
    await worker.stop();
    return attempts;
  }

  test('ends a wait that was ended before it had begun', async () => {
    let isDue = false;
    const attempts = await work(
      async (queue) => {
        // The attempt is written down by now, and somebody changes the account.
        isDue = true;
        await queue.enqueue(job, true);
        return { kind: 'later', afterMs: HOUR, awaits: 'next attempt' };
      },
      () => isDue,
    );
    // Two, and a third where the job that followed is as quick.
    expect(attempts).toBeGreaterThan(1);
  });

  test('goes on after a part of a millisecond', async () => {
    expect(await work(async () => ({ kind: 'later', afterMs: 0.5 }))).toBe(2);
  });
});
