/**
 * Applies occupancy events of the API and the queue in combined transactions. Batches that arrive while a transaction commits are
 * applied in the next one; each batch has its own result. A calendar that another transaction has locked delays no other batch.
 */

import type { Encryptor } from '../crypto/encryptor.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { MicroBatcher } from '../lib/micro-batcher.js';
import { systemTimers, type Timers } from '../lib/timers.js';
import type { DeliveryEnqueuer } from '../queue/delivery-queue.js';
import type { PublishEnqueuer } from '../queue/publish-enqueuer.js';
import { applyBatches, applyEvents, type BatchResult, type EventBatch } from './apply-events.js';
import type { EventsResult } from './events-result.js';

export interface EventBatcherOptions {
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly now: () => number;
  readonly timers: Timers;
  readonly enqueuer: Pick<PublishEnqueuer, 'enqueue'>;
  readonly delivery: DeliveryEnqueuer;
}

/** The number of events in one transaction. */
const MAX_EVENTS = 500;
/** The maximum duration of one transaction, in milliseconds. */
const COMMIT_LIMIT_MS = 15_000;
/** While many batches arrive, the next one arrives within this time, in milliseconds. */
const GAP_MS = 2;
/** The number of transactions that wait for locked calendars at once, each on a connection; other batches are retried after a pause. */
const MAX_WAITS = 4;
const PAUSE_MS = 100;

type Outcome =
  | { readonly error: unknown }
  | {
      readonly result: BatchResult;
      /** Resolves when the calendars to be published are on the queue. */
      readonly queued: Promise<void>;
    };

export class EventBatcher {
  readonly #options: EventBatcherOptions;
  readonly #batcher: MicroBatcher<EventBatch, Outcome>;
  /** By the calendar that was locked. */
  readonly #waits = new Map<string, Promise<unknown>>();

  constructor(options: EventBatcherOptions) {
    this.#options = options;
    this.#batcher = new MicroBatcher((batches) => this.#applyAll(batches), {
      // The batcher waits for clients and the database, which run in real time also in tests.
      timers: systemTimers,
      maxSize: MAX_EVENTS,
      sizeOf: ({ events }) => events.length,
      limitMs: COMMIT_LIMIT_MS,
      gapMs: GAP_MS,
    });
  }

  /** Resolves when the events are committed and the publications are enqueued. */
  async apply(batch: EventBatch): Promise<EventsResult> {
    for (;;) {
      const outcome = await this.#batcher.add(batch);
      if ('error' in outcome) throw outcome.error;
      // The batcher's next transaction does not wait for the queue.
      await outcome.queued;
      const { result } = outcome;
      if (!('locked' in result)) return result;
      if (this.#waits.size < MAX_WAITS && !this.#waits.has(result.locked)) {
        return await this.#waitAndApply(result.locked, batch);
      }
      await this.#waitForOther(result.locked);
    }
  }

  /** A failed transaction is repeated for each batch alone, so that a batch that the database refuses fails no other. */
  async #applyAll(batches: readonly EventBatch[]): Promise<Outcome[]> {
    try {
      return await this.#commit(batches);
    } catch (error) {
      if (batches.length === 1 || isUnavailable(error)) throw error;
    }
    const outcomes: Outcome[] = [];
    for (const batch of batches) {
      outcomes.push(...(await this.#commit([batch]).catch((error: unknown) => [{ error }])));
    }
    return outcomes;
  }

  async #commit(batches: readonly EventBatch[]): Promise<Outcome[]> {
    const { db, encryptor, now, enqueuer, delivery } = this.#options;
    const { results, jobsToEnqueue, added } = await applyBatches(db, batches, now(), encryptor);
    delivery.enqueue(added);
    const queued = jobsToEnqueue.length > 0 ? enqueuer.enqueue(jobsToEnqueue) : Promise.resolve();
    return results.map((result) => ({ result, queued }));
  }

  /** Applies the batch in a transaction of its own, which waits for its calendars. */
  async #waitAndApply(locked: string, batch: EventBatch): Promise<EventsResult> {
    const { db, encryptor, now, enqueuer, delivery } = this.#options;
    const applying = applyEvents(db, batch.events, now(), { ...batch, encryptor });
    this.#waits.set(locked, applying);
    try {
      const { result, jobsToEnqueue, added } = await applying;
      delivery.enqueue(added);
      await enqueuer.enqueue(jobsToEnqueue);
      return result;
    } finally {
      this.#waits.delete(locked);
    }
  }

  /** Waits until the transaction for this calendar, or else any waiting one, ends or fails, and at most for a pause. */
  async #waitForOther(locked: string): Promise<void> {
    const wait = this.#waits.get(locked);
    const waits = wait === undefined ? [...this.#waits.values()] : [wait];
    await Promise.race([
      ...waits.map((one) => one.catch(() => undefined)),
      this.#options.timers.sleep(PAUSE_MS),
    ]);
  }
}
