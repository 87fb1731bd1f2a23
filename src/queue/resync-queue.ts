/** The resync queue: a job for each full resync that was asked for, and the schedules of the nightly ones. */
import { RESYNC_QUEUE } from './queue-names.js';
import type { JobQueue, Queues } from './queues.js';

export type ResyncJob =
  /** One that was begun: its clinics are asked for what they know, then its calendars are compared. */
  | { readonly kind: 'run'; readonly id: string }
  /** The time of an account's has come. */
  | { readonly kind: 'nightly'; readonly account: string; readonly cron: string };

export interface Schedule {
  readonly account: string;
  /** Five or six fields. */
  readonly cron: string;
  readonly timeZone: string;
}

const DONE = { removeOnComplete: true, removeOnFail: true } as const;

export class ResyncQueue {
  readonly #queue: JobQueue;

  constructor(queues: Queues) {
    this.#queue = queues.queue(RESYNC_QUEUE);
  }

  async run(id: string): Promise<void> {
    const data: ResyncJob = { kind: 'run', id };
    // One job for it, however often it is asked for.
    await this.#queue.add('run', data, { jobId: id.replaceAll(':', '-'), ...DONE });
  }

  async nightly(account: string, cron: string): Promise<void> {
    const data: ResyncJob = { kind: 'nightly', account, cron };
    await this.#queue.add('nightly', data, { deduplication: { id: `nightly ${account}` }, ...DONE });
  }

  /**
   * From here on these are the schedules, and no others. One that is there already is left as it is, with its job: to
   * make it again would forget a time that has come while nobody was there.
   * @returns the accounts whose time had come before they were looked at, and whose job has not been taken
   */
  async schedule(schedules: readonly Schedule[], now: number): Promise<string[]> {
    const wanted = new Set(schedules.map(({ account }) => account));
    const there = new Map((await this.#queue.getJobSchedulers()).map((one) => [one.key, one]));
    for (const key of there.keys()) {
      if (!wanted.has(key)) await this.#queue.removeJobScheduler(key);
    }
    const overdue: string[] = [];
    for (const { account, cron, timeZone } of schedules) {
      const known = there.get(account);
      const isOverdue = known?.next !== undefined && known.next < now;
      if (isOverdue) overdue.push(account);
      if (known !== undefined && !isOverdue && known.pattern === cron && known.tz === timeZone) continue;
      await this.#put({ account, cron, timeZone });
    }
    return overdue;
  }

  async #put({ account, cron, timeZone }: Schedule): Promise<void> {
    const data: ResyncJob = { kind: 'nightly', account, cron };
    try {
      await this.#queue.upsertJobScheduler(
        account,
        { pattern: cron, tz: timeZone },
        { name: 'nightly', data, opts: DONE },
      );
    } catch (error) {
      // On PostgreSQL one of two processes that make it at the same time is refused: then it is there.
      const there = (await this.#queue.getJobSchedulers()).find(({ key }) => key === account);
      if (there?.pattern !== cron || there.tz !== timeZone) throw error;
    }
  }
}
