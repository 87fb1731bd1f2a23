// The nights' schedules of two accounts, on a place that a queue can live in.
import { accountSchema, toAccount } from '../../src/config/schema.js';
import { type Database, openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { createLog } from '../../src/lib/log.js';
import { systemTimers } from '../../src/lib/timers.js';
import { RESYNC_QUEUE } from '../../src/queue/queue-names.js';
import { type JobQueue, Queues } from '../../src/queue/queues.js';
import { ResyncQueue } from '../../src/queue/resync-queue.js';
import { Schedules } from '../../src/resync/nightly.js';
import { ResyncWorker } from '../../src/resync/worker.js';
import { deleteAllRows } from '../db/databases.js';
import { ENCRYPTOR } from '../db/seed-rows.js';
import type { Place } from '../engine/backends.js';

export const DAY = 24 * 60 * 60_000;
export const NIGHTLY = '0 3 * * *';

const log = createLog('silent');

export class Scheduling {
  readonly db: Db;
  /** The resyncs' queue as BullMQ has it. */
  readonly bull: JobQueue;
  readonly queue: ResyncQueue;
  readonly #database: Database;
  readonly #queues: Queues;

  private constructor(database: Database, queues: Queues) {
    this.db = database.db;
    this.bull = queues.openQueue(RESYNC_QUEUE);
    this.queue = new ResyncQueue(queues);
    this.#database = database;
    this.#queues = queues;
  }

  static async open({ data, databaseUrl, redisUrl }: Place): Promise<Scheduling> {
    const database = await openDatabase(
      databaseUrl === undefined ? { folder: data ?? '' } : { url: databaseUrl },
    );
    const store =
      redisUrl === undefined
        ? ({ kind: 'database', pool: database.pool } as const)
        : ({ kind: 'redis', url: redisUrl } as const);
    const queues = new Queues({ store, onError: () => {} });
    await queues.connect();
    return new Scheduling(database, queues);
  }

  async close(): Promise<void> {
    await this.#queues.close();
    await this.#database.close();
  }

  /** Two accounts, and nothing else in the record and the queue. */
  async begin(): Promise<void> {
    await deleteAllRows(this.db);
    await this.db.deleteFrom('slotkeeper.resyncs').execute();
    await this.queue.updateSchedules([], Date.now());
    for (const job of await this.bull.getJobs(['waiting', 'delayed', 'prioritized'])) await job.remove();
    await this.account('warsaw', 'Europe/Warsaw');
    await this.account('madrid', 'Europe/Madrid');
  }

  async account(id: string, timeZone: string): Promise<void> {
    const fields = { baseUrl: 'http://127.0.0.1:1', clientId: id, clientSecret: 'secret', timeZone };
    await putAccount(this.db, toAccount(id, accountSchema.parse(fields)), new Date(), ENCRYPTOR);
    const address = { facilityId: '1', doctorId: '2', addressId: id };
    await putCalendar(this.db, { id, account: id, ...address, strategy: 'slots' }, new Date());
  }

  schedules({ now = Date.now(), cron = NIGHTLY, spreadMs = 0 } = {}): Schedules {
    return new Schedules({
      db: this.db,
      queue: this.queue,
      log,
      now: () => now,
      timers: systemTimers,
      cron: cron === 'none' ? undefined : cron,
      spreadMs,
    });
  }

  /** A process with the scheduler, that starts and stops. */
  async passes(now = Date.now(), cron = NIGHTLY): Promise<void> {
    await this.schedules({ now, cron }).begin();
  }

  async works(now: number, spreadMs = 0, db = this.db): Promise<ResyncWorker> {
    const worker = new ResyncWorker({
      db,
      queues: this.#queues,
      queue: this.queue,
      log,
      now: () => now,
      enqueueAgainMs: 60_000,
      spreadMs,
      fetch: async () => ({ reasons: [], unknown: [], omitted: [] }),
      enqueue: async () => undefined,
    });
    worker.start();
    await this.#queues.waitUntilReady();
    return worker;
  }

  async scheduled() {
    return (await this.bull.getJobSchedulers()).map(({ key, pattern, tz }) => [key, pattern, tz]).sort();
  }

  /** Those that are to be taken at once; the next night's are delayed. */
  async asked(): Promise<readonly string[]> {
    const jobs = await this.bull.getJobs(['waiting', 'prioritized']);
    return jobs.map(({ data }) => (data as { account: string }).account).sort();
  }

  async begun() {
    return await this.db.selectFrom('slotkeeper.resyncs').select(['account_id', 'state']).execute();
  }
}
