/**
 * The publish queue: one job a calendar, which says only that the calendar has something to publish. What that
 * is, the reconciler reads from the record when the job runs.
 */
import { randomUUID } from 'node:crypto';
import type { PendingCalendar } from '../db/tables/pending-calendars.js';
import { PUBLISH_QUEUE } from './queue-names.js';
import type { JobQueue, Queues } from './queues.js';

export interface PublishJob {
  readonly calendar: string;
}

export interface PublishQueueOptions {
  /** How long a change waits for others to travel with it, in milliseconds. */
  readonly debounceMs: number;
  /** Whether the first change of a calendar that was quiet for so long waits for none. */
  readonly leading: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * In a flood all but near closings wait so many times as long: published at once they would take the time of what still
 * arrives, and be published again for it.
 */
const FLOOD_FACTOR = 4;
/** Quiet calendars that are published at once within that time. More of them are a flood. */
const MAX_LEADS = 4;
/** The core's urgency of what closes in two days: until then it counts minutes. */
const NEAR_PRIORITY = 2 * 24 * 60;

export class PublishQueue {
  readonly #queue: JobQueue;
  readonly #options: PublishQueueOptions;
  /** When the last job of a calendar was due, in epoch milliseconds, the earliest first; those that are quiet again are removed. */
  readonly #lastDue = new Map<string, number>();
  /** When calendars were last published at once, in epoch milliseconds. */
  #leads: readonly number[] = [];

  constructor(queues: Queues, options: PublishQueueOptions) {
    this.#queue = queues.queue(PUBLISH_QUEUE);
    this.#options = options;
  }

  /**
   * Makes sure that the calendars are published soon. A job that waits already is kept, and raised where this change is more
   * urgent; one that runs already is followed by another.
   * @param calendars each once; see the core's `urgency`: 1 is the most urgent
   */
  async enqueue(calendars: readonly PendingCalendar[]): Promise<void> {
    if (calendars.length === 0) return;
    // In one order: two processes that add the same calendars do not wait for each other.
    const sorted = [...calendars].sort((a, b) => (a.calendar < b.calendar ? -1 : 1));
    const wanted = sorted.map(({ calendar, priority }) => {
      return { calendar, priority, delay: this.#delayOf(calendar, priority), jobId: randomUUID() };
    });
    const jobs = await this.#queue.addBulk(
      wanted.map(({ calendar, priority, delay, jobId }) => ({
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
      wanted.map(async ({ jobId, priority, delay }, n) => {
        const id = jobs[n]?.id;
        if (id !== undefined && id !== jobId) await this.#raise(id, priority, delay);
      }),
    );
  }

  #delayOf(calendar: string, priority: number): number {
    const { debounceMs, leading, now } = this.#options;
    const at = now();
    for (const [quiet, due] of this.#lastDue) {
      if (due > at - debounceMs) break;
      this.#lastDue.delete(quiet);
    }
    this.#leads = this.#leads.filter((lead) => lead > at - FLOOD_FACTOR * debounceMs);
    const isQuiet = leading && !this.#lastDue.has(calendar);
    const mayWait = priority > NEAR_PRIORITY && this.#leads.length >= MAX_LEADS;
    if (isQuiet && !mayWait) this.#leads = [...this.#leads, at];
    const delay = mayWait ? FLOOD_FACTOR * debounceMs : isQuiet ? 0 : debounceMs;
    this.#lastDue.delete(calendar);
    this.#lastDue.set(calendar, at + delay);
    return delay;
  }

  /** The job may have begun or ended meanwhile: then it has read this change, or another job follows it. */
  async #raise(jobId: string, priority: number, delay: number): Promise<void> {
    const waiting = await this.#queue.getJob(jobId);
    if (waiting === undefined || waiting.priority <= priority) return;
    try {
      await waiting.changePriority({ priority });
      // A wait for the budget or for a retry was made for the less urgent change.
      if (waiting.delay > delay && (await waiting.isDelayed())) {
        await waiting.changeDelay(delay);
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
