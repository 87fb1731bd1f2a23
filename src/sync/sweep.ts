/**
 * The sweep: finds what is wanted and not queued, and wakes it. A crash between a commit and its job, a queue
 * that lost its memory, a day that came into the horizon: all are found here, because what is wanted is a query.
 * It runs by a timer and not by the queue, since it exists for when the queue fails.
 */
import type { Logger } from 'pino';
import { listAccounts } from '../store/accounts.js';
import { forgetEvents } from '../store/events.js';
import { isUnavailable } from '../store/is-unavailable.js';
import { forgetRequests } from '../store/requests.js';
import type { Db } from '../store/schema.js';
import { wantedCalendars } from '../store/wanted.js';
import { horizonOf } from './horizon.js';

export interface SweepOptions {
  readonly db: Db;
  readonly wake: (calendar: string, urgency: number) => Promise<void>;
  readonly log: Logger;
  readonly now: () => number;
  readonly everyMs: number;
}

/** In one sweep, at most; the rest comes with the next. */
const MOST_CALENDARS = 1_000;
const DAY = 24 * 60 * 60 * 1000;
/** An event that is sent again after this would be taken for a new one. */
const REMEMBER_EVENTS_MS = 30 * DAY;
const REMEMBER_REQUESTS_MS = 2 * 60 * 60 * 1000;

export class Sweep {
  readonly #options: SweepOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #tidiedAt = 0;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => void this.run(), this.#options.everyMs);
    void this.run();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  /** One sweep; one that is under way is joined. */
  async run(): Promise<void> {
    this.#running ??= this.#sweep().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  async #sweep(): Promise<void> {
    const { db, wake, log, now } = this.#options;
    try {
      const horizons = (await listAccounts(db)).map(({ id, timeZone }) => ({
        account: id,
        ...horizonOf(timeZone, now()),
      }));
      for (const { calendar, urgency } of await wantedCalendars(db, horizons, MOST_CALENDARS)) {
        await wake(calendar, urgency);
      }
      if (now() - this.#tidiedAt > DAY / 24) await this.#tidy();
    } catch (error) {
      if (isUnavailable(error)) log.warn({ err: error }, 'the sweep could not reach what it needs');
      else log.error({ err: error }, 'the sweep failed');
    }
  }

  async #tidy(): Promise<void> {
    const { db, now } = this.#options;
    await forgetEvents(db, new Date(now() - REMEMBER_EVENTS_MS));
    await forgetRequests(db, new Date(now() - REMEMBER_REQUESTS_MS));
    this.#tidiedAt = now();
  }
}
