/**
 * BullMQ on the database that the record lives in, or on Redis: the one place that knows which. Everything
 * above asks here for a queue or a worker and gets the same thing from either.
 */
import {
  createPostgresBackend,
  isPgPool,
  type Job,
  type JobProgress,
  type PgPool,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
  Queue,
  type QueueOptions,
  runMigrations,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import type pg from 'pg';
import { MINUTE } from '../core/duration.js';
import type { PglitePool } from '../db/pglite-pool.js';
import { ServiceUnavailableError } from '../db/service-unavailable-error.js';
import { systemTimers, type Timers, withTimeout } from '../lib/timers.js';
import { preserveOrder, type Session } from './preserve-order-trigger.js';
import { positionsInDatabase, positionsInRedis, type ReadPositions } from './queue-positions.js';

export type QueueStore =
  | { readonly kind: 'database'; readonly pool: pg.Pool | PglitePool }
  | { readonly kind: 'redis'; readonly url: string };

/** What a job carries; whoever takes it reads it with a schema, because any client can have put it there. */
export type JobData = unknown;
export type JobQueue = Pick<
  Queue<JobData, unknown, string>,
  | 'add'
  | 'addBulk'
  | 'getJob'
  | 'getJobs'
  | 'getJobCounts'
  | 'getJobSchedulers'
  | 'upsertJobScheduler'
  | 'removeJobScheduler'
  | 'removeGlobalConcurrency'
  | 'pause'
  | 'resume'
  | 'obliterate'
  | 'close'
>;
export interface JobWorker {
  /** Takes no more jobs and waits for those in hand. May be called again. */
  close(): Promise<void>;
}
export type Processor = (job: Job<JobData, unknown, string>, token: string | undefined) => Promise<unknown>;

export interface QueuesOptions {
  readonly store: QueueStore;
  /** What goes wrong with the connection; BullMQ mends it by itself. */
  readonly onError: (error: Error) => void;
  /** How long a worker that died keeps its job, in milliseconds. */
  readonly lockMs?: number;
  /** How long Redis may take to answer, in milliseconds; default 8,000. */
  readonly answerMs?: number | undefined;
  readonly timers?: Timers;
}

/** A job that its worker did not finish is never given up for that: its work is wanted whatever happens. */
const NEVER_STALLED_TOO_OFTEN = 1_000_000;
const CONNECT_MS = 5_000;
/** For an answer of Redis. A connection that brings none while one is waited for is destroyed, and made anew. */
const ANSWER_MS = 8_000;
const KEEP_ALIVE_MS = 10_000;
/** How long the jobs in hand may take at the end, and then the closing of what took them, in milliseconds. */
const FINISH_MS = 10_000;
const CLOSE_MS = 2_000;
const ANSWERS_WITHIN_MS = 2_000;

const DEFAULT_LOCK_MS = 20_000;
const FIRST_START = 'slotkeeper.first_start';

/** A server that is away is tried again soon, and then every two seconds. */
const retryStrategy = (times: number): number => Math.min(times * 100, 2_000);

const PROBE_KEY = 'slotkeeper:probe';
const PROBE_KEPT_MS = MINUTE;

/** Whether jobs can be put on the queue. `out-of-memory` and `read-only`: Redis answers, and takes nothing. */
export type QueueState = 'ok' | 'out-of-memory' | 'read-only' | 'unavailable';

export class Queues {
  readonly kind: QueueStore['kind'];
  readonly #options: QueuesOptions;
  readonly #timers: Timers;
  readonly #open: { close(): Promise<void> }[] = [];
  #connecting: Promise<unknown>[] = [];
  #redis: Redis | undefined;
  #forWorkers: Redis | undefined;
  #pool: PgPool | undefined;
  #isCutOff = false;

  constructor(options: QueuesOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.kind = options.store.kind;
  }

  /**
   * Makes sure that the store answers before anything is built on it, and that BullMQ's tables are there.
   * @throws {ServiceUnavailableError}
   */
  async connect(): Promise<void> {
    const { store } = this.#options;
    const { answerMs, onError } = this.#options;
    if (store.kind === 'redis') this.#redis = await connectRedis(store.url, onError, answerMs);
    else this.#pool = await prepareTables(store.pool);
  }

  queue(name: string): JobQueue {
    const { store } = this.#options;
    const queue =
      store.kind === 'redis'
        ? new Queue<JobData, unknown, string>(name, this.#redisOptions())
        : new Queue<
            JobData,
            unknown,
            string,
            JobData,
            unknown,
            string,
            PostgresQueueBackend,
            PostgresConnectionOptions
          >(name, { connection: this.#connectedPool() }, createPostgresBackend);
    queue.on('error', this.#options.onError);
    this.#open.push(queue);
    this.#expect(queue.waitUntilReady());
    return queue;
  }

  worker(name: string, process: Processor, options: Omit<WorkerOptions, 'connection'>): JobWorker {
    const { store, lockMs = DEFAULT_LOCK_MS } = this.#options;
    const inHand = new Set<Promise<unknown>>();
    const run: Processor = (job, token) => {
      const running = process(job, token);
      const over = (): unknown => inHand.delete(running);
      inHand.add(running);
      running.then(over, over);
      return running;
    };
    const shared = {
      lockDuration: lockMs,
      stalledInterval: lockMs / 2,
      maxStalledCount: NEVER_STALLED_TOO_OFTEN,
      runRetryDelay: 1_000,
      autorun: false,
      ...options,
    };
    const worker =
      store.kind === 'redis'
        ? new Worker<JobData, unknown, string>(name, run, {
            ...shared,
            connection: this.#workersRedis(store.url),
          })
        : new Worker<JobData, unknown, string, PostgresQueueBackend, JobProgress, PostgresConnectionOptions>(
            name,
            run,
            { ...shared, connection: this.#connectedPool() },
            createPostgresBackend,
          );
    worker.on('error', this.#options.onError);
    this.#expect(worker.waitUntilReady().then(() => void worker.run().catch(this.#options.onError)));
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closing ??= this.#closeWorker(worker, inHand);
      return closing;
    };
    this.#open.push({ close });
    return { close };
  }

  /** Reads where jobs stand in this queue. */
  positions(name: string): ReadPositions {
    return this.kind === 'redis'
      ? positionsInRedis(this.#connectedRedis(), name)
      : positionsInDatabase(this.#connectedPool(), name);
  }

  /**
   * Takes no more jobs and waits for those in hand. BullMQ would wait for them, and for a store that is away, without end:
   * what is cut off is done again by whoever finds its job later; the record knows how far it came.
   */
  async #closeWorker(
    worker: Pick<Worker, 'pause' | 'close'>,
    inHand: ReadonlySet<Promise<unknown>>,
  ): Promise<void> {
    await worker.pause(true);
    const finished = await withTimeout(this.#timers, FINISH_MS, Promise.allSettled(inHand));
    this.#isCutOff ||= finished === undefined;
    const isCutOff = finished === undefined || (this.kind === 'redis' && (await this.#isAway()));
    // A job that was just taken is in nobody's hand yet: an orderly end waits for it, too.
    await withTimeout(this.#timers, isCutOff ? CLOSE_MS : FINISH_MS, worker.close(isCutOff));
  }

  /** Whether a worker was closed before the jobs in its hand were finished. */
  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  /** Asked, and not read off the connection: one that is lost may not show it yet. */
  async #isAway(): Promise<boolean> {
    if (this.#redis?.status !== 'ready') return true;
    const asked = this.#redis.ping().then(
      () => false,
      () => true,
    );
    return (await withTimeout(this.#timers, ANSWERS_WITHIN_MS, asked)) ?? true;
  }

  #expect(connecting: Promise<unknown>): void {
    connecting.catch(() => undefined); // `ready` tells.
    this.#connecting.push(connecting);
  }

  /**
   * Waits until every queue and worker that was asked for has its connection; workers begin when they have it.
   *
   * BullMQ keeps a first connection to PostgreSQL that failed for ever, and a worker would ask it again in a loop that
   * leaves the process no time for anything else. So one that does not come about is a failure of the start.
   */
  async ready(): Promise<void> {
    const connecting = this.#connecting;
    this.#connecting = [];
    await Promise.all(connecting);
  }

  /** The connection on which all workers take and finish jobs; BullMQ duplicates it for each that waits for one. */
  #workersRedis(url: string): Redis {
    if (this.#forWorkers !== undefined) return this.#forWorkers;
    const { answerMs = ANSWER_MS, onError } = this.#options;
    const redis = new WorkersRedis(url, {
      maxRetriesPerRequest: null,
      retryStrategy,
      connectTimeout: CONNECT_MS,
      keepAlive: KEEP_ALIVE_MS,
      socketTimeout: answerMs,
    });
    redis.on('error', onError);
    this.#forWorkers = redis;
    return redis;
  }

  #redisOptions(): QueueOptions {
    return { connection: this.#connectedRedis(), skipWaitingForReady: true };
  }

  #connectedRedis(): Redis {
    if (this.#redis === undefined) throw new Error('connect() comes before a queue or a worker');
    return this.#redis;
  }

  #connectedPool(): PgPool {
    if (this.#pool === undefined) throw new Error('connect() comes before a queue or a worker');
    return this.#pool;
  }

  /** Whether a job can be put on it, tried by writing a key. With the database it is for the database to say. */
  async tryAdd(): Promise<QueueState> {
    if (this.#redis === undefined) return this.kind === 'redis' ? 'unavailable' : 'ok';
    try {
      await this.#redis.set(PROBE_KEY, '1', 'PX', PROBE_KEPT_MS);
      return 'ok';
    } catch (error) {
      const message = error instanceof Error ? error.message : '';
      if (message.startsWith('OOM')) return 'out-of-memory';
      return /^(READONLY|MISCONF)/.test(message) ? 'read-only' : 'unavailable';
    }
  }

  /** Closes everything within seconds; who waits for jobs in hand has closed their workers before. */
  async close(): Promise<void> {
    const closing = Promise.all(this.#open.splice(0).map((one) => one.close()));
    await withTimeout(this.#timers, ANSWERS_WITHIN_MS + CLOSE_MS, closing);
    this.#redis?.disconnect();
    this.#forWorkers?.disconnect();
    this.#redis = undefined;
    this.#forWorkers = undefined;
  }
}

/**
 * Its duplicates wait for jobs, and Redis answers them late: they have no limit but BullMQ's own, which is a second more than
 * they wait. ioredis leaves the timer of a limit behind when a connection is closed, and it would keep the process alive.
 */
class WorkersRedis extends Redis {
  override duplicate(options?: Partial<RedisOptions>): Redis {
    return super.duplicate({ ...options, socketTimeout: undefined } as Partial<RedisOptions>);
  }
}

const ask = (session: Session, statement: string): Promise<unknown> => session.query(statement);

async function prepareTables(pool: pg.Pool | PglitePool): Promise<PgPool> {
  if (!isPgPool(pool)) throw new TypeError('the database has no pool that BullMQ can use');
  const client = await pool.connect();
  try {
    // Processes start together. BullMQ waits for its lock within its transaction, which then does not see the schema
    // that another one has made; after a wait of its own it does.
    await ask(client, `SELECT pg_advisory_lock(hashtext('${FIRST_START}'))`);
    await runMigrations(client);
    await preserveOrder(client);
    await ask(client, `SELECT pg_advisory_unlock(hashtext('${FIRST_START}'))`);
  } catch (error) {
    // With the session its lock goes, too.
    client.release(true);
    throw error;
  }
  client.release();
  return pool;
}

async function connectRedis(
  url: string,
  onError: (error: Error) => void,
  answerMs: number = ANSWER_MS,
): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: answerMs,
    socketTimeout: answerMs,
    keepAlive: KEEP_ALIVE_MS,
    // While Redis is away an add fails at once: the record keeps what is wanted, and nobody has to wait.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy,
  });
  let lastError: unknown;
  redis.on('error', (error: Error) => {
    lastError = error;
    onError(error);
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw new ServiceUnavailableError('Redis', url, lastError ?? error);
  }
  return redis;
}

/** @throws {ServiceUnavailableError} when Redis does not answer */
export async function pingRedis(url: string, answerMs?: number): Promise<void> {
  const redis = await connectRedis(url, () => undefined, answerMs);
  redis.disconnect();
}
