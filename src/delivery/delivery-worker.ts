/** The worker of the delivery queue: runs each job and delays it until its next attempt. */
import { DelayedError, type Job } from 'bullmq';
import type { Logger } from 'pino';
import { isUnavailable } from '../db/is-unavailable.js';
import { delayedUntil } from '../queue/delayed-until.js';
import { type DeliveryJob, type DeliveryQueue, deliveryJob } from '../queue/delivery-queue.js';
import { DELIVERY_QUEUE } from '../queue/queue-names.js';
import type { JobWorker, Queues } from '../queue/queues.js';
import type { DispatchResult } from './dispatcher.js';

export interface DeliveryWorkerOptions {
  readonly queues: Queues;
  readonly deliver: (job: DeliveryJob) => Promise<DispatchResult>;
  /** Whether a job that waits for its next attempt is due meanwhile. */
  readonly isDue: (job: DeliveryJob) => Promise<boolean>;
  readonly queue: DeliveryQueue;
  readonly log: Logger;
  /** The number of active jobs in this process. */
  readonly concurrency: number;
}

/** The delay of a retry after an internal failure, such as an unavailable database. */
const INTERNAL_RETRY_MS = 2_000;

export class DeliveryWorker {
  readonly #options: DeliveryWorkerOptions;
  #worker: JobWorker | undefined;

  constructor(options: DeliveryWorkerOptions) {
    this.#options = options;
  }

  start(): void {
    const { queues, concurrency } = this.#options;
    this.#worker = queues.startWorker(DELIVERY_QUEUE, (job, token) => this.#run(job, token), {
      concurrency,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 1_000 },
    });
  }

  /** Waits for the active jobs. */
  async stop(): Promise<void> {
    await this.#worker?.close();
  }

  async #run(job: Job<unknown, unknown, string>, token: string | undefined): Promise<void> {
    const { deliver, log } = this.#options;
    const delivery = deliveryJob.parse(job.data);
    const result = await deliver(delivery).catch((error: unknown): DispatchResult => {
      if (isUnavailable(error))
        log.warn({ err: error }, 'the database is unavailable; the delivery is retried');
      else log.error({ err: error, ...delivery }, 'a delivery failed with an internal error; it is retried');
      return { kind: 'later', afterMs: INTERNAL_RETRY_MS };
    });
    if (result.kind === 'done') return;
    await job.moveToDelayed(delayedUntil(result.afterMs), token);
    if (result.awaits === 'next attempt') await this.#retryIfDue(job, delivery);
    throw new DelayedError();
  }

  /** A retry that was requested while the job was active found no delayed job, so the database is checked once more. */
  async #retryIfDue({ id }: Job<unknown, unknown, string>, delivery: DeliveryJob): Promise<void> {
    const { isDue, queue, log } = this.#options;
    try {
      if (id !== undefined && (await isDue(delivery))) await queue.retryNow(id);
    } catch (error) {
      log.warn({ err: error }, 'a delivery could not be checked again; it waits for its next attempt');
    }
  }
}
