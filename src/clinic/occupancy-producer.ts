/** Enqueues occupancy events, for a PMS that is written in TypeScript or JavaScript. */

import { type OpenPgPool, openPgPool } from '../db/pool.js';
import { ServiceUnavailableError } from '../db/service-unavailable-error.js';
import { OCCUPANCY_QUEUE } from '../queue/queue-names.js';
import { type JobQueue, type QueueStore, Queues } from '../queue/queues.js';
import { enqueueEvents, parseEvents } from './enqueue-events.js';
import type { OccupancyEvent } from './occupancy-event.js';

export type OccupancyProducerOptions =
  | { readonly redisUrl: string; readonly onError?: (error: Error) => void }
  | { readonly databaseUrl: string; readonly onError?: (error: Error) => void };

/**
 * A producer for the queue `slotkeeper-occupancy`, on the same Redis or PostgreSQL as the engine.
 *
 * @example
 * const producer = new OccupancyProducer({ redisUrl: 'redis://localhost:6379' });
 * await producer.enqueue({ id: 'evt-1', type: 'released', calendar: 'nowak', ref: 'apt-77' });
 * await producer.close();
 */
export class OccupancyProducer {
  readonly #options: OccupancyProducerOptions;
  readonly #queues: Queues;
  readonly #database: OpenPgPool | undefined;
  #queue: Promise<JobQueue> | undefined;

  constructor(options: OccupancyProducerOptions) {
    this.#options = options;
    const onError = options.onError ?? (() => undefined);
    let store: QueueStore;
    if ('redisUrl' in options) {
      store = { kind: 'redis', url: options.redisUrl };
    } else {
      this.#database = openPgPool({ url: options.databaseUrl, size: 4, onError });
      store = { kind: 'database', pool: this.#database.pool };
    }
    this.#queues = new Queues({ store, onError });
  }

  /**
   * Resolves when the events are stored in the queue. Either all events of a call are stored, or none.
   * @throws {InvalidEventError} with all problems of all events (`problems`), before anything is stored
   * @throws {ServiceUnavailableError} when the queue cannot be reached; nothing is stored
   */
  async enqueue(events: OccupancyEvent | readonly OccupancyEvent[]): Promise<void> {
    const list = parseEvents([events].flat());
    try {
      await enqueueEvents(await this.#connected(), list);
    } catch (error) {
      throw error instanceof ServiceUnavailableError ? error : this.#unavailable(error);
    }
  }

  #unavailable(cause: unknown): ServiceUnavailableError {
    return 'redisUrl' in this.#options
      ? new ServiceUnavailableError('Redis', this.#options.redisUrl, cause)
      : new ServiceUnavailableError('PostgreSQL', this.#options.databaseUrl, cause);
  }

  async #connect(): Promise<JobQueue> {
    await this.#queues.connect();
    const queue = this.#queues.openQueue(OCCUPANCY_QUEUE);
    await this.#queues.waitUntilReady();
    this.#database?.setStatementTimeout();
    return queue;
  }

  #connected(): Promise<JobQueue> {
    this.#queue ??= this.#connect();
    // A failed connection is discarded, so that the next call connects again.
    this.#queue.catch(() => {
      this.#queue = undefined;
    });
    return this.#queue;
  }

  async close(): Promise<void> {
    await this.#queues.close();
    await this.#database?.close();
  }
}
