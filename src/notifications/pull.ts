/**
 * Pulls an account's notifications until none remain. The marketplace hands out each notification once, so a pulled batch is
 * committed before the next one is requested, however long the commit takes. Contract: Notifications.
 */
import type { Logger } from 'pino';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Account } from '../db/tables/accounts.js';
import type { DocplannerClient } from '../docplanner/index.js';
import type { Timers } from '../lib/timers.js';
import type { ScheduledTask } from '../tasks/scheduled-tasks.js';
import { type NotificationSubject, parseSubject } from './parsed-notification.js';

export interface PullOptions {
  /** A client for reads only, which never uses the allowance of writes. */
  readonly client: (account: Account) => DocplannerClient;
  /** Resolves when the notifications are committed. */
  readonly ingest: (
    account: Account,
    subjects: readonly NotificationSubject[],
    source: 'pull',
  ) => Promise<void>;
  readonly now: () => number;
  readonly timers: Timers;
  /** The delay before the next try after so many failures, in milliseconds. */
  readonly backoff: (account: Account, error: unknown, failures: number) => Promise<number>;
  /** Aborted when the process stops: from then on the number of tries to commit is limited. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

const BATCH_SIZE = 100;
/** The delay before a failed commit is retried, in milliseconds. */
const RETRY_MS = 1_000;
/** The number of tries to commit that a stopping process makes. */
const MAX_TRIES_WHILE_STOPPING = 10;
/** The number of failures with an available database. Such an error may be temporary, or caused by the batch itself. */
const MAX_FAILURES = 30;

export function createPullTask(options: PullOptions): ScheduledTask {
  const { client: clientOf, ingest, now, timers, backoff, stopping, log } = options;

  /**
   * Retries the commit, because a pulled batch exists only in this process until it is committed. It gives up after
   * {@link MAX_TRIES_WHILE_STOPPING} tries while the process stops, or after {@link MAX_FAILURES} failures of another reason than
   * an unavailable database.
   */
  const commitWithRetries = async (
    commit: () => Promise<void>,
    renewLease: () => Promise<boolean>,
    logFields: { account: string; count: number },
  ): Promise<void> => {
    let triesWhileStopping = 0;
    for (let failures = 0; ; ) {
      try {
        return await commit();
      } catch (error) {
        if (!isUnavailable(error)) failures += 1;
        if (stopping.aborted) triesWhileStopping += 1;
        if (triesWhileStopping > MAX_TRIES_WHILE_STOPPING || failures >= MAX_FAILURES) {
          // The error's message is left out, because it may contain a value.
          const reason = error instanceof Error ? error.name : 'unknown';
          log.error(
            { ...logFields, reason },
            'pulled notifications cannot be committed and are lost; the booking poller finds the bookings among them',
          );
          throw error;
        }
        // The lease is renewed so that no other process pulls meanwhile; a failed renewal changes nothing here.
        await renewLease().catch(() => false);
        await timers.sleep(RETRY_MS, stopping.aborted ? undefined : stopping);
      }
    }
  };

  return {
    kind: 'pull',
    isEnabled: ({ notifications: { mode } }) => mode === 'pull' || mode === 'both',
    retryAfterMs: backoff,
    run: async (account, renewLease) => {
      const client = clientOf(account);
      for (;;) {
        const { notifications, remaining } = await client.pullNotifications(BATCH_SIZE);
        const subjects = notifications.map((notification) => parseSubject(notification, now()));
        const logFields = { account: account.id, count: subjects.length };
        await commitWithRetries(() => ingest(account, subjects, 'pull'), renewLease, logFields);
        if (remaining === 0 || notifications.length === 0 || !(await renewLease())) {
          return account.notifications.pullEverySeconds * 1_000;
        }
      }
    },
  };
}
