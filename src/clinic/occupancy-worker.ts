/**
 * Processes the jobs of the occupancy queue: many jobs at once, whose events are applied in few transactions. A rejected event is
 * stored in the database and its job completes, because BullMQ would silently drop later jobs with the id of a failed job, and
 * producers choose the ids.
 */
import { WaitingError } from 'bullmq';
import type { Logger } from 'pino';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import type { QueuePosition } from '../db/tables/queue-position.js';
import { saveRejectedEvent } from '../db/tables/rejected-events.js';
import { MicroBatcher } from '../lib/micro-batcher.js';
import type { Timers } from '../lib/timers.js';
import { OCCUPANCY_QUEUE } from '../queue/queue-names.js';
import type { JobWorker, Processor, Queues } from '../queue/queues.js';
import type { EventBatcher } from './event-batcher.js';
import { serializeRejectedEvent } from './stored-event.js';

export interface OccupancyWorkerOptions {
  readonly queues: Queues;
  readonly events: Pick<EventBatcher, 'apply'>;
  /** Stores rejected events, for a person to correct. */
  readonly db: Db;
  readonly log: Logger;
  readonly now: () => number;
  readonly timers: Timers;
}

/**
 * The number of active jobs. In a database BullMQ completes jobs one after another, each on a connection of the pool: more active
 * jobs would not be faster, and everything else would wait for a connection.
 */
const MAX_JOBS = { redis: 500, database: 50 } as const;
/** The delay before the database is tried again. */
const RETRY_MS = 1_000;
/** The maximum duration of reading the queue positions of jobs, in milliseconds. */
const READ_LIMIT_MS = 10_000;
/** The reason of a failure that the event did not cause: the error's own text may contain values, so that it is only logged. */
const INTERNAL_FAILURE = 'the event could not be applied; see the log';

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
    await queues.openQueue(OCCUPANCY_QUEUE).removeGlobalConcurrency();
    const positions: Positions = new MicroBatcher(queues.positionReader(OCCUPANCY_QUEUE), {
      timers,
      maxSize: concurrency,
      limitMs: READ_LIMIT_MS,
    });
    this.#worker = queues.startWorker(OCCUPANCY_QUEUE, (job, token) => this.#process(job, token, positions), {
      concurrency,
      removeOnComplete: { count: 0 },
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#worker?.close();
  }

  /** Retries while the database or the queue is unavailable. */
  async #process(job: Job, token: string | undefined, positions: Positions): Promise<void> {
    const { log, timers } = this.#options;
    while (!this.#stopping.signal.aborted) {
      const failure = await this.#tryToProcess(job, positions);
      if (failure === undefined) return;
      this.#warnOnce(failure.error);
      await timers.sleep(RETRY_MS, this.#stopping.signal);
    }
    // The job returns to the queue. Where that fails, the queue recovers the job as stalled.
    await job
      .moveToWait(token)
      .catch((error: unknown) =>
        log.warn({ err: error }, 'the job cannot be returned to the queue; the queue recovers it'),
      );
    throw new WaitingError();
  }

  /** Logs once for all waiting events. */
  #warnOnce(error: unknown): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.log.warn({ err: error }, 'the database is unavailable; the event is retried');
  }

  /** @returns the error for which the event is retried, if any */
  async #tryToProcess(job: Job, positions: Positions): Promise<{ readonly error: unknown } | undefined> {
    let position: QueuePosition | undefined;
    try {
      position = job.id === undefined ? undefined : await positions.add(job.id);
    } catch (error) {
      return { error };
    }
    try {
      await this.#applyOrReject(job.data, position);
      this.#isWaiting = false;
      return undefined;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      return { error };
    }
  }

  async #applyOrReject(event: unknown, position: QueuePosition | undefined): Promise<void> {
    const reason = await this.#applyAndFindProblem(event, position);
    if (reason === undefined) return;
    const { db, log, now } = this.#options;
    await saveRejectedEvent(db, { data: serializeRejectedEvent(event), reason }, new Date(now()));
    log.warn({ reason }, 'an event of the queue is rejected');
  }

  async #applyAndFindProblem(
    event: unknown,
    position: QueuePosition | undefined,
  ): Promise<string | undefined> {
    const { events, log } = this.#options;
    try {
      return (await events.apply({ events: [event], positions: [position], actor: 'queue' })).rejected[0]
        ?.reason;
    } catch (error) {
      if (isUnavailable(error)) throw error;
      log.error({ err: error }, 'an event of the queue cannot be applied');
      return INTERNAL_FAILURE;
    }
  }
}
