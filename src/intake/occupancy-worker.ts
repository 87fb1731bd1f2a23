/**
 * Takes occupancy events off the queue and into the record, one after another. What is refused is kept there, too, and its job
 * is done with: under an id that its producer chose, a failed job would have later ones dropped in silence.
 */
import { WaitingError } from 'bullmq';
import type { Logger } from 'pino';
import type { Timers } from '../lib/timers.js';
import { OCCUPANCY_QUEUE } from '../queue/names.js';
import type { JobWorker, Processor, Queues } from '../queue/queues.js';
import { isUnavailable } from '../store/is-unavailable.js';
import type { EventsResult } from './apply-events.js';

export interface OccupancyWorkerOptions {
  readonly queues: Queues;
  readonly apply: (events: readonly unknown[]) => Promise<EventsResult>;
  /** Keeps an event that was refused, for a person. */
  readonly refuse: (event: unknown, reason: string) => Promise<void>;
  readonly log: Logger;
  readonly timers: Timers;
}

/** How long to wait before the record is tried again. */
const RETRY_MS = 1_000;
/** What has nothing to do with what is in the event may name it; the log says what it was. */
const NOT_ITS_FAULT = 'it could not be taken in; see the log';

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
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#worker?.close();
  }

  /** While the record cannot be reached the event waits, and those behind it. */
  async #take(job: Parameters<Processor>[0], token: string | undefined): Promise<void> {
    const { log, timers } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#applyOrRefuse(job.data);
        return;
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

  async #applyOrRefuse(data: unknown): Promise<void> {
    const reason = await this.#problemWith(data);
    if (reason === undefined) return;
    const { refuse, log } = this.#options;
    await refuse(data, reason);
    log.warn({ reason }, 'an event of the queue was refused');
  }

  async #problemWith(data: unknown): Promise<string | undefined> {
    const { apply, log } = this.#options;
    try {
      return (await apply([data])).rejected[0]?.reason;
    } catch (error) {
      if (isUnavailable(error)) throw error;
      log.error({ err: error }, 'an event of the queue could not be taken in');
      return NOT_ITS_FAULT;
    }
  }
}
