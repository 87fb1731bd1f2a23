/** The parts of a running engine, put together from its options. What is opened is closed again in reverse. */

import type { Role } from './api/roles.js';
import { linkByHand } from './clinic/booking-links.js';
import { EventIntake } from './clinic/event-batcher.js';
import { OccupancyWorker } from './clinic/occupancy-worker.js';
import { type PullOptions, pullSource } from './clinic/snapshots/pull-source.js';
import { keptEvent } from './clinic/stored-event.js';
import type { FileConfig } from './config/schema.js';
import type { Means } from './context/context.js';
import { askAgainAfterMs } from './context/retry-after-failure.js';
import { HEARING, LEAST_URGENT, MOST_URGENT } from './core/index.js';
import type { Sealer } from './crypto/encryptor.js';
import { type Database, openDatabase } from './db/database.js';
import type { Embedded } from './db/embedded.js';
import type { Db } from './db/schema.js';
import { RememberedAccounts } from './db/tables/account-cache.js';
import { openedAccount } from './db/tables/account-secrets.js';
import type { Link } from './db/tables/linked-bookings.js';
import type { WantedCalendar } from './db/tables/pending-calendars.js';
import { saveRefusedEvent } from './db/tables/rejected-events.js';
import { askClinic } from './delivery/ask-clinic.js';
import { Delivery } from './delivery/delivery-service.js';
import type { Logger } from './lib/log.js';
import type { PrivateAddresses } from './lib/private-addresses.js';
import { type Timers, within } from './lib/timers.js';
import { BookingDesk } from './linked-bookings/booking-service.js';
import { Sweep } from './maintenance/requeue-sweep.js';
import { ReadinessProbe } from './monitoring/readiness.js';
import { tellConflictsOfBooking } from './notifications/conflicts.js';
import { Inbox } from './notifications/notification-service.js';
import { horizonOf } from './publishing/horizon.js';
import { PublishQueue } from './queue/publish-queue.js';
import { OCCUPANCY_QUEUE } from './queue/queue-names.js';
import { type JobQueue, pingRedis, Queues } from './queue/queues.js';
import { ResyncQueue } from './queue/resync-queue.js';
import { Clients } from './rate-limit/client-pool.js';
import { Budget } from './rate-limit/limiter.js';
import { PublishWorker } from './reconciler/publish-worker.js';
import { Reconciler } from './reconciler/reconciler.js';
import { Schedules } from './resync/nightly.js';
import { ResyncWorker } from './resync/worker.js';
import { openSealer } from './setup/encryption.js';
import { openEmbeddedOf } from './setup/open-embedded.js';

export interface PartsOptions {
  readonly databaseUrl?: string | undefined;
  readonly data: string;
  readonly embedded?: Embedded | undefined;
  readonly redisUrl?: string | undefined;
  readonly statementMs: number | undefined;
  readonly redisMs: number | undefined;
  readonly roles: readonly Role[];
  readonly publish: FileConfig['publish'];
  readonly resync: FileConfig['resync'];
  /** Takes a snapshot of the clinic into the record. */
  readonly takeSnapshot: PullOptions['take'];
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
  readonly prepare: (db: Db, sealer: Sealer) => Promise<void>;
}

export interface Parts {
  readonly database: Database;
  readonly queues: Queues;
  readonly occupancyQueue: JobQueue;
  readonly publishQueue: PublishQueue;
  readonly events: EventIntake;
  /**
   * Has calendars published soon. What is wanted is in the record already: if the queue cannot be reached, the sweep
   * finds it later, so this never fails.
   */
  wake(calendars: readonly WantedCalendar[]): Promise<void>;
  readonly bookings: BookingDesk;
  /** Ties bookings that the record knows to appointments, or to none. */
  link(links: readonly Link[]): Promise<void>;
  readonly accounts: RememberedAccounts;
  readonly sealer: Sealer;
  readonly delivery: Delivery;
  readonly inbox: Inbox;
  readonly readiness: ReadinessProbe;
  readonly resyncQueue: ResyncQueue;
  /** Wakes what waits for a resync, and queues what lost its job. */
  resyncRound(): Promise<void>;
  /** What a run of a calendar works with. */
  readonly means: Means;
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

export async function openParts(options: PartsOptions): Promise<Parts> {
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
    const sealer = openSealer({ encryptionKey, folder: databaseUrl === undefined ? data : undefined });
    await queues.connect();
    await options.prepare(database.db, sealer);
    database.limitStatements(options.statementMs);
    return assemble(options, database, queues, sealer);
  } catch (error) {
    await queues.close();
    await database.close();
    throw error;
  }
}

async function open(options: PartsOptions, onError: (error: Error) => void): Promise<Database> {
  const { databaseUrl, embedded, publish } = options;
  return await openDatabase(
    databaseUrl === undefined
      ? { embedded: embedded ?? (await openEmbeddedOf(options)) }
      : { url: databaseUrl, poolSize: publish.concurrency + OTHER_CONNECTIONS, onError },
  );
}

function assemble(options: PartsOptions, database: Database, queues: Queues, sealer: Sealer): Parts {
  const { log, now, timers, random, roles, privateAddresses } = options;
  const { concurrency, debounceMs, leading, timeoutMs, verify, mostEntries, sweepSeconds } = options.publish;
  const { db } = database;
  const accounts = new RememberedAccounts({ db, sealer, now });
  const publishQueue = new PublishQueue(queues, { debounceMs, leading, now });
  const clients = new Clients({ log, requestTimeoutMs: timeoutMs, now, sealer, privateAddresses });
  const budget = new Budget({ db, log, now, requestTimeoutMs: timeoutMs });
  const means: Means = {
    db,
    clients,
    budget,
    log,
    now,
    timers,
    random,
    verify,
    mostEntries,
    requestTimeoutMs: timeoutMs,
    sealer,
    deliver: (added) => delivery.wake(added),
    tellConflicts: async (moved) => delivery.wake(await tellConflictsOfBooking(db, sealer, moved, now())),
  };
  const reconciler = new Reconciler(means, concurrency);
  const queueUp = async (calendars: readonly WantedCalendar[]): Promise<void> => {
    try {
      await publishQueue.wake(calendars);
    } catch (error) {
      const about = { err: error, calendars: calendars.map(({ calendar }) => calendar).slice(0, 10) };
      log.warn(about, 'the queue cannot be reached; the sweep will find what is wanted');
    }
  };
  // Whoever waits for it has committed already, and waits no longer for a queue that does not answer.
  const wakeAll = async (calendars: readonly WantedCalendar[]): Promise<void> =>
    void (await within(timers, WAKE_MS, queueUp(calendars)));
  const wake = (calendar: string, urgency: number): Promise<void> => wakeAll([{ calendar, urgency }]);
  const link = async (asked: readonly Link[]): Promise<void> =>
    delivery.wake(await linkByHand(db, sealer, asked, now()));
  const bookings = new BookingDesk({
    means,
    link: (one) => link([one]),
    wake: (calendar) => wake(calendar, MOST_URGENT),
  });
  const events = new EventIntake({
    db,
    sealer,
    now,
    timers,
    wake: wakeAll,
    deliver: (added) => delivery.wake(added),
  });
  const occupancyWorker = new OccupancyWorker({
    queues,
    log,
    timers,
    apply: (batch) => events.apply(batch),
    refuse: (event, reason) => saveRefusedEvent(db, { data: keptEvent(event), reason }, new Date(now())),
  });
  const publishWorker = new PublishWorker({
    queues,
    log,
    concurrency,
    reconcile: (calendar, urgency) => reconciler.reconcile(calendar, urgency),
  });
  const { url, secret, approvalUrl, queue, keepDays, timeoutMs: deliveryTimeoutMs } = options.delivery;
  const delivery = new Delivery({
    db,
    accounts,
    queues,
    sealer,
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
  const inbox = new Inbox({
    db,
    room: database.room,
    sealer,
    log,
    now,
    timers,
    wake,
    requestTimeoutMs: timeoutMs,
    findEveryMs: sweepSeconds * 1000,
    horizon: (account) => horizonOf(account.timeZone, now()),
    marketplace: (account) => clients.of(account).through(budget.gate(account, HEARING)),
    // Work of the day like any other: many calendars are read, and what is said must not wait for them.
    lookedFor: (account) => clients.of(account).through(budget.gate(account, LEAST_URGENT)),
    backoff: (account, error, failures) => askAgainAfterMs(means, account, error, failures),
    deliver: (added) => delivery.wake(added),
    askClinic: (account, question) =>
      askClinic(
        { forAll: secret === undefined ? undefined : { secret, approvalUrl }, now, timers, privateAddresses },
        openedAccount(sealer, account),
        question,
      ),
  });
  const resyncQueue = new ResyncQueue(queues);
  const spreadMs = (options.resync?.spreadMinutes ?? 0) * 60_000;
  const resyncWorker = new ResyncWorker({
    db,
    queues,
    queue: resyncQueue,
    log,
    now,
    wake,
    wakeAgainMs: sweepSeconds * 4_000,
    spreadMs,
    fetch: async (account, signal) => {
      const take = options.takeSnapshot;
      const { problems, ...did } = await pullSource(openedAccount(sealer, account), {
        db,
        now,
        signal,
        take,
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
  const sweep = new Sweep({
    db,
    log,
    now,
    timers,
    everyMs: sweepSeconds * 1000,
    wake: (calendars) => publishQueue.wake(calendars),
    also: () => resyncWorker.round(),
  });
  return {
    database,
    queues,
    occupancyQueue: queues.queue(OCCUPANCY_QUEUE),
    publishQueue,
    events,
    wake: wakeAll,
    link,
    bookings,
    accounts,
    sealer,
    delivery,
    inbox,
    readiness: new ReadinessProbe({ db, queues, log, now, timers }),
    resyncQueue,
    resyncRound: () => resyncWorker.round(),
    means,
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
      const stopped = await within(timers, FINISH_MS, finishing);
      // Everything is closed all the same.
      const failed = stopped?.filter((one) => one.status === 'rejected') ?? [];
      for (const { reason } of failed) log.warn({ err: reason }, 'a part could not be stopped in good order');
      const isFinished = stopped !== undefined && failed.length === 0 && !queues.isCutOff;
      if (!isFinished)
        log.warn('what was in hand was not finished in time; it is done again from the record');
      await queues.close();
      await within(timers, CLOSE_MS, clients.close());
      await database.close();
      return isFinished;
    },
  };
}

const AGAIN_AFTER_MS = 30_000;

/** A server that is away breaks every connection again and again, and each says so in the same words. */
function tellOnce({ log, now }: Pick<PartsOptions, 'log' | 'now'>): (error: Error) => void {
  const told = new Map<string, number>();
  return (error) => {
    const before = told.get(error.message);
    if (before !== undefined && now() - before < AGAIN_AFTER_MS) return;
    if (told.size > 100) told.clear();
    told.set(error.message, now());
    log.warn({ err: error }, 'a connection broke and is made anew');
  };
}
