/** Delivers the open notifications of one key to its clinic's webhook, in order, until one fails. */
import type { Logger } from 'pino';
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import { decryptAccount } from '../db/tables/account-secrets.js';
import { type Destination, getAccount } from '../db/tables/accounts.js';
import {
  type DeliveryKey,
  findFirstOpenDelivery,
  type OpenDelivery,
  recordDelivered,
  recordDeliveryFailed,
  recordDeliveryRetry,
  retryDeliveriesOfWebhook,
} from '../db/tables/deliveries.js';
import { assignPositions } from '../db/tables/notifications.js';
import { addOwnNotifications } from '../db/tables/own-notifications.js';
import type { Bulkhead } from '../lib/bulkhead.js';
import { destinationOf } from './destination.js';
import { nextRetry } from './retry-policy.js';
import type { Webhooks } from './webhooks.js';

export interface DispatcherOptions {
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly webhooks: Webhooks;
  /** Retries the open notifications of a calendar at once. Never fails. */
  readonly retryNow: (key: DeliveryKey) => Promise<void>;
  /** Limits the concurrent deliveries to each webhook. */
  readonly bulkhead: Bulkhead;
  /** The webhook of accounts without one of their own. */
  readonly fallback: Destination | undefined;
  readonly log: Logger;
  readonly now: () => number;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Aborted when no further attempt may begin. */
  readonly stopping: AbortSignal;
}

/** `done`: nothing is open. `later`: continues after `afterMs`, or when the wait for the next attempt is ended. */
export type DispatchResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'later'; readonly afterMs: number; readonly awaits?: 'next attempt' };

const DONE: DispatchResult = { kind: 'done' };
const later = (afterMs: number): DispatchResult => ({ kind: 'later', afterMs });
const nextAttemptIn = (afterMs: number): DispatchResult => ({
  kind: 'later',
  afterMs,
  awaits: 'next attempt',
});

/** The number of waits that one successful delivery ends. */
const ENDED_PER_SUCCESS = 2;
/** The number of notifications after which a calendar is queued behind the others. */
const MAX_IN_A_ROW = 25;

export class Dispatcher {
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  async deliver(key: DeliveryKey): Promise<DispatchResult> {
    const { db, encryptor, bulkhead, fallback, now, random, stopping } = this.#options;
    const account = await getAccount(db, key.account);
    const destination = account && destinationOf(decryptAccount(encryptor, account), fallback);
    if (destination === undefined) return DONE;
    // Own notifications have places of their own, so that they occupy none of the others'.
    const entry = bulkhead.acquire(key.own === true ? `own ${destination.url}` : destination.url);
    if (entry.kind === 'full') return later(entry.afterMs * (0.5 + random()));
    try {
      await assignPositions(db);
      for (let n = 0; n < MAX_IN_A_ROW && !stopping.aborted; n += 1) {
        const due = await this.#findFirst(key);
        if (due === undefined) return DONE;
        const waitMs = (due.retryAt?.getTime() ?? 0) - now();
        if (waitMs > 0) return nextAttemptIn(waitMs);
        const afterMs = await this.#send(due, destination);
        if (afterMs !== undefined) return nextAttemptIn(afterMs);
        if (!entry.mayContinue()) break;
      }
      return later(0);
    } finally {
      entry.release();
    }
  }

  /** Own changes wait until no own notification of the key is open, so that those of an outage become one notification. */
  async #findFirst(key: DeliveryKey): Promise<OpenDelivery | undefined> {
    const { db, encryptor, now } = this.#options;
    const first = await findFirstOpenDelivery(db, encryptor, key);
    if (first !== undefined || key.own !== true) return first;
    if (!(await addOwnNotifications(db, encryptor, new Date(now()), key))) return undefined;
    await assignPositions(db);
    return await findFirstOpenDelivery(db, encryptor, key);
  }

  /** Whether the first open notification may be sent now. */
  async isDue(key: DeliveryKey): Promise<boolean> {
    const { db, encryptor, now } = this.#options;
    const due = await findFirstOpenDelivery(db, encryptor, key);
    return due !== undefined && (due.retryAt?.getTime() ?? 0) <= now();
  }

  /**
   * Ends the waits of two other calendars that wait for the same webhook, after a successful delivery. The number doubles, so that
   * all are retried soon where the webhook has recovered, and few attempts are wasted where it refuses only some.
   */
  async #retryOthers({ url }: Destination): Promise<void> {
    const { db, fallback, retryNow } = this.#options;
    for (const key of await retryDeliveriesOfWebhook(
      db,
      { url, isDefault: url === fallback?.url },
      ENDED_PER_SUCCESS,
    )) {
      await retryNow(key);
    }
  }

  /** @returns how long the calendar waits before the next attempt; undefined where the notification is delivered or given up */
  async #send(
    { item, attempts, firstAttemptAt }: OpenDelivery,
    destination: Destination,
  ): Promise<number | undefined> {
    const { db, webhooks, log, now, random } = this.#options;
    const fields = { notification: item.id, account: item.account, calendar: item.calendar };
    const startedAt = now();
    const result = await webhooks.send(destination, item.id, item);
    if (result.kind === 'accepted') {
      await recordDelivered(db, item.id, new Date(now()));
      await this.#retryOthers(destination);
      return undefined;
    }
    const { reason, pauseMs } = result;
    const first = firstAttemptAt?.getTime() ?? startedAt;
    const next = nextRetry({ failedBefore: attempts, first, now: now(), pauseMs, random: random() });
    if (next === undefined) {
      await recordDeliveryFailed(db, item.id, `${reason}; tried for 72 hours`, new Date(now()));
      log.error(
        { ...fields, reason, attempts: attempts + 1 },
        'a notification could not be delivered; it is given up',
      );
      return undefined;
    }
    await recordDeliveryRetry(db, item.id, {
      began: new Date(startedAt),
      retryAt: new Date(next),
      isRequestedByClinic: pauseMs !== undefined,
      reason,
    });
    const afterMs = next - now();
    log.warn({ ...fields, reason, attempts: attempts + 1, afterMs }, 'a delivery failed; it is retried');
    return Math.max(0, afterMs);
  }
}
