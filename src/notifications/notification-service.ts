/** What the marketplace says, put together: pushed, pulled, asked for again, looked for, and answered where it asks. */
import type { Logger } from 'pino';
import type { Encryptor } from '../crypto/encryptor.js';
import type { DiskSpace } from '../db/disk-space.js';
import type { Db } from '../db/schema.js';
import type { Account } from '../db/tables/accounts.js';
import type { AddedNotification } from '../db/tables/notifications.js';
import type { DocplannerClient } from '../docplanner/index.js';
import { MicroBatcher } from '../lib/micro-batcher.js';
import type { Timers } from '../lib/timers.js';
import { type AccountTask, AccountTasks } from './account-tasks.js';
import { Approvals, type AskClinic } from './approvals.js';
import { ingestOrDeadLetter } from './dead-letter.js';
import { ingestNotifications, type Source } from './ingest.js';
import { MissedBookingPoller } from './missed-booking-poller.js';
import type { NotificationSubject } from './parsed-notification.js';
import { pullingNotifications } from './pull.js';
import { type Pushed, receivePush } from './receive-push.js';
import { redelivering } from './redelivery.js';

export interface NotificationServiceOptions {
  readonly db: Db;
  /** Of the embedded database. What the marketplace says is taken in where there is some, and asked for only then. */
  readonly room?: DiskSpace | undefined;
  readonly encryptor: Encryptor;
  readonly log: Logger;
  readonly now: () => number;
  readonly timers: Timers;
  /** For hearing what it has to say. */
  readonly marketplace: (account: Account) => DocplannerClient;
  /** For looking for what it has not said. */
  readonly lookedFor: (account: Account) => DocplannerClient;
  /** How long until something that failed so often is tried again, in milliseconds. */
  readonly backoff: (account: Account, error: unknown, failures: number) => Promise<number>;
  /** Has a calendar published soon. Never fails. */
  readonly enqueue: (calendar: string, priority: number) => Promise<void>;
  /** Has notifications brought to the clinic soon. Never fails. */
  readonly deliver: (added: readonly AddedNotification[]) => void;
  readonly askClinic: AskClinic;
  /** How long one request to the marketplace can take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How often it is looked for calendars whose bookings are to be read, in milliseconds. */
  readonly findEveryMs: number;
  /** The dates that can be published, both included: over these bookings are looked for. */
  readonly horizon: (account: Account) => { readonly from: string; readonly to: string };
}

const LOOK_EVERY_MS = 1_000;
/** Pushes in one transaction, and how long it may take: a connection that hangs holds no later ones. */
const MAX_PUSHES = 100;
const COMMIT_WITHIN_MS = 15_000;
/** Where many are pushed, the next one is here within this time, in milliseconds. */
const GAP_MS = 2;

export class NotificationService {
  readonly #options: NotificationServiceOptions;
  readonly #stopping = new AbortController();
  readonly #approvals: Approvals;
  readonly #accountTasks: readonly AccountTasks[];
  readonly #finder: MissedBookingPoller;
  /** By account. */
  readonly #pushed = new Map<string, MicroBatcher<NotificationSubject>>();
  readonly #enqueueing = new Set<Promise<void>>();

  constructor(options: NotificationServiceOptions) {
    const { db, log, now, timers, marketplace, backoff, askClinic, requestTimeoutMs, findEveryMs, horizon } =
      options;
    this.#options = options;
    const { room } = options;
    this.#approvals = new Approvals({ db, now, askClinic });
    const take = (account: Account, subjects: readonly NotificationSubject[], source: Source) =>
      this.#take(account, subjects, source);
    const shared = {
      db,
      log,
      now,
      timers,
      everyMs: LOOK_EVERY_MS,
      leaseMs: requestTimeoutMs * 3,
    };
    const stopping = this.#stopping.signal;
    const accountTasks = (accountTask: AccountTask): AccountTasks => {
      const wanted = (account: Account): boolean => accountTask.wanted(account) && room?.isShort !== true;
      return new AccountTasks({ ...shared, accountTask: { ...accountTask, wanted } });
    };
    this.#accountTasks = [
      accountTasks(pullingNotifications({ marketplace, take, now, timers, backoff, stopping, log })),
      accountTasks(redelivering({ marketplace, backoff })),
    ];
    this.#finder = new MissedBookingPoller({
      db,
      marketplace: options.lookedFor,
      take,
      backoff,
      log,
      now,
      timers,
      horizon,
      everyMs: findEveryMs,
    });
  }

  start(): void {
    for (const accountTasks of this.#accountTasks) accountTasks.start();
    this.#finder.start();
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([
      ...this.#accountTasks.map((accountTasks) => accountTasks.stop()),
      this.#finder.stop(),
    ]);
    await Promise.all(this.#enqueueing);
  }

  /** Resolves when it is committed, or answered. */
  async receive(account: Account, body: Buffer): Promise<Pushed> {
    const { room } = this.#options;
    const take = async (to: Account, subject: NotificationSubject): Promise<void> => {
      const taking = (): Promise<void> => this.#takePushed(to, subject);
      await (room === undefined ? taking() : room.runWithSpace(body.length, taking));
    };
    return await receivePush({ approvals: this.#approvals, take, now: this.#options.now }, account, body);
  }

  /** What is pushed while others are being committed is committed with one another. */
  async #takePushed(account: Account, subject: NotificationSubject): Promise<void> {
    const batcher = this.#pushed.get(account.id) ?? this.#batchesOf(account);
    this.#pushed.set(account.id, batcher);
    await batcher.add(subject);
  }

  #batchesOf(account: Account): MicroBatcher<NotificationSubject> {
    const commit = async (subjects: readonly NotificationSubject[]) => {
      await this.#take(account, subjects, 'push');
      return subjects.map(() => undefined);
    };
    const { timers } = this.#options;
    return new MicroBatcher<NotificationSubject>(commit, {
      timers,
      maxSize: MAX_PUSHES,
      limitMs: COMMIT_WITHIN_MS,
      gapMs: GAP_MS,
    });
  }

  async #take(account: Account, subjects: readonly NotificationSubject[], source: Source): Promise<void> {
    await ingestOrDeadLetter(subjects, (some) => this.#commit(account, some, source));
  }

  async #commit(account: Account, subjects: readonly NotificationSubject[], source: Source): Promise<void> {
    const { db, encryptor, log, now, enqueue, deliver } = this.#options;
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
      log.error({ account: account.id, name, problem }, 'a notification could not be read; it is kept');
    }
    deliver(added);
    // Committed is committed: who waits for that does not wait for the queue, too.
    for (const { calendar, priority } of jobsToEnqueue) {
      const enqueueing = enqueue(calendar, priority).finally(() => this.#enqueueing.delete(enqueueing));
      this.#enqueueing.add(enqueueing);
    }
  }
}
