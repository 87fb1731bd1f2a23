/**
 * The delivery queue. It has one job for each sequence of notifications that are delivered in order, and the job contains only
 * the key of the sequence. What is sent is read from the database when the job runs, so a job contains no personal data.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AddedNotification } from '../db/tables/notifications.js';
import { DELIVERY_QUEUE } from './queue-names.js';
import type { JobQueue, Queues } from './queues.js';

export const deliveryJob = z.discriminatedUnion('to', [
  /** Delivers to the clinic's webhook the open notifications of a calendar, or those of an account without a calendar. */
  z.object({
    to: z.literal('webhook'),
    account: z.string(),
    calendar: z.string().nullable(),
    /** Whether the own notifications are delivered; default false. */
    own: z.boolean().optional(),
  }),
  /** Adds all notifications to the PMS queue, in order. */
  z.object({ to: z.literal('queue') }),
]);
export type DeliveryJob = Readonly<z.output<typeof deliveryJob>>;

const OWN_PRIORITY = 1;

const deduplicationIdOf = (job: DeliveryJob): string => {
  if (job.to === 'queue') return 'queue';
  const id = job.calendar === null ? `account/${job.account}` : `calendar/${job.account}/${job.calendar}`;
  return job.own === true ? `own/${id}` : id;
};

/** Starts the delivery of stored notifications to the clinic. */
export interface DeliveryEnqueuer {
  /** Never throws: the delivery sweep enqueues what the queue does not accept. */
  enqueue(added: readonly AddedNotification[]): void;
}

/** Starts the delivery of stored changes of the engine's own. */
export interface OwnChangeEnqueuer {
  /** Never throws. */
  enqueueOwn(account: string, calendar: string): void;
}

export class DeliveryQueue {
  readonly #queue: JobQueue;

  constructor(queues: Queues) {
    this.#queue = queues.openQueue(DELIVERY_QUEUE);
  }

  /**
   * Enqueues a job, unless one with the same key is waiting. Where one is active, another job runs after it.
   * @param isImmediate ends the delay of a waiting job
   */
  async enqueue(job: DeliveryJob, isImmediate = false): Promise<void> {
    const jobId = randomUUID();
    const added = await this.#queue.add('deliver', job, {
      jobId,
      deduplication: { id: deduplicationIdOf(job), keepLastIfActive: true },
      removeOnComplete: true,
      removeOnFail: true,
      // Jobs without a priority come first.
      ...(job.to === 'webhook' && job.own === true ? { priority: OWN_PRIORITY } : {}),
    });
    if (isImmediate && added.id !== undefined && added.id !== jobId) await this.retryNow(added.id);
  }

  /**
   * Ends the delay of a job. Where the job has become active or has ended meanwhile, it has read the database, or its worker
   * reads the database once more (delivery-worker.ts), or another job follows it.
   */
  async retryNow(jobId: string): Promise<void> {
    const job = await this.#queue.getJob(jobId);
    try {
      if (await job?.isDelayed()) await job?.changeDelay(0);
    } catch (error) {
      if (await job?.isDelayed()) throw error;
    }
  }

  /** Counts the jobs by state. */
  async countJobs(): Promise<{ readonly [state: string]: number }> {
    return await this.#queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  }
}
