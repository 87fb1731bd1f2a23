/**
 * The publish queue: one job a calendar, which says only that the calendar has something to publish. What that
 * is, the reconciler reads from the record when the job runs.
 */
import { randomUUID } from 'node:crypto';
import { PUBLISH_QUEUE } from './names.js';
import type { JobQueue, Queues } from './queues.js';

export interface PublishJob {
  readonly calendar: string;
}

export interface PublishQueueOptions {
  /** How long the first change waits for others to travel with it, in milliseconds. */
  readonly debounceMs: number;
}

export class PublishQueue {
  readonly #queue: JobQueue;
  readonly #debounceMs: number;

  constructor(queues: Queues, options: PublishQueueOptions) {
    this.#queue = queues.queue(PUBLISH_QUEUE);
    this.#debounceMs = options.debounceMs;
  }

  /**
   * Makes sure that the calendar is published soon. A job that waits already is kept, and raised where this
   * change is more urgent; one that runs already is followed by another.
   * @param urgency see the core's `urgency`: 1 is the most urgent
   */
  async wake(calendar: string, urgency: number): Promise<void> {
    const jobId = randomUUID();
    const data: PublishJob = { calendar };
    const job = await this.#queue.add('publish', data, {
      jobId,
      priority: urgency,
      delay: this.#debounceMs,
      deduplication: { id: calendar, keepLastIfActive: true },
      removeOnComplete: true,
      removeOnFail: true,
    });
    if (job.id !== undefined && job.id !== jobId) await this.#raise(job.id, urgency);
  }

  /** The job may have begun or ended meanwhile: then it has read this change, or another job follows it. */
  async #raise(jobId: string, urgency: number): Promise<void> {
    const waiting = await this.#queue.getJob(jobId);
    if (waiting === undefined || waiting.priority <= urgency) return;
    try {
      await waiting.changePriority({ priority: urgency });
      // A wait for the budget or for a retry was made for the less urgent change.
      if (waiting.delay > this.#debounceMs && (await waiting.isDelayed())) {
        await waiting.changeDelay(this.#debounceMs);
      }
    } catch (error) {
      if (await waiting.isDelayed()) throw error;
    }
  }

  /** Jobs by state: those that wait, run, are put off. */
  async counts(): Promise<{ readonly [state: string]: number }> {
    return await this.#queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  }
}
