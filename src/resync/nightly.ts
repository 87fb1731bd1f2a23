/**
 * The schedules of the nightly resyncs: one for each account, in its time zone. A resync that was missed because no process
 * was running is run once afterwards.
 */

import type { Logger } from 'pino';
import { MINUTE } from '../core/duration.js';
import type { Db } from '../db/schema.js';
import { listAccounts } from '../db/tables/accounts.js';
import { findLastResync, finishResyncs } from '../db/tables/resyncs.js';
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
  /** Undefined where there is no nightly resync. */
  readonly cron: string | undefined;
  /** The accounts' resyncs are spread over this time: a resync that is so late was not missed; milliseconds. */
  readonly spreadMs: number;
}

const LOOK_EVERY_MS = 5 * MINUTE;
/** A job that is not taken within this time is lost. */
const TAKEN_WITHIN_MS = 5 * MINUTE;

export class Schedules extends PeriodicTask {
  readonly #options: SchedulesOptions;

  constructor(options: SchedulesOptions) {
    super({ timers: options.timers, everyMs: LOOK_EVERY_MS });
    this.#options = options;
  }

  /**
   * Enqueues the resyncs that were missed before this process started. Called before `start`.
   * @throws where the queue is unavailable
   */
  async begin(): Promise<void> {
    await this.#catchUp(await this.refresh(), 0);
  }

  /**
   * Updates the queue's schedules: accounts may have been added, deleted, or moved to another zone, and the queue may have
   * lost its data.
   * @returns the accounts whose scheduled time passed without a job
   */
  async refresh(): Promise<readonly string[]> {
    const { db, queue, cron, now } = this.#options;
    const accounts = cron === undefined ? [] : await listAccounts(db);
    const schedules = accounts.map(({ id, timeZone }) => ({ account: id, cron: cron ?? '', timeZone }));
    return await queue.updateSchedules(schedules, now());
  }

  /**
   * Enqueues an account's resync where the last scheduled time is after the last resync. An account that never had a resync
   * has missed none, unless its schedule was overdue. Two processes may find the same: each time gets one resync
   * (worker.ts).
   * @param graceMs how late a resync may be that is not lost
   */
  async #catchUp(overdue: readonly string[], graceMs: number): Promise<void> {
    const { db, queue, log, now, cron } = this.#options;
    if (cron === undefined) return;
    await finishResyncs(db, new Date(now()));
    for (const { id, timeZone } of await listAccounts(db)) {
      const last = await findLastResync(db, id, new Date(now()));
      const isMissed =
        last === undefined ? overdue.includes(id) : isDue(cron, timeZone, last.getTime(), now() - graceMs);
      if (!isMissed) continue;
      log.info({ account: id, last }, 'a nightly resync was missed; it is caught up');
      await queue.enqueueNightly(id, cron);
    }
  }

  /** The queue may have lost a night's job with all its data. */
  async look(): Promise<void> {
    const { spreadMs } = this.#options;
    await this.#catchUp(await this.refresh(), spreadMs + TAKEN_WITHIN_MS);
  }

  protected override async run(): Promise<void> {
    await this.look().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'the nightly schedules could not be refreshed');
    });
  }
}
