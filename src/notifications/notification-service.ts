/** Runs all channels of the marketplace's notifications: push, pull, redelivery, the poll of missed bookings, and approvals. */
import type { Logger } from 'pino';
import type { Encryptor } from '../crypto/encryptor.js';
import type { DiskSpace } from '../db/disk-space.js';
import type { Db } from '../db/schema.js';
import type { Account } from '../db/tables/accounts.js';
import type { DocplannerClient } from '../docplanner/index.js';
import { MicroBatcher } from '../lib/micro-batcher.js';
import type { Timers } from '../lib/timers.js';
import type { DeliveryEnqueuer } from '../queue/delivery-queue.js';
import type { PublishEnqueuer } from '../queue/publish-enqueuer.js';
import { type ScheduledTask, ScheduledTasks } from '../tasks/scheduled-tasks.js';
import { Approvals, type RequestApproval } from './approvals.js';
import { ingestOrDeadLetter } from './dead-letter.js';
import { ingestNotifications, type Source } from './ingest.js';
import { MissedBookingPoller } from './missed-booking-poller.js';
import type { NotificationSubject } from './parsed-notification.js';
import { createPullTask } from './pull.js';
import { type PushResult, receivePush } from './receive-push.js';
import { createRedeliveryTask } from './redelivery.js';

export interface NotificationServiceOptions {
  readonly db: Db;
  /** The disk space of the embedded database. Notifications are accepted and requested only where some is left. */
  readonly diskSpace?: DiskSpace | undefined;
  readonly encryptor: Encryptor;
  readonly log: Logger;
  readonly now: () => number;
  readonly timers: Timers;
  /** The client for pulling notifications and requesting redelivery. */
  readonly client: (account: Account) => DocplannerClient;
  /** The client for polling missed bookings. */
  readonly pollingClient: (account: Account) => DocplannerClient;
  /** The delay before the next try after so many failures, in milliseconds. */
  readonly backoff: (account: Account, error: unknown, failures: number) => Promise<number>;
  readonly enqueuer: Pick<PublishEnqueuer, 'enqueue'>;
  readonly delivery: DeliveryEnqueuer;
  readonly requestApproval: RequestApproval;
  /** The maximum duration of one request to the marketplace, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** The interval between two checks for calendars whose bookings are due to be read, in milliseconds. */
  readonly pollEveryMs: number;
  /** The first and the last date that can be published; missed bookings are polled over these dates. */
  readonly horizon: (account: Account) => { readonly from: string; readonly to: string };
}

const CHECK_EVERY_MS = 1_000;
/** The number of pushes in one transaction. */
const MAX_PUSHES = 100;
/** The maximum duration of one transaction, in milliseconds, so that a hanging connection does not delay later pushes. */
const COMMIT_LIMIT_MS = 15_000;
/** While many pushes arrive, the next one arrives within this time, in milliseconds. */
const GAP_MS = 2;

export class NotificationService {
  readonly #options: NotificationServiceOptions;
  readonly #stopping = new AbortController();
  readonly #approvals: Approvals;
  readonly #scheduledTasks: readonly ScheduledTasks[];
  readonly #poller: MissedBookingPoller;
  /** Batchers of pushes, by account. */
  readonly #batchers = new Map<string, MicroBatcher<NotificationSubject>>();
  readonly #enqueueing = new Set<Promise<void>>();

  constructor(options: NotificationServiceOptions) {
    const { db, log, now, timers, client, backoff, requestApproval, requestTimeoutMs, diskSpace } = options;
    this.#options = options;
    this.#approvals = new Approvals({ db, now, requestApproval });
    const ingest = (account: Account, subjects: readonly NotificationSubject[], source: Source) =>
      this.#ingest(account, subjects, source);
    const shared = {
      db,
      log,
      now,
      timers,
      everyMs: CHECK_EVERY_MS,
      leaseMs: requestTimeoutMs * 3,
    };
    const stopping = this.#stopping.signal;
    const scheduledTasks = (scheduledTask: ScheduledTask): ScheduledTasks => {
      const isEnabled = (account: Account): boolean =>
        scheduledTask.isEnabled(account) && diskSpace?.isShort !== true;
      return new ScheduledTasks({ ...shared, scheduledTask: { ...scheduledTask, isEnabled } });
    };
    this.#scheduledTasks = [
      scheduledTasks(createPullTask({ client, ingest, now, timers, backoff, stopping, log })),
      scheduledTasks(createRedeliveryTask({ client, backoff })),
    ];
    this.#poller = new MissedBookingPoller({
      db,
      client: options.pollingClient,
      ingest,
      backoff,
      log,
      now,
      timers,
      horizon: options.horizon,
      everyMs: options.pollEveryMs,
    });
  }

  start(): void {
    for (const scheduledTasks of this.#scheduledTasks) scheduledTasks.start();
    this.#poller.start();
  }

  /** Waits for active work. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([
      ...this.#scheduledTasks.map((scheduledTasks) => scheduledTasks.stop()),
      this.#poller.stop(),
    ]);
    await Promise.all(this.#enqueueing);
  }

  /** Resolves when the push is committed, or the request for approval is answered. */
  async receive(account: Account, body: Buffer): Promise<PushResult> {
    const { diskSpace } = this.#options;
    const ingest = async (to: Account, subject: NotificationSubject): Promise<void> => {
      const add = (): Promise<void> => this.#batcherOf(to).add(subject);
      await (diskSpace === undefined ? add() : diskSpace.runWithSpace(body.length, add));
    };
    return await receivePush({ approvals: this.#approvals, ingest, now: this.#options.now }, account, body);
  }

  /** The batcher commits together what is pushed while another batch is being committed. */
  #batcherOf(account: Account): MicroBatcher<NotificationSubject> {
    const known = this.#batchers.get(account.id);
    if (known !== undefined) return known;
    const commit = async (subjects: readonly NotificationSubject[]) => {
      await this.#ingest(account, subjects, 'push');
      return subjects.map(() => undefined);
    };
    const { timers } = this.#options;
    const batcher = new MicroBatcher<NotificationSubject>(commit, {
      timers,
      maxSize: MAX_PUSHES,
      limitMs: COMMIT_LIMIT_MS,
      gapMs: GAP_MS,
    });
    this.#batchers.set(account.id, batcher);
    return batcher;
  }

  async #ingest(account: Account, subjects: readonly NotificationSubject[], source: Source): Promise<void> {
    await ingestOrDeadLetter(subjects, (some) => this.#commit(account, some, source));
  }

  async #commit(account: Account, subjects: readonly NotificationSubject[], source: Source): Promise<void> {
    const { db, encryptor, log, now, enqueuer, delivery } = this.#options;
    const { added, jobsToEnqueue } = await ingestNotifications(
      db,
      encryptor,
      account.id,
      subjects,
      source,
      now(),
    );
    for (const { name, problem } of subjects) {
      if (problem === undefined) continue;
      log.error({ account: account.id, name, problem }, 'a notification cannot be read; it is stored');
    }
    delivery.enqueue(added);
    if (jobsToEnqueue.length === 0) return;
    // A caller waits for the commit only, not for the queue.
    const enqueueing = enqueuer.enqueue(jobsToEnqueue).finally(() => this.#enqueueing.delete(enqueueing));
    this.#enqueueing.add(enqueueing);
  }
}
