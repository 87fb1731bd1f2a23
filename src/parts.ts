/** The parts of a running engine, put together from its options. What is opened is closed again in reverse. */
import type { FileConfig } from './config/schema.js';
import type { EventsResult } from './intake/apply-events.js';
import { OccupancyWorker } from './intake/occupancy-worker.js';
import type { Logger } from './log.js';
import { OCCUPANCY_QUEUE } from './queue/names.js';
import { PublishQueue } from './queue/publish-queue.js';
import { type JobQueue, pingRedis, Queues } from './queue/queues.js';
import type { Role } from './roles.js';
import { type Database, openDatabase } from './store/database.js';
import type { Db } from './store/schema.js';
import { Budget } from './sync/budget.js';
import { Clients } from './sync/clients.js';
import { PublishWorker } from './sync/publish-worker.js';
import { Reconciler } from './sync/reconciler.js';
import { Sweep } from './sync/sweep.js';

export interface PartsOptions {
  readonly databaseUrl?: string | undefined;
  readonly data: string;
  readonly redisUrl?: string | undefined;
  readonly roles: readonly Role[];
  readonly publish: FileConfig['publish'];
  readonly log: Logger;
  readonly now: () => number;
  readonly random: () => number;
  readonly onProgress?: ((message: string) => void) | undefined;
  /** Run as soon as the record is open, before anything works on it. */
  readonly prepare: (db: Db) => Promise<void>;
  /** Takes events off the queue into the record. */
  readonly apply: (events: readonly unknown[]) => Promise<EventsResult>;
}

export interface Parts {
  readonly database: Database;
  readonly queues: Queues;
  readonly occupancyQueue: JobQueue;
  readonly publishQueue: PublishQueue;
  /** Begins the work of this process's roles. */
  run(): Promise<void>;
  /** Waits for what is in hand, then closes everything. */
  close(): Promise<void>;
}

/** Connections beside those of the calendars at work: each worker listens on one, and the API asks. */
const OTHER_CONNECTIONS = 12;

export async function openParts(options: PartsOptions): Promise<Parts> {
  const { log, redisUrl, publish } = options;
  const onError = tellOnce(log);
  // Redis answers at once or not at all; a first start of the embedded database takes seconds.
  if (redisUrl !== undefined) await pingRedis(redisUrl);
  const database = await open(options, onError);
  const queues = new Queues({
    store:
      redisUrl === undefined ? { kind: 'database', pool: database.pool } : { kind: 'redis', url: redisUrl },
    onError,
    lockMs: publish.lockMs,
  });
  try {
    await queues.connect();
    await options.prepare(database.db);
  } catch (error) {
    await queues.close();
    await database.close();
    throw error;
  }
  return assemble(options, database, queues);
}

async function open(options: PartsOptions, onError: (error: Error) => void): Promise<Database> {
  const { databaseUrl, data, onProgress, publish } = options;
  return await openDatabase(
    databaseUrl === undefined
      ? { folder: data, ...(onProgress === undefined ? {} : { onProgress }) }
      : { url: databaseUrl, poolSize: publish.concurrency + OTHER_CONNECTIONS, onError },
  );
}

function assemble(options: PartsOptions, database: Database, queues: Queues): Parts {
  const { log, now, random, roles, apply } = options;
  const { concurrency, debounceMs, timeoutMs, verify, mostEntries, sweepSeconds } = options.publish;
  const { db } = database;
  const publishQueue = new PublishQueue(queues, { debounceMs });
  const clients = new Clients({ requestTimeoutMs: timeoutMs, now });
  const budget = new Budget({ db, now, requestTimeoutMs: timeoutMs });
  const reconciler = new Reconciler(
    { db, clients, budget, log, now, random, verify, mostEntries, requestTimeoutMs: timeoutMs },
    concurrency,
  );
  const occupancyWorker = new OccupancyWorker({ queues, log, apply });
  const publishWorker = new PublishWorker({
    queues,
    log,
    concurrency,
    reconcile: (calendar, urgency) => reconciler.reconcile(calendar, urgency),
  });
  const sweep = new Sweep({
    db,
    log,
    now,
    everyMs: sweepSeconds * 1000,
    wake: (calendar, urgency) => publishQueue.wake(calendar, urgency),
  });
  return {
    database,
    queues,
    occupancyQueue: queues.queue(OCCUPANCY_QUEUE),
    publishQueue,
    run: async () => {
      if (roles.includes('worker')) {
        await occupancyWorker.start();
        publishWorker.start();
      }
      await queues.ready();
      if (roles.includes('scheduler')) sweep.start();
    },
    close: async () => {
      await sweep.stop();
      await Promise.all([occupancyWorker.stop(), publishWorker.stop()]);
      await queues.close();
      await clients.close();
      await database.close();
    },
  };
}

const AGAIN_AFTER_MS = 30_000;

/** A server that is away breaks every connection again and again, and each says so in the same words. */
function tellOnce(log: Logger): (error: Error) => void {
  const told = new Map<string, number>();
  return (error) => {
    const before = told.get(error.message);
    if (before !== undefined && performance.now() - before < AGAIN_AFTER_MS) return;
    if (told.size > 100) told.clear();
    told.set(error.message, performance.now());
    log.warn({ err: error }, 'a connection broke and is made anew');
  };
}
