/** Out to the clinic: webhook, feed and queue, put together, and what the engine asks of them. */
import type { Logger } from 'pino';
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import type { AccountCache } from '../db/tables/account-cache.js';
import { type Destination, getAccount } from '../db/tables/accounts.js';
import {
  type DeliveryKey,
  endAllWaits,
  notificationTotals,
  retryDeliveriesNow,
} from '../db/tables/deliveries.js';
import {
  type AddedNotification,
  type Feed,
  type FeedQuery,
  getNotification,
  type NotificationItem,
} from '../db/tables/notifications.js';
import type { WaysOut } from '../db/tables/retention.js';
import { Bulkhead } from '../lib/bulkhead.js';
import type { PrivateAddresses } from '../lib/private-addresses.js';
import type { Timers } from '../lib/timers.js';
import { type DeliveryJob, DeliveryQueue } from '../queue/delivery-queue.js';
import { DELIVERY_QUEUE, NOTIFICATION_QUEUE } from '../queue/queue-names.js';
import type { Queues } from '../queue/queues.js';
import { DeliverySweep } from './delivery-sweep.js';
import { DeliveryWorker } from './delivery-worker.js';
import { destinationOf } from './destination.js';
import { Dispatcher, type DispatchResult } from './dispatcher.js';
import { waitForFeed } from './follow-feed.js';
import { JobCoalescer } from './job-coalescer.js';
import { PmsQueuePublisher } from './pms-queue-publisher.js';
import { Signal } from './signal.js';
import { Webhooks } from './webhooks.js';

export interface DeliveryOptions {
  readonly db: Db;
  readonly accounts: AccountCache;
  readonly queues: Queues;
  readonly encryptor: Encryptor;
  readonly log: Logger;
  readonly now: () => number;
  readonly timers: Timers;
  readonly random: () => number;
  /** The webhook of accounts without one of their own. */
  readonly webhook: Destination | undefined;
  /** Whether there is a queue for a PMS that takes jobs. */
  readonly queue: boolean;
  readonly keepDays: number;
  readonly timeoutMs: number;
  readonly everyMs: number;
  /** For webhooks that were named over HTTP; default: none may be asked. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

export interface DeliveryStatus {
  /** Notifications that wait to be delivered by webhook. */
  readonly undelivered: number;
  /** Those that could not be delivered, and those that could not be read. */
  readonly failed: number;
  /** Milliseconds since the oldest undelivered one came; 0 when there is none. */
  readonly lag: number;
}

export interface WaitForFeedQuery extends FeedQuery {
  readonly waitMs?: number | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** Most of them only wait for an answer. */
const CONCURRENCY = 128;
/** To one clinic at the same time, and fewer where there are many: however slow they are, another one has its place. */
const MAX_TO_ONE = 8;
/** A calendar whose clinic has all of its places is sent away for so long at most. */
const MAX_WAIT_MS = 30_000;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #stopping = new AbortController();
  readonly #newItems: Signal;
  readonly #jobsToEnqueue = new JobCoalescer((keys) => this.#queueUp(keys));
  readonly #queue: DeliveryQueue;
  readonly #pmsQueuePublisher: PmsQueuePublisher | undefined;
  readonly #webhooks: Webhooks;
  readonly #dispatcher: Dispatcher;
  readonly #worker: DeliveryWorker;
  readonly #round: DeliverySweep;
  readonly #ways: WaysOut;

  constructor(options: DeliveryOptions) {
    const { db, queues, encryptor, log, now, timers, random, webhook, timeoutMs, everyMs, keepDays } =
      options;
    this.#options = options;
    this.#newItems = new Signal(timers);
    this.#ways = {
      byWebhook: webhook === undefined ? 'accounts with their own' : 'all accounts',
      byQueue: options.queue,
    };
    this.#queue = new DeliveryQueue(queues);
    this.#pmsQueuePublisher = options.queue ? new PmsQueuePublisher({ queues, db, now }) : undefined;
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
        maxPerKey: MAX_TO_ONE,
        maxWaitMs: MAX_WAIT_MS,
        now,
      }),
      forAll: webhook,
      stopping: this.#stopping.signal,
    });
    this.#worker = new DeliveryWorker({
      queues,
      log,
      concurrency: CONCURRENCY,
      deliver: (job) => this.#deliver(job),
      isDue: async (job) => job.to === 'webhook' && (await this.#dispatcher.isDue(job)),
      retryNow: (jobId) => this.#queue.retryNow(jobId),
    });
    const enqueue = (job: DeliveryJob): Promise<void> => this.#queue.enqueue(job);
    this.#round = new DeliverySweep({
      db,
      encryptor,
      ways: this.#ways,
      enqueue,
      log,
      now,
      timers,
      everyMs,
      keepDays,
    });
  }

  /** Before the queues are ready: their workers begin when they are. */
  startWorker(): void {
    this.#worker.start();
  }

  startRound(): void {
    this.#round.start();
  }

  /** Ends what waits for news, and waits for what is on its way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#newItems.close();
    await this.#jobsToEnqueue.settled();
    await this.#round.stop();
    await this.#worker.stop();
    this.#webhooks.close();
  }

  /**
   * Has notifications brought out soon, and tells those who wait at the feed. To be called after the commit: they are
   * in the record, and what cannot be queued now, the round finds later. So this neither takes time nor fails.
   */
  enqueue(added: readonly AddedNotification[]): void {
    if (added.length === 0) return;
    this.#newItems.announce();
    this.#jobsToEnqueue.add(added);
  }

  /** Has a calendar's open ones tried at once, whatever they wait for. Never fails, like `wake`. */
  async retryNow(key: DeliveryKey): Promise<void> {
    await this.#try(() => this.#queue.enqueue({ to: 'webhook', ...key }, true));
  }

  /**
   * Has everything that waits for the account's clinic tried at once, also what is of another account of the same webhook.
   * @returns whether anything waited
   */
  async retryClinic(account: string): Promise<boolean> {
    const { db, webhook } = this.#options;
    const found = await getAccount(db, account);
    const url = found && destinationOf(found, webhook)?.url;
    if (url === undefined) return false;
    const keys = await endAllWaits(db, { url, isForAll: url === webhook?.url });
    for (const key of keys) await this.retryNow(key);
    return keys.length > 0;
  }

  /** After an account was changed: what waits may have another webhook now. */
  async accountChanged(account: string): Promise<void> {
    for (const key of await retryDeliveriesNow(this.#options.db, account)) await this.retryNow(key);
  }

  /** The feed; where nothing is there yet, after a wait. */
  async follow({ waitMs = 0, signal, ...query }: WaitForFeedQuery): Promise<Feed> {
    const { db, encryptor, timers } = this.#options;
    return await waitForFeed(query, { db, encryptor, newItems: this.#newItems, timers, waitMs, signal });
  }

  async get(id: string): Promise<NotificationItem | undefined> {
    return await getNotification(this.#options.db, this.#options.encryptor, id);
  }

  async status(): Promise<DeliveryStatus> {
    const { db, now } = this.#options;
    const { undelivered, failed, oldest } = await notificationTotals(db, this.#ways);
    return { undelivered, failed, lag: oldest === null ? 0 : Math.max(0, now() - oldest.getTime()) };
  }

  /** Jobs by state, for each of its queues. */
  async counts(): Promise<{ readonly [queue: string]: { readonly [state: string]: number } }> {
    const [deliveries, notifications] = await Promise.all([
      this.#queue.counts(),
      this.#pmsQueuePublisher?.counts(),
    ]);
    return {
      [DELIVERY_QUEUE]: deliveries,
      ...(notifications === undefined ? {} : { [NOTIFICATION_QUEUE]: notifications }),
    };
  }

  async #deliver(job: DeliveryJob): Promise<DispatchResult> {
    if (job.to === 'webhook') return await this.#dispatcher.bring(job);
    await this.#pmsQueuePublisher?.run();
    return { kind: 'done' };
  }

  async #queueUp(keys: readonly DeliveryKey[]): Promise<void> {
    await this.#try(async () => {
      for (const key of keys) {
        if (await this.#hasWebhook(key)) await this.#queue.enqueue({ to: 'webhook', ...key });
      }
      if (this.#ways.byQueue) await this.#queue.enqueue({ to: 'queue' });
    });
  }

  async #hasWebhook({ account }: DeliveryKey): Promise<boolean> {
    const { webhook, accounts } = this.#options;
    return webhook !== undefined || (await accounts.get(account))?.delivery !== undefined;
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        'the queue cannot be reached; the round will find what is undelivered',
      );
    }
  }
}
