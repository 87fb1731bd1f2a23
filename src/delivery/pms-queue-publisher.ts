/**
 * Publishes notifications to the queue that a PMS consumes. A job contains only the notification's reference; the PMS fetches the
 * patient data by the id.
 */
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import { findUnqueuedNotifications, recordQueued } from '../db/tables/deliveries.js';
import { assignPositions } from '../db/tables/notifications.js';
import { addOwnNotifications } from '../db/tables/own-notifications.js';
import { NOTIFICATION_QUEUE } from '../queue/queue-names.js';
import type { JobQueue, Queues } from '../queue/queues.js';

export interface PmsQueuePublisherOptions {
  readonly queues: Queues;
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly now: () => number;
}

const BATCH_SIZE = 500;
/** Retries when the PMS's worker fails: after 5 s, doubling, an hour and a half in all. */
const ATTEMPTS = { attempts: 10, backoff: { type: 'exponential', delay: 5_000 } };
/** A completed job is retained for a while, in seconds, so that publishing it a second time adds no job. */
const KEEP_COMPLETED = { age: 60 * 60 };
const KEEP_FAILED = { age: 30 * 24 * 60 * 60 };

export class PmsQueuePublisher {
  readonly #options: PmsQueuePublisherOptions;
  readonly #queue: JobQueue;

  constructor(options: PmsQueuePublisherOptions) {
    this.#options = options;
    this.#queue = options.queues.openQueue(NOTIFICATION_QUEUE);
  }

  /** Adds the notifications that are not on the queue yet, in order. Concurrent calls would lose the order. */
  async publish(): Promise<void> {
    const { db, encryptor, now } = this.#options;
    await addOwnNotifications(db, encryptor, new Date(now()));
    await assignPositions(db);
    for (let hasMore = true; hasMore; ) {
      const items = await findUnqueuedNotifications(db, BATCH_SIZE);
      await this.#queue.addBulk(
        items.map((item) => ({
          name: 'notification',
          data: item,
          opts: { jobId: item.id, ...ATTEMPTS, removeOnComplete: KEEP_COMPLETED, removeOnFail: KEEP_FAILED },
        })),
      );
      await recordQueued(
        db,
        items.map(({ id }) => id),
        new Date(now()),
      );
      hasMore = items.length === BATCH_SIZE;
    }
  }

  /** Jobs by state. */
  async counts(): Promise<{ readonly [state: string]: number }> {
    return await this.#queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  }
}
