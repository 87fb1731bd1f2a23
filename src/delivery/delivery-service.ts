/** Delivers notifications to clinics by webhook, feed and queue: the service that the engine uses. */
import type { Logger } from 'pino';
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import type { AccountCache } from '../db/tables/account-cache.js';
import { type Destination, getAccount } from '../db/tables/accounts.js';
import {
  countNotifications,
  type DeliveryKey,
  retryAllDeliveriesOfWebhook,
  retryDeliveriesOfAccount,
} from '../db/tables/deliveries.js';
import {
  type AddedNotification,
  assignPositions,
  type Feed,
  type FeedQuery,
  findNotification,
  type NotificationItem,
} from '../db/tables/notifications.js';
import type { DeliveryChannels } from '../db/tables/retention.js';
import { Bulkhead } from '../lib/bulkhead.js';
import type { Metrics } from '../lib/metrics.js';
import { MicroBatcher } from '../lib/micro-batcher.js';
import type { PrivateAddresses } from '../lib/private-addresses.js';
import type { Timers } from '../lib/timers.js';
import { type DeliveryJob, DeliveryQueue } from '../queue/delivery-queue.js';
import { DELIVERY_QUEUE, NOTIFICATION_QUEUE } from '../queue/queue-names.js';
import type { Queues } from '../queue/queues.js';
import { DeliverySweep } from './delivery-sweep.js';
import { DeliveryWorker } from './delivery-worker.js';
import { destinationOf } from './destination.js';
import { Dispatcher, type DispatchResult } from './dispatcher.js';
import { distinctKeys } from './distinct-keys.js';
import { waitForFeed } from './follow-feed.js';
import { PmsQueuePublisher } from './pms-queue-publisher.js';
import { Signal } from './signal.js';
import { Webhooks } from './webhooks.js';

export interface DeliveryOptions {
  readonly db: Db;
  readonly accounts: AccountCache;
  readonly queues: Queues;
  readonly encryptor: Encryptor;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly timers: Timers;
  readonly random: () => number;
  /** The webhook of accounts without one of their own. */
  readonly webhook: Destination | undefined;
  /** Whether notifications are published to a queue that the PMS consumes. */
  readonly queue: boolean;
  readonly keepDays: number;
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** The interval of the delivery sweep. */
  readonly everyMs: number;
  /** Private addresses that webhooks put over HTTP may name; default: none. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

export interface DeliveryStatus {
  /** Notifications that wait to be delivered by webhook. */
  readonly undelivered: number;
  /** Notifications that could not be delivered, and those that could not be parsed. */
  readonly failed: number;
  /** The age of the oldest undelivered notification in milliseconds; 0 when there is none. */
  readonly lag: number;
}

export interface WaitForFeedQuery extends FeedQuery {
  readonly waitMs?: number | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** High, because most active jobs only wait for a response. */
const CONCURRENCY = 128;
/** Concurrent deliveries to one webhook, and fewer where there are many webhooks: slow ones do not block the others. */
const MAX_PER_WEBHOOK = 8;
/** The longest delay of a calendar whose webhook has all of its places occupied. */
const MAX_WAIT_MS = 30_000;
/** The limit of enqueueing one batch; a later batch does not wait longer for it. */
const ENQUEUE_LIMIT_MS = 60_000;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #stopping = new AbortController();
  readonly #newItems: Signal;
  /** Combines notifications that are added while the queue is busy, so that many become one job per calendar. */
  readonly #toEnqueue: MicroBatcher<readonly DeliveryKey[]>;
  /** The latest batch; earlier ones end before it. */
  #enqueuing: Promise<void> = Promise.resolve();
  readonly #queue: DeliveryQueue;
  readonly #pmsQueuePublisher: PmsQueuePublisher | undefined;
  readonly #webhooks: Webhooks;
  readonly #dispatcher: Dispatcher;
  readonly #worker: DeliveryWorker;
  readonly #sweep: DeliverySweep;
  readonly #channels: DeliveryChannels;

  constructor(options: DeliveryOptions) {
    const { db, queues, encryptor, log, now, timers, random, webhook, timeoutMs, everyMs, keepDays } =
      options;
    this.#options = options;
    this.#newItems = new Signal(timers);
    this.#toEnqueue = new MicroBatcher<readonly DeliveryKey[]>(
      async (added) => {
        await this.#enqueueJobs(distinctKeys(added.flat()));
        return [];
      },
      { timers, maxSize: Number.POSITIVE_INFINITY, limitMs: ENQUEUE_LIMIT_MS },
    );
    this.#channels = {
      byWebhook: webhook === undefined ? 'accounts with their own' : 'all accounts',
      byQueue: options.queue,
    };
    this.#queue = new DeliveryQueue(queues);
    this.#pmsQueuePublisher = options.queue
      ? new PmsQueuePublisher({ queues, db, encryptor, now })
      : undefined;
    this.#webhooks = new Webhooks({ timeoutMs, now, privateAddresses: options.privateAddresses });
    this.#dispatcher = new Dispatcher({
      db,
      encryptor,
      log,
      now,
      random,
      webhooks: this.#webhooks,
      retryNow: (key) => this.retryNow(key),
      bulkhead: new Bulkhead({
        concurrency: CONCURRENCY,
        maxPerKey: MAX_PER_WEBHOOK,
        maxWaitMs: MAX_WAIT_MS,
        now,
      }),
      fallback: webhook,
      stopping: this.#stopping.signal,
    });
    this.#worker = new DeliveryWorker({
      queues,
      log,
      concurrency: CONCURRENCY,
      deliver: (job) => this.#deliver(job),
      isDue: async (job) => job.to === 'webhook' && (await this.#dispatcher.isDue(job)),
      queue: this.#queue,
    });
    this.#sweep = new DeliverySweep({
      db,
      encryptor,
      channels: this.#channels,
      queue: this.#queue,
      log,
      now,
      timers,
      everyMs,
      keepDays,
    });
  }

  /** Call before the queues are ready: the worker begins when they are. */
  startWorker(): void {
    this.#worker.start();
  }

  startSweep(): void {
    this.#sweep.start();
  }

  /** Ends the requests that wait for new items, and waits for the active deliveries. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#newItems.close();
    await this.#enqueuing;
    await this.#sweep.stop();
    await this.#worker.stop();
    this.#webhooks.close();
  }

  /**
   * Enqueues the delivery of notifications, counts the conflicts among them, and ends the waits for new feed items. Call after
   * the commit. It neither blocks nor fails: the delivery sweep enqueues later what the queue does not accept now.
   */
  enqueue(added: readonly AddedNotification[]): void {
    if (added.length === 0) return;
    this.#options.metrics.doubleBookings.inc(added.filter(({ name }) => name === 'conflict').length);
    this.#enqueue(added);
  }

  /** The same for own changes of a calendar, which the delivery makes notifications of. */
  enqueueOwn(account: string, calendar: string): void {
    this.#enqueue([{ account, calendar, own: true }]);
  }

  /** Retries a calendar's open notifications at once, whatever they wait for. Never fails. */
  async retryNow(key: DeliveryKey): Promise<void> {
    await this.#logFailure(() => this.#queue.enqueue({ to: 'webhook', ...key }, true));
  }

  /**
   * Retries at once everything that waits for the account's webhook, also of other accounts with the same webhook.
   * @returns whether anything waited
   */
  async retryClinic(account: string): Promise<boolean> {
    const { db, webhook } = this.#options;
    const found = await getAccount(db, account);
    const url = found && destinationOf(found, webhook)?.url;
    if (url === undefined) return false;
    const keys = await retryAllDeliveriesOfWebhook(db, { url, isDefault: url === webhook?.url });
    for (const key of keys) await this.retryNow(key);
    return keys.length > 0;
  }

  /** Retries what waits after an account was changed, because its webhook may be another one. */
  async accountChanged(account: string): Promise<void> {
    for (const key of await retryDeliveriesOfAccount(this.#options.db, account)) await this.retryNow(key);
  }

  /** The feed, after positions were assigned; waits up to `waitMs` for the first item. */
  async followFeed({ waitMs = 0, signal, ...query }: WaitForFeedQuery): Promise<Feed> {
    const { db, encryptor, now, timers } = this.#options;
    return await waitForFeed(query, { db, encryptor, newItems: this.#newItems, now, timers, waitMs, signal });
  }

  async get(id: string): Promise<NotificationItem | undefined> {
    const { db, encryptor } = this.#options;
    await assignPositions(db);
    return await findNotification(db, encryptor, id);
  }

  async status(): Promise<DeliveryStatus> {
    const { db, now } = this.#options;
    const { undelivered, failed, oldest } = await countNotifications(db, this.#channels);
    return { undelivered, failed, lag: oldest === null ? 0 : Math.max(0, now() - oldest.getTime()) };
  }

  /** The number of jobs by state, for each queue of deliveries. */
  async counts(): Promise<{ readonly [queue: string]: { readonly [state: string]: number } }> {
    const [deliveries, notifications] = await Promise.all([
      this.#queue.countJobs(),
      this.#pmsQueuePublisher?.counts(),
    ]);
    return {
      [DELIVERY_QUEUE]: deliveries,
      ...(notifications === undefined ? {} : { [NOTIFICATION_QUEUE]: notifications }),
    };
  }

  async #deliver(job: DeliveryJob): Promise<DispatchResult> {
    if (job.to === 'webhook') return await this.#dispatcher.deliver(job);
    await this.#pmsQueuePublisher?.publish();
    return { kind: 'done' };
  }

  #enqueue(keys: readonly DeliveryKey[]): void {
    this.#newItems.notify();
    // A batch that exceeds the limit goes on, and logs its own failure.
    this.#enqueuing = this.#toEnqueue.add(keys).catch(() => undefined);
  }

  async #enqueueJobs(keys: readonly DeliveryKey[]): Promise<void> {
    await this.#logFailure(async () => {
      for (const key of keys) {
        if (await this.#hasWebhook(key)) await this.#queue.enqueue({ to: 'webhook', ...key });
      }
      if (this.#channels.byQueue) await this.#queue.enqueue({ to: 'queue' });
    });
  }

  async #hasWebhook({ account }: DeliveryKey): Promise<boolean> {
    const { webhook, accounts } = this.#options;
    return webhook !== undefined || (await accounts.get(account))?.delivery !== undefined;
  }

  async #logFailure(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        'the queue is unavailable; the delivery sweep enqueues what is undelivered',
      );
    }
  }
}
