/**
 * The nightly resyncs: one for each account, at the schedule's time in its zone and at its own offset. A resync that was missed
 * because no process was running begins as soon as one runs.
 */
import type { Logger } from 'pino';
import { MINUTE } from '../core/duration.js';
import type { Db } from '../db/schema.js';
import type { Account } from '../db/tables/accounts.js';
import { beginResync } from '../db/tables/resyncs.js';
import type { ResyncQueue } from '../queue/resync-queue.js';
import type { ScheduledTask } from '../tasks/scheduled-tasks.js';
import { nextTime, offsetMsOf } from './cron.js';

export interface NightlyOptions {
  readonly db: Db;
  readonly queue: Pick<ResyncQueue, 'enqueue'>;
  readonly log: Logger;
  readonly now: () => number;
  readonly cron: string;
  /** The accounts' resyncs are spread over this time, in milliseconds. */
  readonly spreadMs: number;
}

const RETRY_MS = MINUTE;

export function createNightlyTask({ db, queue, log, now, cron, spreadMs }: NightlyOptions): ScheduledTask {
  const next = ({ id, timeZone }: Account, after: number): number =>
    nextTime(cron, timeZone, offsetMsOf(id, spreadMs), after);
  return {
    kind: 'resync',
    isEnabled: () => true,
    nextTime: next,
    run: async (account) => {
      const id = await beginResync(db, { account: account.id, dryRun: false }, new Date(now()));
      log.info({ account: account.id, resync: id }, 'a nightly resync begins');
      await queue.enqueue(id);
      return next(account, now()) - now();
    },
    retryAfterMs: async () => RETRY_MS,
  };
}
