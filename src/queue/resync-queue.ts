/** The resync queue: one job for each full resync that was begun. */
import { RESYNC_QUEUE } from './queue-names.js';
import type { JobQueue, Queues } from './queues.js';

export interface ResyncJob {
  /** The resync: the snapshots of its sources are fetched, then its calendars are compared. */
  readonly id: string;
}

export class ResyncQueue {
  readonly #queue: JobQueue;

  constructor(queues: Queues) {
    this.#queue = queues.openQueue(RESYNC_QUEUE);
  }

  async enqueue(id: string): Promise<void> {
    const data: ResyncJob = { id };
    // The job id makes repeated calls add one job only.
    await this.#queue.add('run', data, {
      jobId: id.replaceAll(':', '-'),
      removeOnComplete: true,
      removeOnFail: true,
    });
  }
}
