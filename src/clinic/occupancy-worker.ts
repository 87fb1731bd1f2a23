/**
 * Takes occupancy events off the queue: all that wait, up to a number, and applied in few transactions. What is refused is
 * kept in the database, and its job is done with: under an id that its producer chose, a failed job would have later ones
 * dropped in silence.
 */
import { WaitingError } from 'bullmq';
import type { Logger } from 'pino';
import { isUnavailable } from '../db/is-unavailable.js';
import type { QueuePosition } from '../db/tables/queue-position.js';
import { MicroBatcher } from '../lib/micro-batcher.js';
import type { Timers } from '../lib/timers.js';
import { OCCUPANCY_QUEUE } from '../queue/queue-names.js';
import type { JobWorker, Processor, Queues } from '../queue/queues.js';
import type { EventBatch } from './apply-events.js';
import type { EventsResult } from './events-result.js';

export interface OccupancyWorkerOptions {
  readonly queues: Queues;
  readonly apply: (batch: EventBatch) => Promise<EventsResult>;
  /** Keeps an event that was refused, for a person. */
  readonly saveRejected: (event: unknown, reason: string) => Promise<void>;
  readonly log: Logger;
  readonly timers: Timers;
}

/**
 * Jobs in hand at the same time. In a database BullMQ ends them one after another, each on a connection of the pool: more of
 * them would be taken no faster, and keep everything else waiting for a connection.
 */
const MAX_JOBS = { redis: 500, database: 50 } as const;
/** How long to wait before the database is tried again. */
const RETRY_MS = 1_000;
/** For reading where jobs stand in the queue, in milliseconds. */
const READ_WITHIN_MS = 10_000;
/** What has nothing to do with what is in the event may name it; the log says what it was. */
const NOT_ITS_FAULT = 'it could not be taken in; see the log';

type Job = Parameters<Processor>[0];
type Positions = MicroBatcher<string, QueuePosition | undefined>;

export class OccupancyWorker {
  readonly #options: OccupancyWorkerOptions;
  readonly #stopping = new AbortController();
  #worker: JobWorker | undefined;
  #isWaiting = false;

  constructor(options: OccupancyWorkerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { queues, timers } = this.#options;
    const concurrency = MAX_JOBS[queues.kind];
    await queues.queue(OCCUPANCY_QUEUE).removeGlobalConcurrency();
    const positions: Positions = new MicroBatcher(queues.positions(OCCUPANCY_QUEUE), {
      timers,
      maxSize: concurrency,
      limitMs: READ_WITHIN_MS,
    });
    this.#worker = queues.worker(OCCUPANCY_QUEUE, (job, token) => this.#take(job, token, positions), {
      concurrency,
      removeOnComplete: { count: 0 },
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#worker?.close();
  }

  /** While the database or the queue cannot be reached the event waits. */
  async #take(job: Job, token: string | undefined, positions: Positions): Promise<void> {
    const { log, timers } = this.#options;
    while (!this.#stopping.signal.aborted) {
      const failure = await this.#tryToTake(job, positions);
      if (failure === undefined) return;
      this.#warn(failure.error);
      await timers.sleep(RETRY_MS, this.#stopping.signal);
    }
    // Back to the queue. Where that cannot be told, it finds out by itself.
    await job
      .moveToWait(token)
      .catch((error: unknown) => log.warn({ err: error }, 'the event was left behind'));
    throw new WaitingError();
  }

  /** Once for all events that wait. */
  #warn(error: unknown): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.log.warn({ err: error }, 'the record cannot be reached; the event waits');
  }

  /** @returns why it has to wait, if it has */
  async #tryToTake(job: Job, positions: Positions): Promise<{ readonly error: unknown } | undefined> {
    let position: QueuePosition | undefined;
    try {
      position = job.id === undefined ? undefined : await positions.add(job.id);
    } catch (error) {
      return { error };
    }
    try {
      await this.#applyOrRefuse(job.data, position);
      this.#isWaiting = false;
      return undefined;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      return { error };
    }
  }

  async #applyOrRefuse(event: unknown, position: QueuePosition | undefined): Promise<void> {
    const reason = await this.#problemWith(event, position);
    if (reason === undefined) return;
    const { saveRejected, log } = this.#options;
    await saveRejected(event, reason);
    log.warn({ reason }, 'an event of the queue was refused');
  }

  async #problemWith(event: unknown, position: QueuePosition | undefined): Promise<string | undefined> {
    const { apply, log } = this.#options;
    try {
      return (await apply({ events: [event], positions: [position] })).rejected[0]?.reason;
    } catch (error) {
      if (isUnavailable(error)) throw error;
      log.error({ err: error }, 'an event of the queue could not be taken in');
      return NOT_ITS_FAULT;
    }
  }
}
