/** Brings the notifications of one calendar to its clinic, one after another, as far as it gets. */
import type { Logger } from 'pino';
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import { decryptAccount } from '../db/tables/account-secrets.js';
import { type Destination, getAccount } from '../db/tables/accounts.js';
import {
  type DeliveryKey,
  type Due,
  delivered,
  deliverLater,
  deliveryFailed,
  endWaits,
  firstOpen,
} from '../db/tables/deliveries.js';
import { assignPositions } from '../db/tables/notifications.js';
import type { Bulkhead } from '../lib/bulkhead.js';
import { destinationOf } from './destination.js';
import { nextRetry } from './retry-policy.js';
import type { Webhooks } from './webhooks.js';

export interface DispatcherOptions {
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly webhooks: Webhooks;
  /** Has what is open there tried at once. Never fails. */
  readonly retryNow: (key: DeliveryKey) => Promise<void>;
  /** One for each clinic. */
  readonly bulkhead: Bulkhead;
  /** For accounts without one of their own. */
  readonly forAll: Destination | undefined;
  readonly log: Logger;
  readonly now: () => number;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Aborted when no more is to be begun. */
  readonly stopping: AbortSignal;
}

/** Nothing is open any more; or it goes on after this time, or when somebody ends the wait for the next attempt. */
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

const ENDED_BY_ONE = 2;
/** After so many a calendar waits behind the others. */
const MAX_IN_A_ROW = 25;

export class Dispatcher {
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  async bring(key: DeliveryKey): Promise<DispatchResult> {
    const { db, encryptor, bulkhead, forAll, now, random, stopping } = this.#options;
    const account = await getAccount(db, key.account);
    const destination = account && destinationOf(decryptAccount(encryptor, account), forAll);
    if (destination === undefined) return DONE;
    const entry = bulkhead.acquire(destination.url);
    if (entry.kind === 'full') return later(entry.afterMs * (0.5 + random()));
    try {
      await assignPositions(db);
      for (let n = 0; n < MAX_IN_A_ROW && !stopping.aborted; n += 1) {
        const due = await firstOpen(db, encryptor, key);
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

  /** Whether the first that is open is not to wait any longer. */
  async isDue(key: DeliveryKey): Promise<boolean> {
    const { db, encryptor, now } = this.#options;
    const due = await firstOpen(db, encryptor, key);
    return due !== undefined && (due.retryAt?.getTime() ?? 0) <= now();
  }

  /**
   * What waits for another attempt at the same webhook is tried now. Each that is taken ends the waits of two more: all soon
   * have their turn where the webhook is back, and few are tried in vain where it refuses only them.
   */
  async #answersAgain({ url }: Destination): Promise<void> {
    const { db, forAll, retryNow } = this.#options;
    for (const key of await endWaits(db, { url, isForAll: url === forAll?.url }, ENDED_BY_ONE)) {
      await retryNow(key);
    }
  }

  /** @returns how long those behind it have to wait; undefined when it is over with this one */
  async #send(
    { item, attempts, firstAttemptAt }: Due,
    destination: Destination,
  ): Promise<number | undefined> {
    const { db, webhooks, log, now, random } = this.#options;
    const about = { notification: item.id, account: item.account, calendar: item.calendar };
    const began = now();
    const sent = await webhooks.send(destination, item.id, item);
    if (sent.kind === 'taken') {
      await delivered(db, item.id, new Date(now()));
      await this.#answersAgain(destination);
      return undefined;
    }
    const { reason, pauseMs } = sent;
    const first = firstAttemptAt?.getTime() ?? began;
    const next = nextRetry({ failedBefore: attempts, first, now: now(), pauseMs, random: random() });
    if (next === undefined) {
      await deliveryFailed(db, item.id, `${reason}; tried for 72 hours`, new Date(now()));
      log.error({ ...about, reason, attempts: attempts + 1 }, 'a notification could not be delivered');
      return undefined;
    }
    await deliverLater(db, item.id, {
      began: new Date(began),
      retryAt: new Date(next),
      isAsked: pauseMs !== undefined,
      reason,
    });
    const afterMs = next - now();
    log.warn({ ...about, reason, attempts: attempts + 1, afterMs }, 'delivering failed and is tried again');
    return Math.max(0, afterMs);
  }
}
