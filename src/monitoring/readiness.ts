/** Whether the process can do its work: commit, put jobs on the queue, publish. Each is tried, at most once a second, however often it is asked. */

import { MINUTE } from '../core/duration.js';
import { tryCommit } from '../db/commit-probe.js';
import type { Db } from '../db/schema.js';
import { listAccounts } from '../db/tables/accounts.js';
import { totals } from '../db/tables/pending-calendars.js';
import { CachedValue } from '../lib/cached-value.js';
import type { Logger } from '../lib/log.js';
import { type Timers, withTimeout } from '../lib/timers.js';
import { horizonOf } from '../publishing/horizon.js';
import type { QueueState, Queues } from '../queue/queues.js';

export interface Readiness {
  /** Whether anything can be committed; what cannot be queued or published meanwhile is made up for later. */
  readonly ready: boolean;
  readonly database: 'ok' | 'unavailable';
  /** Whether jobs can be put on it; those that cannot are found again from the database. */
  readonly queue: QueueState;
  /** `behind`: a change has waited for more than five minutes; `unknown`: the database cannot be asked. */
  readonly publishing: 'ok' | 'behind' | 'unknown';
}

export interface ReadinessOptions {
  readonly db: Db;
  readonly queues: Pick<Queues, 'kind' | 'tryAdd'>;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly timers: Timers;
}

const TRY_EVERY_MS = 1_000;
const TRY_WITHIN_MS = 3_000;
const COUNT_EVERY_MS = 5_000;
const BEHIND_AFTER_MS = 5 * MINUTE;

export class ReadinessProbe {
  readonly #options: ReadinessOptions;
  readonly #recent: CachedValue<Readiness>;
  readonly #publishing: CachedValue<Readiness['publishing']>;
  #before = 'ok ok';

  constructor(options: ReadinessOptions) {
    const { timers } = options;
    this.#options = options;
    this.#recent = new CachedValue({ timers, maxAgeMs: TRY_EVERY_MS }, () => this.#try());
    this.#publishing = new CachedValue({ timers, maxAgeMs: COUNT_EVERY_MS }, () => this.#isPublishing());
  }

  async get(): Promise<Readiness> {
    return await this.#recent.get();
  }

  async #try(): Promise<Readiness> {
    const { queues } = this.#options;
    const [database, redis] = await Promise.all([
      this.#canCommit(),
      this.#inTime(() => queues.tryAdd(), 'unavailable' as const),
    ]);
    const queue = queues.kind === 'database' ? database : redis;
    const publishing = database === 'ok' ? await this.#publishing.get() : 'unknown';
    const readiness = { ready: database === 'ok', database, queue, publishing };
    this.#tellChange(readiness);
    return readiness;
  }

  async #canCommit(): Promise<Readiness['database']> {
    const { db, now } = this.#options;
    const commit = () => tryCommit(db, new Date(now())).then(() => 'ok' as const);
    return await this.#inTime(commit, 'unavailable');
  }

  async #isPublishing(): Promise<Readiness['publishing']> {
    return await this.#inTime(async () => {
      const { db, now } = this.#options;
      const accounts = await listAccounts(db);
      const horizons = accounts.map(({ id, timeZone }) => ({ account: id, ...horizonOf(timeZone, now()) }));
      const { oldest } = await totals(db, horizons);
      return oldest !== null && now() - oldest.getTime() > BEHIND_AFTER_MS ? 'behind' : 'ok';
    }, 'unknown');
  }

  async #inTime<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    const { log, timers } = this.#options;
    const tried = work().catch((error: unknown) => {
      log.debug({ err: error }, 'a probe of the readiness failed');
      return otherwise;
    });
    return (await withTimeout(timers, TRY_WITHIN_MS, tried)) ?? otherwise;
  }

  #tellChange({ database, queue, publishing }: Readiness): void {
    const now = `${database} ${queue}`;
    if (now === this.#before) return;
    this.#before = now;
    this.#options.log.warn({ database, queue, publishing }, 'the readiness changed');
  }
}
