/** Takes calendars off the publish queue and has them reconciled; what the reconciler says, the queue does. */
import { DelayedError, type Job } from 'bullmq';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { ReconcileResult } from '../context/reconcile-result.js';
import { aged } from '../core/index.js';
import { delayedUntil } from '../queue/delayed-until.js';
import { PUBLISH_QUEUE } from '../queue/queue-names.js';
import type { JobWorker, Queues } from '../queue/queues.js';

export interface PublishWorkerOptions {
  readonly queues: Queues;
  readonly reconcile: (calendar: string, priority: number) => Promise<ReconcileResult>;
  readonly log: Logger;
  /** Calendars at the same time in this process. */
  readonly concurrency: number;
}

const jobSchema = z.object({ calendar: z.string() });
/** When something of ours fails, such as the database: the calendar is tried again after this. */
const OUR_FAULT_MS = 2_000;
const MIN_WAIT_MS = 50;

export class PublishWorker {
  readonly #options: PublishWorkerOptions;
  #worker: JobWorker | undefined;

  constructor(options: PublishWorkerOptions) {
    this.#options = options;
  }

  start(): void {
    const { queues, concurrency } = this.#options;
    this.#worker = queues.worker(PUBLISH_QUEUE, (job, token) => this.#publish(job, token), {
      concurrency,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 1_000 },
    });
  }

  /** Waits for what is being published. */
  async stop(): Promise<void> {
    await this.#worker?.close();
  }

  async #publish(job: Job<unknown, unknown, string>, token: string | undefined): Promise<void> {
    const { reconcile, log } = this.#options;
    const { calendar } = jobSchema.parse(job.data);
    const reconciled = await reconcile(calendar, job.priority).catch((error: unknown): ReconcileResult => {
      log.error({ err: error, calendar }, 'reconciling failed and is tried again');
      return { kind: 'later', afterMs: OUR_FAULT_MS, reason: 'an error of ours' };
    });
    if (reconciled.kind === 'done') return;
    const afterMs = reconciled.kind === 'later' ? Math.max(MIN_WAIT_MS, reconciled.afterMs) : 0;
    // What waits grows more urgent by the wait, so that the budget comes round to everybody.
    const priority = aged(reconciled.priority ?? job.priority, afterMs);
    if (priority !== job.priority) await job.changePriority({ priority });
    await job.moveToDelayed(delayedUntil(afterMs), token);
    throw new DelayedError();
  }
}
