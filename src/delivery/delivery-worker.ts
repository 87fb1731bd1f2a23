/** Takes jobs off the delivery queue and has them done; what comes of it, the queue does. */
import { DelayedError, type Job } from 'bullmq';
import type { Logger } from 'pino';
import { isUnavailable } from '../db/is-unavailable.js';
import { delayedUntil } from '../queue/delayed-until.js';
import { type DeliveryJob, deliveryJob } from '../queue/delivery-queue.js';
import { DELIVERY_QUEUE } from '../queue/queue-names.js';
import type { JobWorker, Queues } from '../queue/queues.js';
import type { DispatchResult } from './dispatcher.js';

export interface DeliveryWorkerOptions {
  readonly queues: Queues;
  readonly deliver: (job: DeliveryJob) => Promise<DispatchResult>;
  /** Whether what waits for its next attempt is not to wait any longer. */
  readonly isDue: (job: DeliveryJob) => Promise<boolean>;
  /** Ends the wait of a job. */
  readonly retryNow: (jobId: string) => Promise<void>;
  readonly log: Logger;
  /** Jobs at the same time in this process. */
  readonly concurrency: number;
}

/** When something of ours fails, such as the database: it is tried again after this. */
const OUR_FAULT_MS = 2_000;

export class DeliveryWorker {
  readonly #options: DeliveryWorkerOptions;
  #worker: JobWorker | undefined;

  constructor(options: DeliveryWorkerOptions) {
    this.#options = options;
  }

  start(): void {
    const { queues, concurrency } = this.#options;
    this.#worker = queues.worker(DELIVERY_QUEUE, (job, token) => this.#take(job, token), {
      concurrency,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 1_000 },
    });
  }

  /** Waits for what is on its way. */
  async stop(): Promise<void> {
    await this.#worker?.close();
  }

  async #take(job: Job<unknown, unknown, string>, token: string | undefined): Promise<void> {
    const { deliver, log } = this.#options;
    const wanted = deliveryJob.parse(job.data);
    const dispatched = await deliver(wanted).catch((error: unknown): DispatchResult => {
      if (isUnavailable(error)) log.warn({ err: error }, 'the record cannot be reached; the delivery waits');
      else log.error({ err: error, ...wanted }, 'a delivery failed for an error of ours and is tried again');
      return { kind: 'later', afterMs: OUR_FAULT_MS };
    });
    if (dispatched.kind === 'done') return;
    await job.moveToDelayed(delayedUntil(dispatched.afterMs), token);
    if (dispatched.awaits === 'next attempt') await this.#lookAgain(job, wanted);
    throw new DelayedError();
  }

  /** Whoever ended the wait while the job was in hand found none to hasten: what they wrote is read here. */
  async #lookAgain({ id }: Job<unknown, unknown, string>, wanted: DeliveryJob): Promise<void> {
    const { isDue, retryNow, log } = this.#options;
    try {
      if (id !== undefined && (await isDue(wanted))) await retryNow(id);
    } catch (error) {
      log.warn({ err: error }, 'a delivery could not be looked at again; it waits for its next attempt');
    }
  }
}
