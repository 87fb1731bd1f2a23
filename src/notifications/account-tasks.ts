/**
 * Runs a recurring task for each account: pulling its notifications, or requesting redelivery of failed pushes. At most one
 * process runs the task of an account at a time. A timer in each process starts the tasks, because they depend on time and not
 * on waiting work.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import {
  type AccountTaskKind,
  type AccountTaskLease,
  acquireAccountTask,
  findDueAccountTasks,
  releaseAccountTask,
  renewAccountTask,
} from '../db/tables/account-tasks.js';
import { type Account, listAccounts } from '../db/tables/accounts.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';

export interface AccountTask {
  readonly kind: AccountTaskKind;
  /** Whether the account uses the task. */
  isEnabled(account: Account): boolean;
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

export interface AccountTasksOptions extends PeriodicTaskOptions {
  readonly db: Db;
  readonly accountTask: AccountTask;
  readonly log: Logger;
  readonly now: () => number;
  /** How long the task of a crashed process stays leased, in milliseconds. */
  readonly leaseMs: number;
}

/** The retry delay where the database is unavailable too. */
const DATABASE_UNAVAILABLE_MS = 5_000;

export class AccountTasks extends PeriodicTask {
  readonly #options: AccountTasksOptions;
  /** By account. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: AccountTasksOptions) {
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
    const { db, accountTask, log, now } = this.#options;
    try {
      const accounts = (await listAccounts(db)).filter(
        (account) => accountTask.isEnabled(account) && !this.#running.has(account.id),
      );
      const ids = accounts.map(({ id }) => id);
      const due = await findDueAccountTasks(db, accountTask.kind, ids, new Date(now()));
      for (const account of accounts) {
        if (this.isStopping || !due.has(account.id) || this.#running.has(account.id)) continue;
        const running = this.#runTask(account).finally(() => this.#running.delete(account.id));
        this.#running.set(account.id, running);
      }
    } catch (error) {
      if (!isUnavailable(error)) {
        log.error({ err: error, task: accountTask.kind }, 'the account tasks cannot start');
      }
    }
  }

  async waitForRunning(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #runTask(account: Account): Promise<void> {
    const { db, accountTask, log, now, leaseMs } = this.#options;
    let task: AccountTaskLease | undefined;
    try {
      const at = now();
      const nextAt = new Date(at + (accountTask.minIntervalMs ?? 0));
      task = await acquireAccountTask(
        db,
        account.id,
        accountTask.kind,
        randomUUID(),
        leaseMs,
        new Date(at),
        nextAt,
      );
      if (task === undefined) return;
      const lease = task;
      // The process stops: nothing is requested, and the task is due for other processes at once.
      if (this.isStopping) return await releaseAccountTask(db, task, new Date(at), task.failures);
      const afterMs = await accountTask.run(
        account,
        async () => !this.isStopping && (await renewAccountTask(db, lease, leaseMs)),
      );
      await releaseAccountTask(db, task, new Date(now() + afterMs), 0);
    } catch (error) {
      const failures = (task?.failures ?? 0) + 1;
      const afterMs = await accountTask
        .retryAfterMs(account, error, failures)
        .catch(() => DATABASE_UNAVAILABLE_MS);
      const reason = error instanceof Error ? error.message : 'unknown';
      log.warn(
        { account: account.id, task: accountTask.kind, failures, afterMs, reason },
        'the account task failed; it is retried',
      );
      // Where the database is unavailable the lease expires by itself.
      if (task !== undefined)
        await releaseAccountTask(db, task, new Date(now() + afterMs), failures).catch(() => undefined);
    }
  }
}
