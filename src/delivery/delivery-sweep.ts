/**
 * The round: finds what is to be brought to clinics and has no job, and removes what has been kept long enough. It runs
 * by a timer and not by the queue, since it exists for when the queue fails.
 */
import type { Logger } from 'pino';
import type { Sealer } from '../crypto/encryptor.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { dueKeys, unqueued } from '../db/tables/deliveries.js';
import { sealAccounts } from '../db/tables/encrypt-accounts.js';
import { giveOutPositions } from '../db/tables/notifications.js';
import {
  forgetNotifications,
  purgeDelivered,
  purgeOld,
  resealNotifications,
  type WaysOut,
} from '../db/tables/retention.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';
import type { DeliveryJob } from '../queue/delivery-queue.js';

export interface RoundOptions extends PeriodicTaskOptions {
  readonly db: Db;
  readonly sealer: Sealer;
  readonly ways: WaysOut;
  readonly wake: (job: DeliveryJob) => Promise<void>;
  readonly log: Logger;
  readonly now: () => number;
  /** How long data is kept once it was delivered, in days. */
  readonly keepDays: number;
}

/** In one round, at most; the rest comes with the next. */
const MOST_KEYS = 1_000;
const RESEALED_AT_A_TIME = 200;
const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
/** Data of what nobody took goes after this, all the same. */
const KEEP_DATA_MS = 30 * DAY;
const KEEP_ROWS_MS = 90 * DAY;

export class Round extends PeriodicTask {
  readonly #options: RoundOptions;
  #tidiedAt = 0;

  constructor(options: RoundOptions) {
    super(options);
    this.#options = options;
  }

  protected override async run(): Promise<void> {
    const { log, now } = this.#options;
    try {
      await this.#wakeDue();
      if (now() - this.#tidiedAt > HOUR) await this.#tidy();
    } catch (error) {
      if (isUnavailable(error))
        log.warn({ err: error }, 'the round of deliveries could not reach what it needs');
      else log.error({ err: error }, 'the round of deliveries failed');
    }
  }

  async #wakeDue(): Promise<void> {
    const { db, ways, wake, now } = this.#options;
    await giveOutPositions(db);
    for (const key of await dueKeys(db, ways, new Date(now()), MOST_KEYS))
      await wake({ to: 'webhook', ...key });
    if (ways.byQueue && (await unqueued(db, 1)).length > 0) await wake({ to: 'queue' });
  }

  async #tidy(): Promise<void> {
    const { db, sealer, ways, keepDays, now } = this.#options;
    const at = new Date(now());
    const ago = (ms: number): Date => new Date(at.getTime() - ms);
    await purgeDelivered(db, ways, ago(keepDays * DAY), at);
    await purgeOld(db, ago(KEEP_DATA_MS), at);
    await forgetNotifications(db, ago(KEEP_ROWS_MS), at);
    await sealAccounts(db, sealer);
    while ((await resealNotifications(db, sealer, RESEALED_AT_A_TIME)) === RESEALED_AT_A_TIME);
    this.#tidiedAt = at.getTime();
  }
}
