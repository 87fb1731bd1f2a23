/**
 * Runs a recurring task for each account, such as pulling its notifications or beginning its nightly resync. At most one process
 * runs the task of an account at a time. A timer in each process starts the tasks, because they depend on time and not on waiting
 * work.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { type Account, listAccounts } from '../db/tables/accounts.js';
import {
  acquireTask,
  findDueTasks,
  releaseTask,
  renewTask,
  type ScheduledTaskKind,
  scheduleTasks,
  type TaskLease,
} from '../db/tables/scheduled-tasks.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';

export interface ScheduledTask {
  readonly kind: ScheduledTaskKind;
  /** Whether the account uses the task. */
  isEnabled(account: Account): boolean;
  /**
   * The first time of the task's schedule after an instant, in epoch milliseconds. Default: a task that never ran is due at once.
   */
  nextTime?(account: Account, after: number): number;
  /**
   * The minimum time between two starts, in milliseconds: it holds whatever becomes of the first run, unless `retryAfterMs` of a
   * failed run is shorter. Default: the next run begins as soon as a process can acquire the task.
   */
  readonly minIntervalMs?: number;
  /**
   * Runs the task.
   * @param renewLease extends the lease; false where another process holds it, or this process is stopping
   * @returns after how long the task is due again, in milliseconds
   */
  run(account: Account, renewLease: () => Promise<boolean>): Promise<number>;
  /** After how long a failed run is retried, in milliseconds. */
  retryAfterMs(account: Account, error: unknown, failures: number): Promise<number>;
}

export interface ScheduledTasksOptions extends PeriodicTaskOptions {
  readonly db: Db;
  readonly scheduledTask: ScheduledTask;
  readonly log: Logger;
  readonly now: () => number;
  /** How long the task of a crashed process stays leased, in milliseconds. */
  readonly leaseMs: number;
}

/**
 * The largest difference between the clocks of machines. A task that is due so soon is not rescheduled: a process whose clock is
 * slow would run again what another one has just run.
 */
const CLOCK_SKEW_MS = 30_000;
/** The retry delay where the database is unavailable too. */
const DATABASE_UNAVAILABLE_MS = 5_000;

export class ScheduledTasks extends PeriodicTask {
  readonly #options: ScheduledTasksOptions;
  /** By account. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: ScheduledTasksOptions) {
    super(options);
    this.#options = options;
  }

  /** Also waits for the running tasks. */
  override async stop(): Promise<void> {
    await super.stop();
    await this.waitForRunning();
  }

  /** Starts the due tasks; no account waits for another. */
  protected override async run(): Promise<void> {
    const { db, scheduledTask, log, now } = this.#options;
    try {
      const accounts = (await listAccounts(db)).filter(
        (account) => scheduledTask.isEnabled(account) && !this.#running.has(account.id),
      );
      await this.#schedule(accounts);
      const ids = accounts.map(({ id }) => id);
      const due = await findDueTasks(db, scheduledTask.kind, ids, new Date(now()));
      for (const account of accounts) {
        if (this.isStopping || !due.has(account.id) || this.#running.has(account.id)) continue;
        const running = this.#runTask(account).finally(() => this.#running.delete(account.id));
        this.#running.set(account.id, running);
      }
    } catch (error) {
      if (!isUnavailable(error)) {
        log.error({ err: error, task: scheduledTask.kind }, 'scheduled tasks cannot start');
      }
    }
  }

  async #schedule(accounts: readonly Account[]): Promise<void> {
    const { db, scheduledTask, now } = this.#options;
    const at = now();
    const notBefore = at + CLOCK_SKEW_MS;
    const times = accounts.flatMap((account) => {
      const [first, next] = [at, notBefore].map((after) => scheduledTask.nextTime?.(account, after));
      if (first === undefined || next === undefined) return [];
      return [{ account: account.id, first: new Date(first), next: new Date(next) }];
    });
    await scheduleTasks(db, scheduledTask.kind, times, new Date(notBefore));
  }

  async waitForRunning(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #runTask(account: Account): Promise<void> {
    const { db, scheduledTask, log, now, leaseMs } = this.#options;
    let task: TaskLease | undefined;
    try {
      const at = now();
      const nextAt = new Date(at + (scheduledTask.minIntervalMs ?? 0));
      task = await acquireTask(
        db,
        account.id,
        scheduledTask.kind,
        randomUUID(),
        leaseMs,
        new Date(at),
        nextAt,
      );
      if (task === undefined) return;
      const lease = task;
      // The process stops: nothing is requested, and the task is due for other processes at once.
      if (this.isStopping) return await releaseTask(db, task, new Date(at), task.failures);
      const afterMs = await scheduledTask.run(
        account,
        async () => !this.isStopping && (await renewTask(db, lease, leaseMs)),
      );
      await releaseTask(db, task, new Date(now() + afterMs), 0);
    } catch (error) {
      const failures = (task?.failures ?? 0) + 1;
      const afterMs = await scheduledTask
        .retryAfterMs(account, error, failures)
        .catch(() => DATABASE_UNAVAILABLE_MS);
      const reason = error instanceof Error ? error.message : 'unknown';
      log.warn(
        { account: account.id, task: scheduledTask.kind, failures, afterMs, reason },
        'a scheduled task failed; it is retried',
      );
      // Where the database is unavailable the lease expires by itself.
      if (task !== undefined)
        await releaseTask(db, task, new Date(now() + afterMs), failures).catch(() => undefined);
    }
  }
}
