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

/** A worker elsewhere may see the end of the delay so much earlier. */
const CLOCKS_DIFFER_MS = 50;
const MOST_REMEMBERED = 10_000;

export class PublishQueue {
  readonly #queue: JobQueue;
  readonly #debounceMs: number;
  /** Jobs that were added here and cannot have begun, because they are still put off. */
  readonly #putOff = new Map<string, { readonly until: number; readonly urgency: number }>();

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
    const known = this.#putOff.get(calendar);
    if (known !== undefined && known.until > performance.now() && known.urgency <= urgency) return;
    const begun = performance.now();
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
    if (job.id === jobId) this.#remember(calendar, urgency, begun);
    else if (job.id !== undefined) await this.#raise(job.id, urgency);
  }

  #remember(calendar: string, urgency: number, begun: number): void {
    const until = begun + this.#debounceMs - CLOCKS_DIFFER_MS;
    if (this.#putOff.size >= MOST_REMEMBERED) this.#putOff.clear();
    if (until > performance.now()) this.#putOff.set(calendar, { until, urgency });
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
