/** Processes the publish queue: each job reconciles one calendar, and is completed or delayed by the result. */
import { DelayedError, type Job } from 'bullmq';
import type { Logger } from 'pino';
import { z } from 'zod';
import { aged } from '../core/index.js';
import { requeueAfter, type WorkResult } from '../lib/work-result.js';
import { delayedUntil } from '../queue/delayed-until.js';
import { PUBLISH_QUEUE } from '../queue/queue-names.js';
import type { JobWorker, Queues } from '../queue/queues.js';
import type { Reconciler } from './reconciler.js';

export interface PublishWorkerOptions {
  readonly queues: Queues;
  readonly reconciler: Reconciler;
  readonly log: Logger;
  /** Calendars at the same time in this process. */
  readonly concurrency: number;
}

const jobSchema = z.object({ calendar: z.string() });
/** Retry delay after an internal error, such as an unavailable database. */
const INTERNAL_ERROR_RETRY_MS = 2_000;

export class PublishWorker {
  readonly #options: PublishWorkerOptions;
  #worker: JobWorker | undefined;

  constructor(options: PublishWorkerOptions) {
    this.#options = options;
  }

  start(): void {
    const { queues, concurrency } = this.#options;
    this.#worker = queues.startWorker(PUBLISH_QUEUE, (job, token) => this.#publish(job, token), {
      concurrency,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 1_000 },
    });
  }

  /** Waits for the active jobs. */
  async stop(): Promise<void> {
    await this.#worker?.close();
  }

  async #publish(job: Job<unknown, unknown, string>, token: string | undefined): Promise<void> {
    const { reconciler, log } = this.#options;
    const { calendar } = jobSchema.parse(job.data);
    const result = await reconciler.reconcile(calendar, job.priority).catch((error: unknown): WorkResult => {
      log.error({ err: error, calendar }, 'reconciling failed and is retried');
      return requeueAfter(INTERNAL_ERROR_RETRY_MS);
    });
    if (result.kind === 'done') return;
    const { afterMs, priority: base = job.priority } = result;
    // A job's priority rises with its wait, so that every calendar acquires the rate limiter in the end.
    const priority = aged(base, afterMs);
    if (priority !== job.priority) await job.changePriority({ priority });
    await job.moveToDelayed(delayedUntil(afterMs), token);
    throw new DelayedError();
  }
}
