/**
 * Asks the marketplace, for each account, for what it has to say: pulls its notifications, has pushes that failed sent
 * again. Of all processes one does an errand at a time; each runs on a timer of its own, since it is about time and not
 * about work that waits.
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
  /** Whether the account wants it. */
  wanted(account: Account): boolean;
  /**
   * Where it must not be run twice within a time, in milliseconds: whatever becomes of a run that began, the next does not
   * come sooner unless the failed one says so. Default: as soon as somebody can take it over.
   */
  readonly notWithinMs?: number;
  /**
   * Does it.
   * @param keep makes it ours for longer; false where somebody else has it by now
   * @returns after how long it is due again, in milliseconds
   */
  run(account: Account, keep: () => Promise<boolean>): Promise<number>;
  /** After how long a failed one is tried again, in milliseconds. */
  againAfterMs(account: Account, error: unknown, failures: number): Promise<number>;
}

export interface AccountTasksOptions extends PeriodicTaskOptions {
  readonly db: Db;
  readonly accountTask: AccountTask;
  readonly log: Logger;
  readonly now: () => number;
  /** How long one that a process died with is left alone, in milliseconds. */
  readonly leaseMs: number;
}

/** Where the record cannot be asked either. */
const DATABASE_UNAVAILABLE_MS = 5_000;

export class AccountTasks extends PeriodicTask {
  readonly #options: AccountTasksOptions;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: AccountTasksOptions) {
    super(options);
    this.#options = options;
  }

  /** Waits for those under way, too. */
  override async stop(): Promise<void> {
    await super.stop();
    await this.settled();
  }

  /** Begins what is due; one account does not wait for another. */
  protected override async run(): Promise<void> {
    const { db, accountTask, log, now } = this.#options;
    try {
      const accounts = (await listAccounts(db)).filter(
        (account) => accountTask.wanted(account) && !this.#underWay.has(account.id),
      );
      const ids = accounts.map(({ id }) => id);
      const due = await findDueAccountTasks(db, accountTask.kind, ids, new Date(now()));
      for (const account of accounts) {
        if (this.isStopping || !due.has(account.id) || this.#underWay.has(account.id)) continue;
        const running = this.#task(account).finally(() => this.#underWay.delete(account.id));
        this.#underWay.set(account.id, running);
      }
    } catch (error) {
      if (!isUnavailable(error)) log.error({ err: error, task: accountTask.kind }, 'errands could not begin');
    }
  }

  /** Waits for those that have begun. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  async #task(account: Account): Promise<void> {
    const { db, accountTask, log, now, leaseMs } = this.#options;
    const about = { account: account.id, task: accountTask.kind };
    let task: AccountTaskLease | undefined;
    try {
      const at = now();
      const nextAt = new Date(at + (accountTask.notWithinMs ?? 0));
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
      const mine = task;
      // Told to stop meanwhile: nothing is asked, and it is due for others at once.
      if (this.isStopping) return await releaseAccountTask(db, task, new Date(at), task.failures);
      const afterMs = await accountTask.run(
        account,
        async () => !this.isStopping && (await renewAccountTask(db, mine, leaseMs)),
      );
      await releaseAccountTask(db, task, new Date(now() + afterMs), 0);
    } catch (error) {
      const failures = (task?.failures ?? 0) + 1;
      const afterMs = await accountTask
        .againAfterMs(account, error, failures)
        .catch(() => DATABASE_UNAVAILABLE_MS);
      const reason = error instanceof Error ? error.message : 'unknown';
      log.warn(
        { ...about, failures, afterMs, reason },
        'the marketplace could not be asked; it is asked again',
      );
      // Where the record is away the errand runs out by itself.
      if (task !== undefined)
        await releaseAccountTask(db, task, new Date(now() + afterMs), failures).catch(() => undefined);
    }
  }
}
