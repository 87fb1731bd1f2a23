/** The services of a running engine, created from its options. They are closed in the reverse order of their creation. */

import type { Role } from './api/roles.js';
import { EventBatcher } from './clinic/event-batcher.js';
import { OccupancyWorker } from './clinic/occupancy-worker.js';
import { type PullOptions, pullSource } from './clinic/snapshots/pull-source.js';
import type { FileConfig } from './config/schema.js';
import type { Dependencies } from './context/context.js';
import { retryAfterMs } from './context/retry-after-failure.js';
import { MINUTE } from './core/duration.js';
import { LOWEST_PRIORITY, VERIFICATION_PRIORITY } from './core/index.js';
import type { Encryptor } from './crypto/encryptor.js';
import { type Database, openDatabase } from './db/database.js';
import type { EmbeddedDatabase } from './db/embedded.js';
import type { Db } from './db/schema.js';
import { AccountCache } from './db/tables/account-cache.js';
import { decryptAccount } from './db/tables/account-secrets.js';
import { askClinic } from './delivery/ask-clinic.js';
import { Delivery } from './delivery/delivery-service.js';
import type { Logger } from './lib/log.js';
import { Metrics } from './lib/metrics.js';
import type { PrivateAddresses } from './lib/private-addresses.js';
import { type Timers, withTimeout } from './lib/timers.js';
import { BookingLinker } from './linked-bookings/booking-linker.js';
import { BookingService } from './linked-bookings/booking-service.js';
import { RequeueSweep } from './maintenance/requeue-sweep.js';
import { ReadinessProbe } from './monitoring/readiness.js';
import { NotificationService } from './notifications/notification-service.js';
import { horizonOf } from './publishing/horizon.js';
import { PublishEnqueuer } from './queue/publish-enqueuer.js';
import { PublishQueue } from './queue/publish-queue.js';
import { OCCUPANCY_QUEUE } from './queue/queue-names.js';
import { type JobQueue, pingRedis, Queues } from './queue/queues.js';
import { ResyncQueue } from './queue/resync-queue.js';
import { ClientPool } from './rate-limit/client-pool.js';
import { RateLimiter } from './rate-limit/limiter.js';
import { PublishWorker } from './reconciler/publish-worker.js';
import { Reconciler } from './reconciler/reconciler.js';
import { createNightlyTask } from './resync/nightly.js';
import { ResyncWorker } from './resync/worker.js';
import { openEncryptor } from './setup/encryption.js';
import { openEmbeddedOf } from './setup/open-embedded.js';
import { ScheduledTasks } from './tasks/scheduled-tasks.js';

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
  /** Applies a snapshot that was fetched from a clinic's source. */
  readonly takeSnapshot: PullOptions['apply'];
  readonly delivery: FileConfig['delivery'];
  readonly history: FileConfig['history'];
  readonly encryptionKey?: string | undefined;
  readonly privateAddresses: PrivateAddresses;
  readonly log: Logger;
  readonly now: () => number;
  readonly timers: Timers;
  readonly random: () => number;
  readonly onProgress?: ((message: string) => void) | undefined;
  /** Called when the embedded database has stopped. */
  readonly onDatabaseLost: (error: Error) => void;
  /** Called when the database is open, before any service uses it. */
  readonly prepare: (db: Db, encryptor: Encryptor) => Promise<void>;
}

export interface Container {
  readonly database: Database;
  readonly queues: Queues;
  readonly occupancyQueue: JobQueue;
  readonly publishQueue: PublishQueue;
  readonly events: EventBatcher;
  readonly enqueuer: PublishEnqueuer;
  readonly bookings: BookingService;
  readonly linker: BookingLinker;
  readonly accounts: AccountCache;
  readonly encryptor: Encryptor;
  readonly delivery: Delivery;
  readonly inbox: NotificationService;
  readonly readiness: ReadinessProbe;
  readonly metrics: Metrics;
  readonly resyncQueue: ResyncQueue;
  readonly resyncWorker: ResyncWorker;
  /** The dependencies of a reconcile. */
  readonly dependencies: Dependencies;
  /** Starts the services of this process's roles. */
  start(): Promise<void>;
  /** Waits some seconds at most for the active work, then closes everything. @returns whether all work was finished */
  close(): Promise<boolean>;
}

/** Connections in addition to those of active calendars: each worker listens on one, and the API runs queries. */
const OTHER_CONNECTIONS = 16;
/** The wait for active work on close, in milliseconds. It exceeds the timeout of a statement that PostgreSQL does not answer. */
const FINISH_MS = 12_000;
const CLOSE_MS = 2_000;

export async function openContainer(options: ContainerOptions): Promise<Container> {
  const { redisUrl, publish } = options;
  const onError = logConnectionErrors(options);
  // Redis is checked first, because the embedded database takes seconds to start.
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
    return createServices(options, database, queues, encryptor);
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

function createServices(
  options: ContainerOptions,
  database: Database,
  queues: Queues,
  encryptor: Encryptor,
): Container {
  const { log, now, timers, random, roles, privateAddresses } = options;
  const {
    concurrency,
    debounceMs,
    leading,
    timeoutMs,
    verify,
    mostEntries: maxEntries,
    sweepSeconds,
  } = options.publish;
  const { db } = database;
  const metrics = new Metrics();
  const accounts = new AccountCache({ db, encryptor, now });
  const publishQueue = new PublishQueue(queues, { debounceMs, leading, now });
  const { url, secret, approvalUrl, queue, keepDays, timeoutMs: deliveryTimeoutMs } = options.delivery;
  const ownNotifications = options.delivery.events;
  const delivery = new Delivery({
    db,
    accounts,
    queues,
    encryptor,
    log,
    metrics,
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
  const clients = new ClientPool({ log, requestTimeoutMs: timeoutMs, now, encryptor, privateAddresses });
  const rateLimiter = new RateLimiter({ db, log, now, requestTimeoutMs: timeoutMs, ownNotifications });
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
    delivery,
    ownNotifications,
    metrics,
  };
  const reconciler = new Reconciler(dependencies, concurrency);
  const enqueuer = new PublishEnqueuer({ publishQueue, log, timers });
  const linker = new BookingLinker({ db, encryptor, delivery, now });
  const bookings = new BookingService({ dependencies, linker, enqueuer });
  const events = new EventBatcher({ db, encryptor, now, timers, enqueuer, delivery });
  const occupancyWorker = new OccupancyWorker({ db, queues, log, now, timers, events });
  const publishWorker = new PublishWorker({
    queues,
    log,
    concurrency,
    reconciler,
  });
  const inbox = new NotificationService({
    db,
    diskSpace: database.diskSpace,
    encryptor,
    log,
    now,
    timers,
    enqueuer,
    delivery,
    requestTimeoutMs: timeoutMs,
    pollEveryMs: sweepSeconds * 1000,
    horizon: (account) => horizonOf(account.timeZone, now()),
    client: (account) =>
      clients.clientFor(account).withGate(rateLimiter.gate(account, VERIFICATION_PRIORITY)),
    // The lowest priority: many calendars are read, and notifications must not wait for them.
    pollingClient: (account) =>
      clients.clientFor(account).withGate(rateLimiter.gate(account, LOWEST_PRIORITY)),
    backoff: (account, error, failures) => retryAfterMs(dependencies, account, error, failures),
    requestApproval: (account, question) =>
      askClinic(
        {
          fallback: secret === undefined ? undefined : { secret, approvalUrl },
          now,
          timers,
          privateAddresses,
        },
        decryptAccount(encryptor, account),
        question,
      ),
  });
  const resyncQueue = new ResyncQueue(queues);
  const resyncWorker = new ResyncWorker({
    db,
    queues,
    queue: resyncQueue,
    log,
    now,
    enqueuer,
    enqueueAgainMs: sweepSeconds * 4_000,
    fetch: async (account, signal) => {
      const { problems, ...result } = await pullSource(decryptAccount(encryptor, account), {
        db,
        now,
        signal,
        apply: options.takeSnapshot,
        privateAddresses,
      });
      log.info({ account: account.id, problems: problems.length, ...result }, 'a source was read');
      return {
        reasons: problems.map(({ line, reason }) =>
          line === undefined ? reason : `line ${line}: ${reason}`,
        ),
        unknown: result.unknown,
        omitted: result.omitted,
      };
    },
  });
  const nightly =
    options.resync &&
    new ScheduledTasks({
      db,
      log,
      now,
      timers,
      everyMs: sweepSeconds * 1000,
      leaseMs: MINUTE,
      scheduledTask: createNightlyTask({
        db,
        log,
        now,
        queue: resyncQueue,
        cron: options.resync.cron,
        spreadMs: options.resync.spreadMinutes * MINUTE,
      }),
    });
  const sweep = new RequeueSweep({
    db,
    log,
    now,
    timers,
    everyMs: sweepSeconds * 1000,
    historyDays: options.history.keepDays,
    ownNotifications,
    publishQueue,
    resyncWorker,
  });
  return {
    database,
    queues,
    occupancyQueue: queues.openQueue(OCCUPANCY_QUEUE),
    publishQueue,
    events,
    enqueuer,
    linker,
    bookings,
    accounts,
    encryptor,
    delivery,
    inbox,
    readiness: new ReadinessProbe({ db, queues, log, now, timers }),
    metrics,
    resyncQueue,
    resyncWorker,
    dependencies,
    start: async () => {
      if (roles.includes('worker')) {
        await occupancyWorker.start();
        publishWorker.start();
        delivery.startWorker();
        resyncWorker.start();
      }
      await queues.waitUntilReady();
      if (roles.includes('worker')) inbox.start();
      if (roles.includes('scheduler')) {
        nightly?.start();
        sweep.start();
        delivery.startSweep();
      }
    },
    close: async () => {
      const stopping = Promise.allSettled([
        sweep.stop(),
        nightly?.stop(),
        resyncWorker.stop(),
        publishWorker.stop(),
        occupancyWorker.stop(),
        inbox.stop().then(() => delivery.stop()),
      ]);
      const stopped = await withTimeout(timers, FINISH_MS, stopping);
      const failed = stopped?.filter((result) => result.status === 'rejected') ?? [];
      for (const { reason } of failed)
        log.warn({ err: reason }, 'a service could not be stopped; it is closed');
      const isFinished = stopped !== undefined && failed.length === 0 && !queues.hasInterruptedJobs;
      if (!isFinished)
        log.warn('the active work was not finished in time; the next start repeats it from the database');
      await queues.close();
      await withTimeout(timers, CLOSE_MS, clients.close());
      await database.close();
      return isFinished;
    },
  };
}

const REPEAT_LOG_AFTER_MS = 30_000;
const MAX_LOGGED_MESSAGES = 100;

/** Logs each message once per interval, because an unavailable server breaks every connection repeatedly. */
function logConnectionErrors({ log, now }: Pick<ContainerOptions, 'log' | 'now'>): (error: Error) => void {
  const loggedAt = new Map<string, number>();
  return (error) => {
    const last = loggedAt.get(error.message);
    if (last !== undefined && now() - last < REPEAT_LOG_AFTER_MS) return;
    if (loggedAt.size > MAX_LOGGED_MESSAGES) loggedAt.clear();
    loggedAt.set(error.message, now());
    log.warn({ err: error }, 'a connection was lost; the engine reconnects');
  };
}
