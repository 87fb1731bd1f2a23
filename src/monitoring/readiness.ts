/** Readiness of the process: whether it can commit, add jobs to the queue, and publish. Each is probed at most once a second. */

import { MINUTE } from '../core/duration.js';
import { tryCommit } from '../db/commit-probe.js';
import type { Db } from '../db/schema.js';
import { listAccounts } from '../db/tables/accounts.js';
import { countPendingDays } from '../db/tables/pending-calendars.js';
import { CachedValue } from '../lib/cached-value.js';
import type { Logger } from '../lib/log.js';
import { type Timers, withTimeout } from '../lib/timers.js';
import { horizonOf } from '../publishing/horizon.js';
import type { QueueState, Queues } from '../queue/queues.js';

export interface Readiness {
  /** Whether the database can commit. What cannot be enqueued or published meanwhile is repeated later. */
  readonly ready: boolean;
  readonly database: 'ok' | 'unavailable';
  /** Whether the queue accepts jobs. The requeue sweep adds later what it does not accept. */
  readonly queue: QueueState;
  /** `behind`: a change has waited for more than five minutes; `unknown`: the database is unavailable. */
  readonly publishing: 'ok' | 'behind' | 'unknown';
}

export interface ReadinessOptions {
  readonly db: Db;
  readonly queues: Pick<Queues, 'kind' | 'probe'>;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly timers: Timers;
}

const PROBE_EVERY_MS = 1_000;
const PROBE_LIMIT_MS = 3_000;
const COUNT_EVERY_MS = 5_000;
const BEHIND_AFTER_MS = 5 * MINUTE;

export class ReadinessProbe {
  readonly #options: ReadinessOptions;
  readonly #recent: CachedValue<Readiness>;
  readonly #publishing: CachedValue<Readiness['publishing']>;
  /** The state that was logged last. */
  #logged = 'ok ok';

  constructor(options: ReadinessOptions) {
    const { timers } = options;
    this.#options = options;
    this.#recent = new CachedValue({ timers, maxAgeMs: PROBE_EVERY_MS }, () => this.#probe());
    this.#publishing = new CachedValue({ timers, maxAgeMs: COUNT_EVERY_MS }, () => this.#probePublishing());
  }

  async get(): Promise<Readiness> {
    return await this.#recent.get();
  }

  async #probe(): Promise<Readiness> {
    const { queues } = this.#options;
    const [database, redis] = await Promise.all([
      this.#probeCommit(),
      this.#withinLimit(() => queues.probe(), 'unavailable' as const),
    ]);
    const queue = queues.kind === 'database' ? database : redis;
    const publishing = database === 'ok' ? await this.#publishing.get() : 'unknown';
    const readiness = { ready: database === 'ok', database, queue, publishing };
    this.#logChange(readiness);
    return readiness;
  }

  async #probeCommit(): Promise<Readiness['database']> {
    const { db, now } = this.#options;
    const commit = () => tryCommit(db, new Date(now())).then(() => 'ok' as const);
    return await this.#withinLimit(commit, 'unavailable');
  }

  async #probePublishing(): Promise<Readiness['publishing']> {
    return await this.#withinLimit(async () => {
      const { db, now } = this.#options;
      const accounts = await listAccounts(db);
      const horizons = accounts.map(({ id, timeZone }) => ({ account: id, ...horizonOf(timeZone, now()) }));
      const { oldest } = await countPendingDays(db, horizons);
      return oldest !== null && now() - oldest.getTime() > BEHIND_AFTER_MS ? 'behind' : 'ok';
    }, 'unknown');
  }

  async #withinLimit<T>(work: () => Promise<T>, fallback: T): Promise<T> {
    const { log, timers } = this.#options;
    const result = work().catch((error: unknown) => {
      log.debug({ err: error }, 'a readiness probe failed');
      return fallback;
    });
    return (await withTimeout(timers, PROBE_LIMIT_MS, result)) ?? fallback;
  }

  #logChange({ database, queue, publishing }: Readiness): void {
    const state = `${database} ${queue}`;
    if (state === this.#logged) return;
    this.#logged = state;
    this.#options.log.warn({ database, queue, publishing }, 'the readiness changed');
  }
}
