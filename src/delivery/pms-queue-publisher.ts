/**
 * Puts notifications on the queue of a PMS that takes jobs. A job says which one it is; what it says about a patient,
 * the PMS fetches by its id.
 */

import type { Db } from '../db/schema.js';
import { queued, unqueued } from '../db/tables/deliveries.js';
import { assignPositions } from '../db/tables/notifications.js';
import { NOTIFICATION_QUEUE } from '../queue/queue-names.js';
import type { JobQueue, Queues } from '../queue/queues.js';

export interface PmsQueuePublisherOptions {
  readonly queues: Queues;
  readonly db: Db;
  readonly now: () => number;
}

const AT_A_TIME = 500;
/** For a PMS whose worker fails: 5 s, doubling, an hour and a half in all. */
const ATTEMPTS = { attempts: 10, backoff: { type: 'exponential', delay: 5_000 } };
/** One that was done stays for a while, so that it is not there again where it is put a second time. */
const KEEP_DONE = { age: 60 * 60 };
const KEEP_FAILED = { age: 30 * 24 * 60 * 60 };

export class PmsQueuePublisher {
  readonly #options: PmsQueuePublisherOptions;
  readonly #queue: JobQueue;

  constructor(options: PmsQueuePublisherOptions) {
    this.#options = options;
    this.#queue = options.queues.queue(NOTIFICATION_QUEUE);
  }

  /** Puts there, in order, what is not there yet. One at a time, or the order is lost. */
  async run(): Promise<void> {
    const { db, now } = this.#options;
    await assignPositions(db);
    for (let rest = true; rest; ) {
      const items = await unqueued(db, AT_A_TIME);
      await this.#queue.addBulk(
        items.map((item) => ({
          name: 'notification',
          data: item,
          opts: { jobId: item.id, ...ATTEMPTS, removeOnComplete: KEEP_DONE, removeOnFail: KEEP_FAILED },
        })),
      );
      await queued(
        db,
        items.map(({ id }) => id),
        new Date(now()),
      );
      rest = items.length === AT_A_TIME;
    }
  }

  /** Jobs by state. */
  async counts(): Promise<{ readonly [state: string]: number }> {
    return await this.#queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  }
}
