/**
 * The publish queue. It has one job for each calendar that has something to publish. What that is, the reconciler reads from
 * the database when the job runs.
 */
import { randomUUID } from 'node:crypto';
import type { PendingCalendar } from '../db/tables/pending-calendars.js';
import { PUBLISH_QUEUE } from './queue-names.js';
import type { JobQueue, Queues } from './queues.js';

export interface PublishJob {
  readonly calendar: string;
}

export interface PublishQueueOptions {
  /** How long a change waits so that it is published together with later ones, in milliseconds. */
  readonly debounceMs: number;
  /** Whether the first change of a calendar that had no change for `debounceMs` is published without a delay. */
  readonly leading: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * The factor by which the debounce is longer in a flood of changes, except for closings in the near future. Without it
 * calendars would be published before the rest of the flood has arrived, and again afterwards.
 */
const FLOOD_FACTOR = 4;
/** How many calendars may be published without a delay within that time. More of them are a flood. */
const MAX_IMMEDIATE = 4;
/** The core's priority of a closing in two days. Up to there the priority is the number of minutes until the closing. */
const NEAR_PRIORITY = 2 * 24 * 60;

export class PublishQueue {
  readonly #queue: JobQueue;
  readonly #options: PublishQueueOptions;
  /**
   * When the last job of each calendar was due, in epoch milliseconds, earliest first. Calendars without a change for
   * `debounceMs` are removed.
   */
  readonly #lastDue = new Map<string, number>();
  /** When calendars were recently published without a delay, in epoch milliseconds. */
  #immediateAt: readonly number[] = [];

  constructor(queues: Queues, options: PublishQueueOptions) {
    this.#queue = queues.openQueue(PUBLISH_QUEUE);
    this.#options = options;
  }

  /**
   * Enqueues a job for each calendar that has none waiting. The priority of a waiting job is raised where the change has a
   * higher one. Where a job is active, another job runs after it.
   * @param calendars each once; 1 is the highest priority (`core/priority.ts`)
   */
  async enqueue(calendars: readonly PendingCalendar[]): Promise<void> {
    if (calendars.length === 0) return;
    // The fixed order prevents deadlocks between processes that add the same calendars.
    const sorted = [...calendars].sort((a, b) => (a.calendar < b.calendar ? -1 : 1));
    const requests = sorted.map(({ calendar, priority }) => {
      return { calendar, priority, delay: this.#delayOf(calendar, priority), jobId: randomUUID() };
    });
    const jobs = await this.#queue.addBulk(
      requests.map(({ calendar, priority, delay, jobId }) => ({
        name: 'publish',
        data: { calendar } satisfies PublishJob,
        opts: {
          jobId,
          priority,
          delay,
          deduplication: { id: calendar, keepLastIfActive: true },
          removeOnComplete: true,
          removeOnFail: true,
        },
      })),
    );
    await Promise.all(
      requests.map(async ({ jobId, priority, delay }, n) => {
        const id = jobs[n]?.id;
        if (id !== undefined && id !== jobId) await this.#raisePriority(id, priority, delay);
      }),
    );
  }

  #delayOf(calendar: string, priority: number): number {
    const { debounceMs, leading, now } = this.#options;
    const at = now();
    for (const [idle, due] of this.#lastDue) {
      if (due > at - debounceMs) break;
      this.#lastDue.delete(idle);
    }
    this.#immediateAt = this.#immediateAt.filter((time) => time > at - FLOOD_FACTOR * debounceMs);
    const isIdle = leading && !this.#lastDue.has(calendar);
    const isDeferred = priority > NEAR_PRIORITY && this.#immediateAt.length >= MAX_IMMEDIATE;
    if (isIdle && !isDeferred) this.#immediateAt = [...this.#immediateAt, at];
    const delay = isDeferred ? FLOOD_FACTOR * debounceMs : isIdle ? 0 : debounceMs;
    this.#lastDue.delete(calendar);
    this.#lastDue.set(calendar, at + delay);
    return delay;
  }

  /**
   * Raises the priority of a waiting job. Where the job has become active or has ended meanwhile, it has read this change, or
   * another job follows it.
   */
  async #raisePriority(jobId: string, priority: number, delay: number): Promise<void> {
    const job = await this.#queue.getJob(jobId);
    if (job === undefined || job.priority <= priority) return;
    try {
      await job.changePriority({ priority });
      // The delay for the rate limit or for a retry was set for the change with the lower priority.
      if (job.delay > delay && (await job.isDelayed())) {
        await job.changeDelay(delay);
      }
    } catch (error) {
      if (await job.isDelayed()) throw error;
    }
  }

  /** Counts the jobs by state. */
  async countJobs(): Promise<{ readonly [state: string]: number }> {
    return await this.#queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  }
}
