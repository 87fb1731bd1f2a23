/** Processes the resync queue: fetches the accounts' sources, then enqueues the calendars to be compared. */
import { DelayedError, type Job } from 'bullmq';
import type { Logger } from 'pino';
import { z } from 'zod';
import { DAY } from '../core/duration.js';
import { LOWEST_PRIORITY } from '../core/index.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { type Account, getAccount } from '../db/tables/accounts.js';
import { retryFailures } from '../db/tables/failures.js';
import { getResync, type ResyncFailure, type SourceNotes } from '../db/tables/resync-reports.js';
import {
  claimCalendarsToCompare,
  claimResyncsToQueue,
  deleteExpiredResyncs,
  finishResyncs,
  listResyncAccounts,
  listResyncCalendars,
  recordComparisonStarted,
} from '../db/tables/resyncs.js';
import type { PublishEnqueuer } from '../queue/publish-enqueuer.js';
import { RESYNC_QUEUE } from '../queue/queue-names.js';
import type { JobWorker, Queues } from '../queue/queues.js';
import type { ResyncQueue } from '../queue/resync-queue.js';

export interface ResyncWorkerOptions {
  readonly db: Db;
  readonly queues: Queues;
  readonly queue: ResyncQueue;
  readonly log: Logger;
  readonly now: () => number;
  /** Fetches an account's source, the PMS. */
  readonly fetch: (account: Account, signal: AbortSignal) => Promise<Fetched>;
  /** After how long a waiting calendar or resync is enqueued again, in milliseconds: its job may be lost. */
  readonly enqueueAgainMs: number;
  readonly enqueuer: Pick<PublishEnqueuer, 'enqueue'>;
}

export interface Fetched extends Omit<SourceNotes, 'account'> {
  /** Why the source was not ingested completely. */
  readonly reasons: readonly string[];
}

const jobSchema = z.object({ id: z.string() });

const AT_ONCE = 500;
const SOURCES_AT_ONCE = 8;
const DATABASE_UNAVAILABLE_MS = 1_000;
const KEEP_MS = 30 * DAY;

export class ResyncWorker {
  readonly #options: ResyncWorkerOptions;
  readonly #stopping = new AbortController();
  #worker: JobWorker | undefined;

  constructor(options: ResyncWorkerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#worker = this.#options.queues.startWorker(RESYNC_QUEUE, (job, token) => this.#take(job, token), {
      // A job waits for a source's response most of its time, and must not delay the others.
      concurrency: 8,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 100 },
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#worker?.close();
  }

  /** Enqueues waiting calendars and lost resyncs, and finishes those that are over. Called periodically. */
  async runMaintenance(): Promise<void> {
    const { db, queue, now, enqueuer, enqueueAgainMs } = this.#options;
    const at = new Date(now());
    const notSince = new Date(now() - enqueueAgainMs);
    for (const id of await claimResyncsToQueue(db, at, notSince)) await queue.enqueue(id);
    for (;;) {
      const calendars = await claimCalendarsToCompare(db, at, notSince, AT_ONCE);
      if (calendars.length === 0) break;
      await enqueuer.enqueue(calendars.map((calendar) => ({ calendar, priority: LOWEST_PRIORITY })));
    }
    await finishResyncs(db, at);
    await deleteExpiredResyncs(db, new Date(now() - KEEP_MS));
  }

  /** While the database is unavailable, the job is delayed: it has one attempt. */
  async #take(job: Job<unknown, unknown, string>, token: string | undefined): Promise<void> {
    try {
      await this.#run(jobSchema.parse(job.data).id, job, token);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      this.#options.log.warn({ err: error }, 'the database is unavailable; the resync waits');
      await job.moveToDelayed(Date.now() + DATABASE_UNAVAILABLE_MS, token);
      throw new DelayedError();
    }
  }

  /** May run again after an interruption: events that are in the database already change nothing. */
  async #run(id: string, job: Job<unknown, unknown, string>, token: string | undefined): Promise<void> {
    const { db, now, log } = this.#options;
    const resync = await getResync(db, id, 0, new Date(now()));
    if (resync === undefined || resync.state !== 'fetching') return await this.runMaintenance();
    const fetched = resync.dryRun ? [] : await this.#fetchAll(await listResyncAccounts(db, id));
    if (this.#stopping.signal.aborted) {
      // This process aborted the request: the next worker of the job fetches the sources again.
      await job.moveToDelayed(Date.now(), token);
      throw new DelayedError();
    }
    const failures = fetched.flatMap(({ account, reasons }): ResyncFailure[] =>
      reasons.map((reason) => ({ account, reason })),
    );
    const sources = fetched.flatMap(({ account, unknown, omitted }): SourceNotes[] =>
      unknown.length + omitted.length > 0 ? [{ account, unknown, omitted }] : [],
    );
    if (failures.length > 0)
      log.warn({ resync: id, failures: failures.length }, 'a source was ingested only in part');
    if (!resync.dryRun) await retryFailures(db, await listResyncCalendars(db, id), new Date(now()));
    await recordComparisonStarted(db, id, { failures, sources }, new Date(now()));
    log.info({ resync: id, calendars: resync.calendars, at: now() }, 'a full resync compares its calendars');
    await this.runMaintenance();
  }

  /** Fetches several sources at a time, so that a source that does not respond delays few others. */
  async #fetchAll(accounts: readonly string[]): Promise<readonly (Fetched & SourceNotes)[]> {
    const { db } = this.#options;
    const left = [...accounts];
    const fetched: (Fetched & SourceNotes)[] = [];
    const fetchSome = async (): Promise<void> => {
      for (let id = left.shift(); id !== undefined && !this.#stopping.signal.aborted; id = left.shift()) {
        const account = await getAccount(db, id);
        if (account?.source !== undefined) fetched.push({ account: id, ...(await this.#fetch(account)) });
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: SOURCES_AT_ONCE }, fetchSome));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
    return fetched.sort((a, b) => (a.account < b.account ? -1 : 1));
  }

  async #fetch(account: Account): Promise<Fetched> {
    const { fetch, log } = this.#options;
    try {
      return await fetch(account, this.#stopping.signal);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      log.error({ err: error, account: account.id }, 'fetching a source failed');
      return { reasons: ['an internal error; see the log'], unknown: [], omitted: [] };
    }
  }
}
