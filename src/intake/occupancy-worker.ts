/** Takes occupancy events off the queue and into the record, one after another. */
import { UnrecoverableError, WaitingError } from 'bullmq';
import type { Logger } from 'pino';
import type { Timers } from '../lib/timers.js';
import { OCCUPANCY_QUEUE } from '../queue/names.js';
import type { JobWorker, Processor, Queues } from '../queue/queues.js';
import { isUnavailable } from '../store/is-unavailable.js';
import type { EventsResult } from './apply-events.js';

export interface OccupancyWorkerOptions {
  readonly queues: Queues;
  readonly apply: (events: readonly unknown[]) => Promise<EventsResult>;
  readonly log: Logger;
  readonly timers: Timers;
}

/** How long to wait before the record is tried again. */
const RETRY_MS = 1_000;
const KEEP_REJECTED = { age: 30 * 24 * 60 * 60, count: 10_000 };

export class OccupancyWorker {
  readonly #options: OccupancyWorkerOptions;
  readonly #stopping = new AbortController();
  #worker: JobWorker | undefined;

  constructor(options: OccupancyWorkerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { queues } = this.#options;
    // Events without a version mean what their order says, so one worker of all runs at a time.
    await queues.queue(OCCUPANCY_QUEUE).setGlobalConcurrency(1);
    this.#worker = queues.worker(OCCUPANCY_QUEUE, (job, token) => this.#take(job, token), {
      concurrency: 1,
      removeOnComplete: { count: 0 },
      removeOnFail: KEEP_REJECTED,
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#worker?.close();
  }

  /** A job fails only for what is in it. While the record cannot be reached the event waits, and those behind it. */
  async #take(job: Parameters<Processor>[0], token: string | undefined): Promise<EventsResult> {
    const { apply, log, timers } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        const result = await apply([job.data]);
        const rejected = result.rejected[0];
        if (rejected !== undefined) throw new UnrecoverableError(rejected.reason);
        return result;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        log.warn({ err: error }, 'the record cannot be reached; the event waits');
        await timers.sleep(RETRY_MS, this.#stopping.signal);
      }
    }
    // Back to its place, before those behind it. Where the queue cannot be told, it finds that out by itself.
    await job
      .moveToWait(token)
      .catch((error: unknown) => log.warn({ err: error }, 'the event was left behind'));
    throw new WaitingError();
  }
}
