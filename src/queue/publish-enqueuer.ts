/** Enqueues calendars to publish, for callers that have committed already and must neither wait for the queue nor fail with it. */
import type { Logger } from 'pino';
import type { PendingCalendar } from '../db/tables/pending-calendars.js';
import { type Timers, withTimeout } from '../lib/timers.js';
import type { PublishQueue } from './publish-queue.js';

export interface PublishEnqueuerOptions {
  readonly publishQueue: Pick<PublishQueue, 'enqueue'>;
  readonly log: Logger;
  readonly timers: Timers;
}

/** How long a caller waits for a queue that does not answer, in milliseconds. */
const LIMIT_MS = 2_000;
/** Calendars that a log line names. */
const MAX_NAMED = 10;

export class PublishEnqueuer {
  readonly #options: PublishEnqueuerOptions;

  constructor(options: PublishEnqueuerOptions) {
    this.#options = options;
  }

  /** Never fails: the pending days are in the database, and the requeue sweep enqueues what the queue does not accept. */
  async enqueue(calendars: readonly PendingCalendar[]): Promise<void> {
    await withTimeout(this.#options.timers, LIMIT_MS, this.#tryEnqueue(calendars));
  }

  /** Never fails, like {@link enqueue}. */
  async enqueueCalendar(calendar: string, priority: number): Promise<void> {
    await this.enqueue([{ calendar, priority }]);
  }

  async #tryEnqueue(calendars: readonly PendingCalendar[]): Promise<void> {
    const { publishQueue, log } = this.#options;
    try {
      await publishQueue.enqueue(calendars);
    } catch (error) {
      const named = calendars.map(({ calendar }) => calendar).slice(0, MAX_NAMED);
      log.warn(
        { err: error, calendars: named },
        'the queue is unavailable; the requeue sweep enqueues the calendars',
      );
    }
  }
}
