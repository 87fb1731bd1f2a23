import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { DeliveryWorker } from '../../src/delivery/delivery-worker.js';
import type { DispatchResult } from '../../src/delivery/dispatcher.js';
import { DeliveryQueue } from '../../src/queue/delivery-queue.js';
import { backends } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { DeliveryFixture } from './delivery-fixture.js';

const HOUR = 60 * 60 * 1000;
const job = { to: 'webhook', account: 'warsaw', calendar: 'nowak' } as const;

describe.each(backends.slice(1))('the delivery worker on $name', ({ fresh }) => {
  /** Runs one job until it completes. @returns the number of attempts */
  async function runJob(
    attempt: (queue: DeliveryQueue) => Promise<DispatchResult>,
    isDue: () => boolean = () => false,
  ): Promise<number> {
    const { queues } = await DeliveryFixture.open(await fresh(), { parts: [] });
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
      queue,
    });
    worker.start();
    await queues.waitUntilReady();
    await queue.enqueue(job);
    await eventually(() => attempts >= 2);
    await worker.stop();
    return attempts;
  }

  test('ends a wait whose end was requested while the job was active', async () => {
    let isDue = false;
    const attempts = await runJob(
      async (queue) => {
        // The attempt is recorded, and the account is changed meanwhile.
        isDue = true;
        await queue.enqueue(job, true);
        return { kind: 'later', afterMs: HOUR, awaits: 'next attempt' };
      },
      () => isDue,
    );
    // Two, and a third where the job that follows runs as soon.
    expect(attempts).toBeGreaterThan(1);
  });

  test('continues after a fraction of a millisecond', async () => {
    expect(await runJob(async () => ({ kind: 'later', afterMs: 0.5 }))).toBe(2);
  });
});
