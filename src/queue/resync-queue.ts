/** The resync queue: one job for each full resync that was requested, and the schedules of the nightly resyncs. */
import { RESYNC_QUEUE } from './queue-names.js';
import type { JobQueue, Queues } from './queues.js';

export type ResyncJob =
  /** Runs a resync that was begun: the snapshots of its sources are fetched, then its calendars are compared. */
  | { readonly kind: 'run'; readonly id: string }
  /** Begins the nightly resync of an account. */
  | { readonly kind: 'nightly'; readonly account: string; readonly cron: string };

export interface Schedule {
  readonly account: string;
  /** Five or six fields. */
  readonly cron: string;
  readonly timeZone: string;
}

const REMOVE_WHEN_DONE = { removeOnComplete: true, removeOnFail: true } as const;

export class ResyncQueue {
  readonly #queue: JobQueue;

  constructor(queues: Queues) {
    this.#queue = queues.openQueue(RESYNC_QUEUE);
  }

  async enqueue(id: string): Promise<void> {
    const data: ResyncJob = { kind: 'run', id };
    // The job id makes repeated calls add one job only.
    await this.#queue.add('run', data, { jobId: id.replaceAll(':', '-'), ...REMOVE_WHEN_DONE });
  }

  async enqueueNightly(account: string, cron: string): Promise<void> {
    const data: ResyncJob = { kind: 'nightly', account, cron };
    await this.#queue.add('nightly', data, {
      deduplication: { id: `nightly ${account}` },
      ...REMOVE_WHEN_DONE,
    });
  }

  /**
   * Replaces the schedules. An existing schedule that is equal and not overdue is left unchanged with its job. Creating an
   * overdue one again discards its job, so its account is returned.
   * @param now epoch milliseconds
   * @returns the accounts whose nightly resync was due and whose job no worker has started
   */
  async updateSchedules(schedules: readonly Schedule[], now: number): Promise<string[]> {
    const wanted = new Set(schedules.map(({ account }) => account));
    const existing = new Map((await this.#queue.getJobSchedulers()).map((one) => [one.key, one]));
    for (const key of existing.keys()) {
      if (!wanted.has(key)) await this.#queue.removeJobScheduler(key);
    }
    const overdue: string[] = [];
    for (const { account, cron, timeZone } of schedules) {
      const known = existing.get(account);
      const isOverdue = known?.next !== undefined && known.next < now;
      if (isOverdue) overdue.push(account);
      if (known !== undefined && !isOverdue && known.pattern === cron && known.tz === timeZone) continue;
      await this.#save({ account, cron, timeZone });
    }
    return overdue;
  }

  async #save({ account, cron, timeZone }: Schedule): Promise<void> {
    const data: ResyncJob = { kind: 'nightly', account, cron };
    try {
      await this.#queue.upsertJobScheduler(
        account,
        { pattern: cron, tz: timeZone },
        { name: 'nightly', data, opts: REMOVE_WHEN_DONE },
      );
    } catch (error) {
      // On PostgreSQL one of two processes that create a schedule at the same time gets an error, although the schedule exists.
      const stored = (await this.#queue.getJobSchedulers()).find(({ key }) => key === account);
      if (stored?.pattern !== cron || stored.tz !== timeZone) throw error;
    }
  }
}
