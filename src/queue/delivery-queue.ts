/**
 * The delivery queue: one job for each order that deliveries have to keep, which says only whose it is. What is to be
 * sent is read from the record when the job runs, so no patient's data is ever in it.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { DELIVERY_QUEUE } from './queue-names.js';
import type { JobQueue, Queues } from './queues.js';

export const deliveryJob = z.discriminatedUnion('to', [
  /** To the clinic's webhook: what is open of a calendar, or of an account and about none. */
  z.object({ to: z.literal('webhook'), account: z.string(), calendar: z.string().nullable() }),
  /** To the queue for the PMS: everything, in its order. */
  z.object({ to: z.literal('queue') }),
]);
export type DeliveryJob = Readonly<z.output<typeof deliveryJob>>;

const idOf = (job: DeliveryJob): string => {
  if (job.to === 'queue') return 'queue';
  return job.calendar === null ? `account/${job.account}` : `calendar/${job.account}/${job.calendar}`;
};

export class DeliveryQueue {
  readonly #queue: JobQueue;

  constructor(queues: Queues) {
    this.#queue = queues.queue(DELIVERY_QUEUE);
  }

  /**
   * Makes sure that what is open is looked at soon. A job that waits already is kept, and one that runs already is
   * followed by another.
   * @param atOnce also where a job waits for its next attempt
   */
  async enqueue(job: DeliveryJob, atOnce = false): Promise<void> {
    const jobId = randomUUID();
    const added = await this.#queue.add('deliver', job, {
      jobId,
      deduplication: { id: idOf(job), keepLastIfActive: true },
      removeOnComplete: true,
      removeOnFail: true,
    });
    if (atOnce && added.id !== undefined && added.id !== jobId) await this.retryNow(added.id);
  }

  /**
   * Ends the wait of a job. It may have begun or ended meanwhile: then it has read the record, or its worker looks at
   * the record once more (delivery-worker.ts), or another job follows it.
   */
  async retryNow(jobId: string): Promise<void> {
    const waiting = await this.#queue.getJob(jobId);
    try {
      if (await waiting?.isDelayed()) await waiting?.changeDelay(0);
    } catch (error) {
      if (await waiting?.isDelayed()) throw error;
    }
  }

  /** Jobs by state. */
  async counts(): Promise<{ readonly [state: string]: number }> {
    return await this.#queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  }
}
