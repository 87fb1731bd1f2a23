/**
 * Pulls an account's notifications until there are none. Each is handed out once, so a batch that was handed out is
 * committed before the next is asked for, however long that takes. Contract: Notifications (pull).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DocplannerClient } from '../../docplanner/index.js';
import type { Account } from '../../store/accounts.js';
import { isUnavailable } from '../../store/is-unavailable.js';
import type { Errander } from './errands.js';
import { type Subject, subjectOf } from './subject.js';

export interface PullOptions {
  /** For reading only: it never spends what writes need. */
  readonly marketplace: (account: Account) => DocplannerClient;
  /** Resolves when they are committed. */
  readonly take: (account: Account, subjects: readonly Subject[], source: 'pull') => Promise<void>;
  readonly now: () => number;
  /** How long until something that failed so often is tried again, in milliseconds. */
  readonly backoff: (account: Account, error: unknown, failures: number) => Promise<number>;
  /** From when on a record that is away is not waited for much longer. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
  /** How much longer, in milliseconds. */
  readonly graceMs?: number | undefined;
}

const BATCH = 100;
const RECORD_AWAY_MS = 1_000;
const GRACE_MS = 10_000;

export function pulling(options: PullOptions): Errander {
  const { marketplace, take, now, backoff, stopping, log, graceMs = GRACE_MS } = options;

  /** What was handed out exists only here until it is committed: that is tried until it succeeds. */
  const keep = async (
    commit: () => Promise<void>,
    what: { account: string; count: number },
  ): Promise<void> => {
    let patience: AbortSignal | undefined;
    for (;;) {
      try {
        return await commit();
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        if (stopping.aborted) patience ??= AbortSignal.timeout(graceMs);
        if (patience?.aborted === true) {
          log.error(
            what,
            'stopped without the record: pulled notifications are lost; bookings among them are looked for',
          );
          throw error;
        }
        await sleep(RECORD_AWAY_MS, undefined, { signal: patience ?? stopping }).catch(() => undefined);
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
        const subjects = notifications.map((notification) => subjectOf(notification, now()));
        await keep(() => take(account, subjects, 'pull'), { account: account.id, count: subjects.length });
        if (remaining === 0 || notifications.length === 0 || !(await keepErrand())) {
          return account.notifications.pullEverySeconds * 1_000;
        }
      }
    },
  };
}
