/**
 * Pulls an account's notifications until there are none. Each is handed out once, so a batch that was handed out is
 * committed before the next is asked for, however long that takes. Contract: Notifications.
 */
import type { Logger } from 'pino';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Account } from '../db/tables/accounts.js';
import type { DocplannerClient } from '../docplanner/index.js';
import type { Timers } from '../lib/timers.js';
import type { AccountTask } from './account-tasks.js';
import { type NotificationSubject, parseSubject } from './parsed-notification.js';

export interface PullOptions {
  /** For reading only: it never spends what writes need. */
  readonly marketplace: (account: Account) => DocplannerClient;
  /** Resolves when they are committed. */
  readonly take: (
    account: Account,
    subjects: readonly NotificationSubject[],
    source: 'pull',
  ) => Promise<void>;
  readonly now: () => number;
  readonly timers: Timers;
  /** How long until something that failed so often is tried again, in milliseconds. */
  readonly backoff: (account: Account, error: unknown, failures: number) => Promise<number>;
  /** From when on a record that is away is not waited for much longer. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

const BATCH = 100;
/** After how long what could not be committed is tried again, in milliseconds. */
const AGAIN_MS = 1_000;
/** How often it is still tried by a process that is told to stop. */
const TRIES_WHILE_STOPPING = 10;
/** Tries that fail although the record is there: it may pass all the same, but it may be of the batch itself. */
const MAX_FAILURES = 30;

export function pullingNotifications(options: PullOptions): AccountTask {
  const { marketplace, take, now, timers, backoff, stopping, log } = options;

  /**
   * What was handed out exists only here until it is committed: that is tried until it succeeds, or nobody may wait any
   * longer, or it fails again and again for another reason than a record that is away.
   */
  const keep = async (
    commit: () => Promise<void>,
    keepErrand: () => Promise<boolean>,
    what: { account: string; count: number },
  ): Promise<void> => {
    let triesWhileStopping = 0;
    for (let failures = 0; ; ) {
      try {
        return await commit();
      } catch (error) {
        if (!isUnavailable(error)) failures += 1;
        if (stopping.aborted) triesWhileStopping += 1;
        if (triesWhileStopping > TRIES_WHILE_STOPPING || failures >= MAX_FAILURES) {
          // Without its message, in which there may be a value.
          const reason = error instanceof Error ? error.name : 'unknown';
          log.error(
            { ...what, reason },
            'pulled notifications could not be committed and are lost; bookings among them are looked for',
          );
          throw error;
        }
        // Nobody else is to go on from here meanwhile, if that can be said at all.
        await keepErrand().catch(() => false);
        await timers.sleep(AGAIN_MS, stopping.aborted ? undefined : stopping);
      }
    }
  };

  return {
    kind: 'pull',
    wanted: ({ notifications: { mode } }) => mode === 'pull' || mode === 'both',
    againAfterMs: backoff,
    run: async (account, keepErrand) => {
      const client = marketplace(account);
      for (;;) {
        const { notifications, remaining } = await client.pullNotifications(BATCH);
        const subjects = notifications.map((notification) => parseSubject(notification, now()));
        const what = { account: account.id, count: subjects.length };
        await keep(() => take(account, subjects, 'pull'), keepErrand, what);
        if (remaining === 0 || notifications.length === 0 || !(await keepErrand())) {
          return account.notifications.pullEverySeconds * 1_000;
        }
      }
    },
  };
}
