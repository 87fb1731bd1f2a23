/**
 * The nightly resyncs' schedules: one for each account, in its zone. A run that was missed because nobody was there is
 * caught up once.
 */
import type { Logger } from 'pino';
import { MINUTE } from '../core/duration.js';
import type { Db } from '../db/schema.js';
import { listAccounts } from '../db/tables/accounts.js';
import { finishResyncs, lastResync } from '../db/tables/resyncs.js';
import { PeriodicTask } from '../lib/periodic-task.js';
import type { Timers } from '../lib/timers.js';
import type { ResyncQueue } from '../queue/resync-queue.js';
import { isDue } from './cron.js';

export interface SchedulesOptions {
  readonly db: Db;
  readonly queue: ResyncQueue;
  readonly log: Logger;
  readonly now: () => number;
  readonly timers: Timers;
  /** Undefined: there is no nightly resync. */
  readonly cron: string | undefined;
  /** Over how long the accounts' turns are spread: so late a run may begin and is not missed; milliseconds. */
  readonly spreadMs: number;
}

const LOOK_EVERY_MS = 5 * MINUTE;
/** A job is taken within this, or it is lost. */
const TAKEN_WITHIN_MS = 5 * MINUTE;

export class Schedules extends PeriodicTask {
  readonly #options: SchedulesOptions;

  constructor(options: SchedulesOptions) {
    super({ timers: options.timers, everyMs: LOOK_EVERY_MS });
    this.#options = options;
  }

  /**
   * What was missed before the process was there, however shortly before. To be called before `start`.
   * @throws where the queue cannot be reached
   */
  async begin(): Promise<void> {
    await this.#catchUp(await this.refresh(), 0);
  }

  /**
   * Accounts may have come, gone, or moved to another zone, and the queue may have lost its memory.
   * @returns the accounts whose time had come, and nobody was there
   */
  async refresh(): Promise<readonly string[]> {
    const { db, queue, cron, now } = this.#options;
    const accounts = cron === undefined ? [] : await listAccounts(db);
    const schedules = accounts.map(({ id, timeZone }) => ({ account: id, cron: cron ?? '', timeZone }));
    return await queue.schedule(schedules, now());
  }

  /**
   * Where the last run should have been after the last one that was. An account that never had one has missed none,
   * unless its schedule says so. Which of two that find the same comes first does not matter: there is one run for
   * each time (worker.ts).
   * @param graceMs how late a run may be that is on its way
   */
  async #catchUp(overdue: readonly string[], graceMs: number): Promise<void> {
    const { db, queue, log, now, cron } = this.#options;
    if (cron === undefined) return;
    await finishResyncs(db, new Date(now()));
    for (const { id, timeZone } of await listAccounts(db)) {
      const last = await lastResync(db, id, new Date(now()));
      const isMissed =
        last === undefined ? overdue.includes(id) : isDue(cron, timeZone, last.getTime(), now() - graceMs);
      if (!isMissed) continue;
      log.info({ account: id, last }, 'a nightly resync was missed; it is caught up');
      await queue.nightly(id, cron);
    }
  }

  /** The queue may have lost a night's job with all else that it knew. */
  async look(): Promise<void> {
    const { spreadMs } = this.#options;
    await this.#catchUp(await this.refresh(), spreadMs + TAKEN_WITHIN_MS);
  }

  protected override async run(): Promise<void> {
    await this.look().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'the schedules could not be looked after');
    });
  }
}
