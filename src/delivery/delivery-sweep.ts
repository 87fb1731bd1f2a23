/**
 * The round: finds what is to be brought to clinics and has no job, and removes what has been kept long enough. It runs
 * by a timer and not by the queue, since it exists for when the queue fails.
 */
import type { Logger } from 'pino';
import { DAY, HOUR } from '../core/duration.js';
import type { Encryptor } from '../crypto/encryptor.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { dueKeys, unqueued } from '../db/tables/deliveries.js';
import { encryptAccounts } from '../db/tables/encrypt-accounts.js';
import { assignPositions } from '../db/tables/notifications.js';
import {
  deleteExpiredNotifications,
  purgeDelivered,
  purgeOld,
  resealNotifications,
  type WaysOut,
} from '../db/tables/retention.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';
import type { DeliveryJob } from '../queue/delivery-queue.js';

export interface DeliverySweepOptions extends PeriodicTaskOptions {
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly ways: WaysOut;
  readonly enqueue: (job: DeliveryJob) => Promise<void>;
  readonly log: Logger;
  readonly now: () => number;
  /** How long data is kept once it was delivered, in days. */
  readonly keepDays: number;
}

/** In one round, at most; the rest comes with the next. */
const MAX_KEYS = 1_000;
const RESEALED_AT_A_TIME = 200;
/** Data of what nobody took goes after this, all the same. */
const KEEP_DATA_MS = 30 * DAY;
const KEEP_ROWS_MS = 90 * DAY;

export class DeliverySweep extends PeriodicTask {
  readonly #options: DeliverySweepOptions;
  #tidiedAt = 0;

  constructor(options: DeliverySweepOptions) {
    super(options);
    this.#options = options;
  }

  protected override async run(): Promise<void> {
    const { log, now } = this.#options;
    try {
      await this.#enqueueDue();
      if (now() - this.#tidiedAt > HOUR) await this.#tidy();
    } catch (error) {
      if (isUnavailable(error))
        log.warn({ err: error }, 'the round of deliveries could not reach what it needs');
      else log.error({ err: error }, 'the round of deliveries failed');
    }
  }

  async #enqueueDue(): Promise<void> {
    const { db, ways, enqueue, now } = this.#options;
    await assignPositions(db);
    for (const key of await dueKeys(db, ways, new Date(now()), MAX_KEYS))
      await enqueue({ to: 'webhook', ...key });
    if (ways.byQueue && (await unqueued(db, 1)).length > 0) await enqueue({ to: 'queue' });
  }

  async #tidy(): Promise<void> {
    const { db, encryptor, ways, keepDays, now } = this.#options;
    const at = new Date(now());
    const ago = (ms: number): Date => new Date(at.getTime() - ms);
    await purgeDelivered(db, ways, ago(keepDays * DAY), at);
    await purgeOld(db, ago(KEEP_DATA_MS), at);
    await deleteExpiredNotifications(db, ago(KEEP_ROWS_MS), at);
    await encryptAccounts(db, encryptor);
    while ((await resealNotifications(db, encryptor, RESEALED_AT_A_TIME)) === RESEALED_AT_A_TIME);
    this.#tidiedAt = at.getTime();
  }
}
