/**
 * The delivery sweep enqueues notifications that are due and have no job, and deletes what is older than its retention. A timer and
 * not the queue starts it, because it repairs failures of the queue.
 */
import type { Logger } from 'pino';
import { DAY, HOUR } from '../core/duration.js';
import type { Encryptor } from '../crypto/encryptor.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { findDueDeliveries, findUnqueuedNotifications } from '../db/tables/deliveries.js';
import { encryptAccounts } from '../db/tables/encrypt-accounts.js';
import { reencryptNotifications } from '../db/tables/encrypt-notifications.js';
import { assignPositions } from '../db/tables/notifications.js';
import { deleteExpiredChanges, findKeysOfChanges, hasChanges } from '../db/tables/own-notifications.js';
import {
  type DeliveryChannels,
  deleteExpiredNotifications,
  purgeDeliveredData,
  purgeExpiredData,
} from '../db/tables/retention.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';
import type { DeliveryQueue } from '../queue/delivery-queue.js';

export interface DeliverySweepOptions extends PeriodicTaskOptions {
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly channels: DeliveryChannels;
  readonly queue: DeliveryQueue;
  readonly log: Logger;
  readonly now: () => number;
  /** How long data is retained after its delivery, in days. */
  readonly keepDays: number;
}

/** The limit of one sweep; the next one enqueues the rest. */
const MAX_KEYS = 1_000;
const REENCRYPT_BATCH_SIZE = 200;
/** The data of a notification that was never delivered is deleted after this time. */
const KEEP_DATA_MS = 30 * DAY;
const KEEP_ROWS_MS = 90 * DAY;

export class DeliverySweep extends PeriodicTask {
  readonly #options: DeliverySweepOptions;
  #cleanedUpAt = 0;

  constructor(options: DeliverySweepOptions) {
    super(options);
    this.#options = options;
  }

  protected override async run(): Promise<void> {
    const { log, now } = this.#options;
    try {
      await this.#enqueueDue();
      if (now() - this.#cleanedUpAt > HOUR) await this.#deleteExpired();
    } catch (error) {
      if (isUnavailable(error))
        log.warn({ err: error }, 'the database or the queue is unavailable; the next delivery sweep retries');
      else log.error({ err: error }, 'the delivery sweep failed; the next one retries');
    }
  }

  async #enqueueDue(): Promise<void> {
    const { db, channels, queue, now } = this.#options;
    await assignPositions(db);
    const keys = [
      ...(await findDueDeliveries(db, channels, new Date(now()), MAX_KEYS)),
      ...(await findKeysOfChanges(db, channels, MAX_KEYS)),
    ];
    for (const key of keys) await queue.enqueue({ to: 'webhook', ...key });
    if (channels.byQueue && ((await findUnqueuedNotifications(db, 1)).length > 0 || (await hasChanges(db))))
      await queue.enqueue({ to: 'queue' });
  }

  /** Also encrypts anew what is encrypted with a former key. */
  async #deleteExpired(): Promise<void> {
    const { db, encryptor, channels, keepDays, now } = this.#options;
    const at = new Date(now());
    const ago = (ms: number): Date => new Date(at.getTime() - ms);
    await purgeDeliveredData(db, channels, ago(keepDays * DAY), at);
    await purgeExpiredData(db, ago(KEEP_DATA_MS), at);
    await deleteExpiredChanges(db, ago(KEEP_DATA_MS));
    await deleteExpiredNotifications(db, ago(KEEP_ROWS_MS), at);
    await encryptAccounts(db, encryptor);
    while ((await reencryptNotifications(db, encryptor, REENCRYPT_BATCH_SIZE)) === REENCRYPT_BATCH_SIZE);
    this.#cleanedUpAt = at.getTime();
  }
}
