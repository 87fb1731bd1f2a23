/** The parts of a running engine, put together from its options. What is opened is closed again in reverse. */

import type { Role } from './api/roles.js';
import { linkAndNotify } from './clinic/booking-links.js';
import { EventBatcher } from './clinic/event-batcher.js';
import { OccupancyWorker } from './clinic/occupancy-worker.js';
import { type PullOptions, pullSource } from './clinic/snapshots/pull-source.js';
import { serializeRejectedEvent } from './clinic/stored-event.js';
import type { FileConfig } from './config/schema.js';
import type { Dependencies } from './context/context.js';
import { retryAfterMs } from './context/retry-after-failure.js';
import { MINUTE } from './core/duration.js';
import { HIGHEST_PRIORITY, LOWEST_PRIORITY, VERIFICATION_PRIORITY } from './core/index.js';
import type { Encryptor } from './crypto/encryptor.js';
import { type Database, openDatabase } from './db/database.js';
import type { EmbeddedDatabase } from './db/embedded.js';
import type { Db } from './db/schema.js';
import { AccountCache } from './db/tables/account-cache.js';
import { decryptAccount } from './db/tables/account-secrets.js';
import type { Link } from './db/tables/linked-bookings.js';
import type { PendingCalendar } from './db/tables/pending-calendars.js';
import { saveRejectedEvent } from './db/tables/rejected-events.js';
import { askClinic } from './delivery/ask-clinic.js';
import { Delivery } from './delivery/delivery-service.js';
import type { Logger } from './lib/log.js';
import type { PrivateAddresses } from './lib/private-addresses.js';
import { type Timers, withTimeout } from './lib/timers.js';
import { BookingService } from './linked-bookings/booking-service.js';
import { RequeueSweep } from './maintenance/requeue-sweep.js';
import { ReadinessProbe } from './monitoring/readiness.js';
import { notifyConflictsOfBooking } from './notifications/conflicts.js';
import { NotificationService } from './notifications/notification-service.js';
import { horizonOf } from './publishing/horizon.js';
import { PublishQueue } from './queue/publish-queue.js';
import { OCCUPANCY_QUEUE } from './queue/queue-names.js';
import { type JobQueue, pingRedis, Queues } from './queue/queues.js';
import { ResyncQueue } from './queue/resync-queue.js';
import { ClientPool } from './rate-limit/client-pool.js';
import { RateLimiter } from './rate-limit/limiter.js';
import { PublishWorker } from './reconciler/publish-worker.js';
import { Reconciler } from './reconciler/reconciler.js';
import { Schedules } from './resync/nightly.js';
import { ResyncWorker } from './resync/worker.js';
import { openEncryptor } from './setup/encryption.js';
import { openEmbeddedOf } from './setup/open-embedded.js';

export interface ContainerOptions {
  readonly databaseUrl?: string | undefined;
  readonly data: string;
  readonly embedded?: EmbeddedDatabase | undefined;
  readonly redisUrl?: string | undefined;
  readonly statementMs: number | undefined;
  readonly redisMs: number | undefined;
  readonly roles: readonly Role[];
  readonly publish: FileConfig['publish'];
  readonly resync: FileConfig['resync'];
  /** Takes a snapshot of the clinic into the record. */
  readonly takeSnapshot: PullOptions['apply'];
  readonly delivery: FileConfig['delivery'];
  readonly encryptionKey?: string | undefined;
  readonly privateAddresses: PrivateAddresses;
  readonly log: Logger;
  readonly now: () => number;
  readonly timers: Timers;
  readonly random: () => number;
  readonly onProgress?: ((message: string) => void) | undefined;
  /** Called where the embedded database has ended. */
  readonly onDatabaseLost: (error: Error) => void;
  /** Run as soon as the record is open, before anything works on it. */
  readonly prepare: (db: Db, encryptor: Encryptor) => Promise<void>;
}

export interface Container {
  readonly database: Database;
  readonly queues: Queues;
  readonly occupancyQueue: JobQueue;
  readonly publishQueue: PublishQueue;
  readonly events: EventBatcher;
  /**
   * Has calendars published soon. What is wanted is in the record already: if the queue cannot be reached, the sweep
   * finds it later, so this never fails.
   */
  enqueue(calendars: readonly PendingCalendar[]): Promise<void>;
  readonly bookings: BookingService;
  /** Ties bookings that the record knows to appointments, or to none. */
  link(links: readonly Link[]): Promise<void>;
  readonly accounts: AccountCache;
  readonly encryptor: Encryptor;
  readonly delivery: Delivery;
  readonly inbox: NotificationService;
  readonly readiness: ReadinessProbe;
  readonly resyncQueue: ResyncQueue;
  /** Wakes what waits for a resync, and queues what lost its job. */
  resyncRound(): Promise<void>;
  /** What a run of a calendar works with. */
  readonly dependencies: Dependencies;
  /** Begins the work of this process's roles. */
  run(): Promise<void>;
  /** Waits for what is in hand, some seconds at most, then closes everything. @returns whether all of it was finished */
  close(): Promise<boolean>;
}

/** Connections beside those of the calendars at work: each worker listens on one, and the API asks. */
const OTHER_CONNECTIONS = 16;
/** For what is in hand at the end, in milliseconds: a statement that PostgreSQL does not answer is given up by then. */
const FINISH_MS = 12_000;
const CLOSE_MS = 2_000;
/** How long the jobs of calendars are waited for, in milliseconds. */
const WAKE_MS = 2_000;

export async function openContainer(options: ContainerOptions): Promise<Container> {
  const { redisUrl, publish } = options;
  const onError = tellOnce(options);
  // Redis answers at once or not at all; a first start of the embedded database takes seconds.
  if (redisUrl !== undefined) await pingRedis(redisUrl, options.redisMs);
  const database = await open(options, onError);
  const queues = new Queues({
    store:
      redisUrl === undefined ? { kind: 'database', pool: database.pool } : { kind: 'redis', url: redisUrl },
    onError,
    lockMs: publish.lockMs,
    answerMs: options.redisMs,
    timers: options.timers,
  });
  try {
    const { encryptionKey, databaseUrl, data } = options;
    const encryptor = openEncryptor({ encryptionKey, folder: databaseUrl === undefined ? data : undefined });
    await queues.connect();
    await options.prepare(database.db, encryptor);
    database.setStatementTimeout(options.statementMs);
    return assemble(options, database, queues, encryptor);
  } catch (error) {
    await queues.close();
    await database.close();
    throw error;
  }
}

async function open(options: ContainerOptions, onError: (error: Error) => void): Promise<Database> {
  const { databaseUrl, embedded, publish } = options;
  return await openDatabase(
    databaseUrl === undefined
      ? { embedded: embedded ?? (await openEmbeddedOf(options)) }
      : { url: databaseUrl, poolSize: publish.concurrency + OTHER_CONNECTIONS, onError },
  );
}

function assemble(
  options: ContainerOptions,
  database: Database,
  queues: Queues,
  encryptor: Encryptor,
): Container {
  const { log, now, timers, random, roles, privateAddresses } = options;
  const { concurrency, debounceMs, leading, timeoutMs, verify, maxEntries, sweepSeconds } = options.publish;
  const { db } = database;
  const accounts = new AccountCache({ db, encryptor, now });
  const publishQueue = new PublishQueue(queues, { debounceMs, leading, now });
  const clients = new ClientPool({ log, requestTimeoutMs: timeoutMs, now, encryptor, privateAddresses });
  const rateLimiter = new RateLimiter({ db, log, now, requestTimeoutMs: timeoutMs });
  const dependencies: Dependencies = {
    db,
    clients,
    rateLimiter,
    log,
    now,
    timers,
    random,
    verify,
    maxEntries,
    requestTimeoutMs: timeoutMs,
    encryptor,
    deliver: (added) => delivery.enqueue(added),
    notifyConflicts: async (moved) =>
      delivery.enqueue(await notifyConflictsOfBooking(db, encryptor, moved, now())),
  };
  const reconciler = new Reconciler(dependencies, concurrency);
  const queueUp = async (calendars: readonly PendingCalendar[]): Promise<void> => {
    try {
      await publishQueue.enqueue(calendars);
    } catch (error) {
      const about = { err: error, calendars: calendars.map(({ calendar }) => calendar).slice(0, 10) };
      log.warn(about, 'the queue cannot be reached; the sweep will find what is wanted');
    }
  };
  // Whoever waits for it has committed already, and waits no longer for a queue that does not answer.
  const enqueueAll = async (calendars: readonly PendingCalendar[]): Promise<void> =>
    void (await withTimeout(timers, WAKE_MS, queueUp(calendars)));
  const enqueue = (calendar: string, priority: number): Promise<void> => enqueueAll([{ calendar, priority }]);
  const link = async (asked: readonly Link[]): Promise<void> =>
    delivery.enqueue(await linkAndNotify(db, encryptor, asked, now()));
  const bookings = new BookingService({
    dependencies,
    link: (one) => link([one]),
    enqueue: (calendar) => enqueue(calendar, HIGHEST_PRIORITY),
  });
  const events = new EventBatcher({
    db,
    encryptor,
    now,
    timers,
    enqueue: enqueueAll,
    deliver: (added) => delivery.enqueue(added),
  });
  const occupancyWorker = new OccupancyWorker({
    queues,
    log,
    timers,
    apply: (batch) => events.apply(batch),
    saveRejected: (event, reason) =>
      saveRejectedEvent(db, { data: serializeRejectedEvent(event), reason }, new Date(now())),
  });
  const publishWorker = new PublishWorker({
    queues,
    log,
    concurrency,
    reconcile: (calendar, priority) => reconciler.reconcile(calendar, priority),
  });
  const { url, secret, approvalUrl, queue, keepDays, timeoutMs: deliveryTimeoutMs } = options.delivery;
  const delivery = new Delivery({
    db,
    accounts,
    queues,
    encryptor,
    log,
    now,
    timers,
    random,
    webhook: url === undefined || secret === undefined ? undefined : { url, secret },
    queue,
    keepDays,
    timeoutMs: deliveryTimeoutMs,
    everyMs: sweepSeconds * 1000,
    privateAddresses,
  });
  const inbox = new NotificationService({
    db,
    diskSpace: database.diskSpace,
    encryptor,
    log,
    now,
    timers,
    enqueue,
    requestTimeoutMs: timeoutMs,
    pollEveryMs: sweepSeconds * 1000,
    horizon: (account) => horizonOf(account.timeZone, now()),
    client: (account) =>
      clients.clientFor(account).withGate(rateLimiter.gate(account, VERIFICATION_PRIORITY)),
    // The lowest priority: many calendars are read, and notifications must not wait for them.
    pollingClient: (account) =>
      clients.clientFor(account).withGate(rateLimiter.gate(account, LOWEST_PRIORITY)),
    backoff: (account, error, failures) => retryAfterMs(dependencies, account, error, failures),
    deliver: (added) => delivery.enqueue(added),
    requestApproval: (account, question) =>
      askClinic(
        { forAll: secret === undefined ? undefined : { secret, approvalUrl }, now, timers, privateAddresses },
        decryptAccount(encryptor, account),
        question,
      ),
  });
  const resyncQueue = new ResyncQueue(queues);
  const spreadMs = (options.resync?.spreadMinutes ?? 0) * MINUTE;
  const resyncWorker = new ResyncWorker({
    db,
    queues,
    queue: resyncQueue,
    log,
    now,
    enqueue,
    enqueueAgainMs: sweepSeconds * 4_000,
    spreadMs,
    fetch: async (account, signal) => {
      const { problems, ...did } = await pullSource(decryptAccount(encryptor, account), {
        db,
        now,
        signal,
        apply: options.takeSnapshot,
        privateAddresses,
      });
      log.info({ account: account.id, problems: problems.length, ...did }, 'a source was read');
      return {
        reasons: problems.map(({ line, reason }) =>
          line === undefined ? reason : `line ${line}: ${reason}`,
        ),
        unknown: did.unknown,
        omitted: did.omitted,
      };
    },
  });
  const schedules = new Schedules({
    db,
    queue: resyncQueue,
    log,
    now,
    timers,
    cron: options.resync?.cron,
    spreadMs,
  });
  const sweep = new RequeueSweep({
    db,
    log,
    now,
    timers,
    everyMs: sweepSeconds * 1000,
    enqueue: (calendars) => publishQueue.enqueue(calendars),
    also: () => resyncWorker.round(),
  });
  return {
    database,
    queues,
    occupancyQueue: queues.queue(OCCUPANCY_QUEUE),
    publishQueue,
    events,
    enqueue: enqueueAll,
    link,
    bookings,
    accounts,
    encryptor,
    delivery,
    inbox,
    readiness: new ReadinessProbe({ db, queues, log, now, timers }),
    resyncQueue,
    resyncRound: () => resyncWorker.round(),
    dependencies,
    run: async () => {
      if (roles.includes('worker')) {
        await occupancyWorker.start();
        publishWorker.start();
        delivery.startWorker();
        resyncWorker.start();
      }
      await queues.ready();
      if (roles.includes('worker')) inbox.start();
      if (roles.includes('scheduler')) {
        await schedules.begin();
        schedules.start();
        sweep.start();
        delivery.startRound();
      }
    },
    close: async () => {
      const finishing = Promise.allSettled([
        sweep.stop(),
        schedules.stop(),
        resyncWorker.stop(),
        publishWorker.stop(),
        occupancyWorker.stop(),
        inbox.stop().then(() => delivery.stop()),
      ]);
      const stopped = await withTimeout(timers, FINISH_MS, finishing);
      // Everything is closed all the same.
      const failed = stopped?.filter((one) => one.status === 'rejected') ?? [];
      for (const { reason } of failed) log.warn({ err: reason }, 'a part could not be stopped in good order');
      const isFinished = stopped !== undefined && failed.length === 0 && !queues.isCutOff;
      if (!isFinished)
        log.warn('what was in hand was not finished in time; it is done again from the record');
      await queues.close();
      await withTimeout(timers, CLOSE_MS, clients.close());
      await database.close();
      return isFinished;
    },
  };
}

const AGAIN_AFTER_MS = 30_000;

/** A server that is away breaks every connection again and again, and each says so in the same words. */
function tellOnce({ log, now }: Pick<ContainerOptions, 'log' | 'now'>): (error: Error) => void {
  const told = new Map<string, number>();
  return (error) => {
    const before = told.get(error.message);
    if (before !== undefined && now() - before < AGAIN_AFTER_MS) return;
    if (told.size > 100) told.clear();
    told.set(error.message, now());
    log.warn({ err: error }, 'a connection broke and is made anew');
  };
}
