/**
 * Opens BullMQ queues and workers on the database or on Redis. Only this module depends on which of the two it is: the queues
 * and workers that it returns behave alike.
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
import { databasePositionReader, type ReadPositions, redisPositionReader } from './queue-positions.js';

export type QueueStore =
  | { readonly kind: 'database'; readonly pool: pg.Pool | PglitePool }
  | { readonly kind: 'redis'; readonly url: string };

/** The data of a job. Workers parse it with a schema, because any client can add jobs. */
export type JobData = unknown;
export type JobQueue = Pick<
  Queue<JobData, unknown, string>,
  | 'add'
  | 'addBulk'
  | 'getJob'
  | 'getJobs'
  | 'getJobCounts'
  | 'removeGlobalConcurrency'
  | 'pause'
  | 'resume'
  | 'obliterate'
  | 'close'
>;
export interface JobWorker {
  /** Starts no more jobs and waits for the active ones. May be called again. */
  close(): Promise<void>;
}
export type Processor = (job: Job<JobData, unknown, string>, token: string | undefined) => Promise<unknown>;

export interface QueuesOptions {
  readonly store: QueueStore;
  /** Receives errors of the connection. BullMQ reconnects by itself. */
  readonly onError: (error: Error) => void;
  /** How long a job stays locked after its worker died, in milliseconds. */
  readonly lockMs?: number;
  /** The timeout of an answer of Redis in milliseconds; default 8,000. */
  readonly answerMs?: number | undefined;
  readonly timers?: Timers;
}

/** How often a job may stall: practically without a limit, because its work has to be done in any case. */
const MAX_STALLED_COUNT = 1_000_000;
const CONNECT_MS = 5_000;
/** The default timeout of an answer of Redis. A connection that exceeds it is destroyed and opened again. */
const ANSWER_MS = 8_000;
const KEEP_ALIVE_MS = 10_000;
/** How long active jobs may take when a worker is closed, and how long the worker may take afterwards, in milliseconds. */
const FINISH_MS = 10_000;
const CLOSE_MS = 2_000;
/** How long Redis may take to answer when a worker is closed, in milliseconds. */
const PING_MS = 2_000;

const DEFAULT_LOCK_MS = 20_000;
const FIRST_START_LOCK = 'slotkeeper.first_start';

/** The delay before the next attempt to connect, in milliseconds: it grows to two seconds. */
const retryStrategy = (times: number): number => Math.min(times * 100, 2_000);

const PROBE_KEY = 'slotkeeper:probe';
const PROBE_TTL_MS = MINUTE;

/** Whether jobs can be added. `out-of-memory` and `read-only`: Redis answers and refuses writes. */
export type QueueState = 'ok' | 'out-of-memory' | 'read-only' | 'unavailable';

export class Queues {
  readonly kind: QueueStore['kind'];
  readonly #options: QueuesOptions;
  readonly #timers: Timers;
  readonly #opened: { close(): Promise<void> }[] = [];
  #connecting: Promise<unknown>[] = [];
  #redis: Redis | undefined;
  #forWorkers: Redis | undefined;
  #pool: PgPool | undefined;
  #hasInterruptedJobs = false;

  constructor(options: QueuesOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.kind = options.store.kind;
  }

  /**
   * Connects to the store and creates BullMQ's tables. It must be called before a queue or a worker is opened.
   * @throws {ServiceUnavailableError} where the store does not answer
   */
  async connect(): Promise<void> {
    const { store, answerMs, onError } = this.#options;
    if (store.kind === 'redis') this.#redis = await connectRedis(store.url, onError, answerMs);
    else this.#pool = await prepareDatabase(store.pool);
  }

  openQueue(name: string): JobQueue {
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
    this.#opened.push(queue);
    this.#addConnecting(queue.waitUntilReady());
    return queue;
  }

  startWorker(name: string, process: Processor, options: Omit<WorkerOptions, 'connection'>): JobWorker {
    const { store, lockMs = DEFAULT_LOCK_MS } = this.#options;
    const activeJobs = new Set<Promise<unknown>>();
    const run: Processor = (job, token) => {
      const running = process(job, token);
      const remove = (): unknown => activeJobs.delete(running);
      activeJobs.add(running);
      running.then(remove, remove);
      return running;
    };
    const shared = {
      lockDuration: lockMs,
      stalledInterval: lockMs / 2,
      maxStalledCount: MAX_STALLED_COUNT,
      runRetryDelay: 1_000,
      autorun: false,
      ...options,
    };
    const worker =
      store.kind === 'redis'
        ? new Worker<JobData, unknown, string>(name, run, {
            ...shared,
            connection: this.#redisForWorkers(store.url),
          })
        : new Worker<JobData, unknown, string, PostgresQueueBackend, JobProgress, PostgresConnectionOptions>(
            name,
            run,
            { ...shared, connection: this.#connectedPool() },
            createPostgresBackend,
          );
    worker.on('error', this.#options.onError);
    this.#addConnecting(worker.waitUntilReady().then(() => void worker.run().catch(this.#options.onError)));
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closing ??= this.#closeWorker(worker, activeJobs);
      return closing;
    };
    this.#opened.push({ close });
    return { close };
  }

  /** Returns a function that reads the positions of jobs in a queue. */
  positionReader(name: string): ReadPositions {
    return this.kind === 'redis'
      ? redisPositionReader(this.#connectedRedis(), name)
      : databasePositionReader(this.#connectedPool(), name);
  }

  /**
   * Stops starting jobs and waits for the active ones, for a limited time. BullMQ alone would wait for them, and for an
   * unavailable store, without a limit. An interrupted job is processed again later, from the state in the database.
   */
  async #closeWorker(
    worker: Pick<Worker, 'pause' | 'close'>,
    activeJobs: ReadonlySet<Promise<unknown>>,
  ): Promise<void> {
    await worker.pause(true);
    const finished = await withTimeout(this.#timers, FINISH_MS, Promise.allSettled(activeJobs));
    this.#hasInterruptedJobs ||= finished === undefined;
    const isForced = finished === undefined || (this.kind === 'redis' && (await this.#isRedisUnavailable()));
    // A job that was just fetched is not in `activeJobs` yet: a regular close waits for it, too.
    await withTimeout(this.#timers, isForced ? CLOSE_MS : FINISH_MS, worker.close(isForced));
  }

  /** Whether a worker was closed before its active jobs were finished. */
  get hasInterruptedJobs(): boolean {
    return this.#hasInterruptedJobs;
  }

  /** It pings Redis, because the status of a connection that was lost may not have changed yet. */
  async #isRedisUnavailable(): Promise<boolean> {
    if (this.#redis?.status !== 'ready') return true;
    const failed = this.#redis.ping().then(
      () => false,
      () => true,
    );
    return (await withTimeout(this.#timers, PING_MS, failed)) ?? true;
  }

  #addConnecting(connecting: Promise<unknown>): void {
    connecting.catch(() => undefined); // `waitUntilReady` throws it.
    this.#connecting.push(connecting);
  }

  /**
   * Waits until every opened queue and worker is connected; workers start when they are. It rejects where a connection failed:
   * BullMQ does not retry a failed first connection to PostgreSQL, and a worker on it would poll in a loop that blocks the
   * process.
   */
  async waitUntilReady(): Promise<void> {
    const connecting = this.#connecting;
    this.#connecting = [];
    await Promise.all(connecting);
  }

  /** The connection on which all workers start and finish jobs. BullMQ duplicates it for each worker that waits for jobs. */
  #redisForWorkers(url: string): Redis {
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
    if (this.#redis === undefined)
      throw new Error('connect() must be called before a queue or a worker is opened');
    return this.#redis;
  }

  #connectedPool(): PgPool {
    if (this.#pool === undefined)
      throw new Error('connect() must be called before a queue or a worker is opened');
    return this.#pool;
  }

  /** Checks whether jobs can be added, by writing a key to Redis. On the database the result is always `ok`. */
  async probe(): Promise<QueueState> {
    if (this.#redis === undefined) return this.kind === 'redis' ? 'unavailable' : 'ok';
    try {
      await this.#redis.set(PROBE_KEY, '1', 'PX', PROBE_TTL_MS);
      return 'ok';
    } catch (error) {
      const message = error instanceof Error ? error.message : '';
      if (message.startsWith('OOM')) return 'out-of-memory';
      return /^(READONLY|MISCONF)/.test(message) ? 'read-only' : 'unavailable';
    }
  }

  /** Closes everything within seconds. To wait for active jobs, close their workers first. */
  async close(): Promise<void> {
    const closing = Promise.all(this.#opened.splice(0).map((one) => one.close()));
    await withTimeout(this.#timers, PING_MS + CLOSE_MS, closing);
    this.#redis?.disconnect();
    this.#forWorkers?.disconnect();
    this.#redis = undefined;
    this.#forWorkers = undefined;
  }
}

/**
 * Opens duplicates without a socket timeout. They wait for jobs with blocking commands, which Redis answers late, under
 * BullMQ's own timeout of a second more. And ioredis does not clear the timer of a socket timeout when a connection is closed,
 * which would keep the process alive.
 */
class WorkersRedis extends Redis {
  override duplicate(options?: Partial<RedisOptions>): Redis {
    return super.duplicate({ ...options, socketTimeout: undefined } as Partial<RedisOptions>);
  }
}

async function prepareDatabase(pool: pg.Pool | PglitePool): Promise<PgPool> {
  if (!isPgPool(pool)) throw new TypeError('the database has no pool that BullMQ can use');
  const client = await pool.connect();
  const session: Session = client;
  try {
    // Processes may start at the same time. BullMQ waits for its own lock within a transaction, which then does not see the
    // schema that another process has created. This lock is acquired before that transaction begins.
    await session.query(`SELECT pg_advisory_lock(hashtext('${FIRST_START_LOCK}'))`);
    await runMigrations(client);
    await preserveOrder(client);
    await session.query(`SELECT pg_advisory_unlock(hashtext('${FIRST_START_LOCK}'))`);
  } catch (error) {
    // Ending the session releases its lock.
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
    // While Redis is unavailable an add fails at once. The pending work is in the database, so no caller has to wait.
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
