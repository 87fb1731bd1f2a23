/** The engine: the parts, running, and what a program can ask of them. */
import { isDeepStrictEqual } from 'node:util';
import { check } from './check.js';
import { ConfigError } from './config/config-error.js';
import { type FileConfig, type FileConfigInput, fileSchema, toAccount, toCalendar } from './config/schema.js';
import { LEAST_URGENT, localDate } from './core/index.js';
import { Failures } from './failures.js';
import type { FailuresFace } from './failures-face.js';
import { addEvents } from './intake/add-events.js';
import { applyEvents, type EventsResult } from './intake/apply-events.js';
import type { OccupancyEventInput } from './intake/vocabulary.js';
import type { Logger } from './log.js';
import { openParts, type Parts } from './parts.js';
import { OCCUPANCY_QUEUE, PUBLISH_QUEUE } from './queue/names.js';
import { ROLES, type Role } from './roles.js';
import { type Account, getAccount, listAccounts, putAccount } from './store/accounts.js';
import { type Calendar, getCalendar, listCalendars, putCalendar } from './store/calendars.js';
import type { Db } from './store/schema.js';
import { totals } from './store/wanted.js';
import { type DayReport, reportDay } from './sync/day-report.js';
import { horizonOf } from './sync/horizon.js';
import { viewDays } from './sync/snapshot.js';

export interface SlotkeeperOptions {
  /** PostgreSQL; without it the embedded database in `data` is used. */
  readonly databaseUrl?: string | undefined;
  /** The embedded database's folder; default `.slotkeeper`. */
  readonly data?: string | undefined;
  /** Redis for the queue; without it the queue lives in the database. */
  readonly redisUrl?: string | undefined;
  /** What slotkeeper.yaml says: accounts, calendars, publish. */
  readonly config?: FileConfigInput | undefined;
  readonly log: Logger;
  /** Which parts run in this process; default all. */
  readonly roles?: readonly Role[] | undefined;
  /** Epoch milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** From 0 to 1; default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** A word on what a slow start is waiting for. */
  readonly onProgress?: ((message: string) => void) | undefined;
}

export interface Status {
  /** Days in the horizon that wait to be published. 0: everything wanted is published. */
  readonly pending: number;
  /** Days that could not be published. */
  readonly failed: number;
  /** Days that wait for a person. */
  readonly held: number;
  /** Milliseconds since the oldest change that is still pending; 0 when none is. */
  readonly lag: number;
  /** Jobs by state, for each queue that can be asked just now. */
  readonly queues: { readonly [queue: string]: { readonly [state: string]: number } };
}

const QUEUE_STATES = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const;

/**
 * Keeps clinics' calendars and the marketplace equal.
 *
 * @example
 * const engine = new Slotkeeper({ config, log });
 * await engine.start();
 * await engine.events([{ id: 'evt-1', type: 'released', calendar: 'nowak', ref: 'apt-77' }]);
 * await engine.stop();
 */
export class Slotkeeper {
  readonly log: Logger;
  readonly now: () => number;
  readonly #options: SlotkeeperOptions;
  readonly #config: FileConfig;
  #parts: Parts | undefined;

  /** @throws {ConfigError} with the path of everything that is wrong */
  constructor(options: SlotkeeperOptions) {
    this.#options = options;
    this.log = options.log;
    this.now = options.now ?? Date.now;
    const checked = check(fileSchema, options.config ?? {});
    if (!checked.success) throw new ConfigError('the configuration', checked.problems);
    this.#config = checked.data;
  }

  /**
   * Opens the record and the queue, takes the configuration in, and starts this process's roles.
   * @throws {ServiceUnavailableError} when the database or Redis does not answer
   * @throws {FolderInUseError} when another process has the embedded database
   */
  async start(): Promise<void> {
    if (this.#parts !== undefined) return;
    const { databaseUrl, data = '.slotkeeper', redisUrl, roles, random, onProgress } = this.#options;
    this.#parts = await openParts({
      databaseUrl,
      data,
      redisUrl,
      roles: roles ?? ROLES,
      publish: this.#config.publish,
      log: this.log,
      now: this.now,
      random: random ?? Math.random,
      onProgress,
      prepare: (db) => this.#seed(db),
      apply: (events) => this.events(events),
    });
    this.#warnOfWhatIsNotDone();
    try {
      await this.#parts.run();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Waits for what is in hand, then closes everything. May be called at any time, and again. */
  async stop(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    await parts?.close();
  }

  /** The record, for those who answer questions about it. */
  get db(): Db {
    return this.#running().database.db;
  }

  /** Tells other processes on this machine where this one can be reached. */
  announce(url: string): void {
    this.#running().database.lock?.announce(url);
  }

  /** Whether the record and the queue answer. Throws what is wrong. */
  async ping(): Promise<void> {
    const { database, queues } = this.#running();
    await listAccounts(database.db);
    await queues.ping();
  }

  /** Takes events into the record at once; what they change is published after. */
  async events(events: readonly unknown[]): Promise<EventsResult> {
    const { result, wakes } = await applyEvents(this.db, events, this.now());
    await Promise.all(wakes.map(({ calendar, urgency }) => this.wake(calendar, urgency)));
    return result;
  }

  /** Puts events on the queue, to be taken into the record in their order. */
  async enqueue(events: readonly OccupancyEventInput[]): Promise<void> {
    await addEvents(this.#running().occupancyQueue, events);
  }

  /**
   * Has a calendar published soon. What is wanted is in the record already: if the queue cannot be reached, the
   * sweep finds it later, so this never fails.
   */
  async wake(calendar: string, urgency: number = LEAST_URGENT): Promise<void> {
    try {
      await this.#running().publishQueue.wake(calendar, urgency);
    } catch (error) {
      this.log.warn(
        { err: error, calendar },
        'the queue cannot be reached; the sweep will find what is wanted',
      );
    }
  }

  /** What failed and waits for somebody to try it again or to drop it. */
  get failures(): FailuresFace {
    const { database, occupancyQueue } = this.#running();
    return new Failures({ db: database.db, occupancyQueue, wake: (calendar) => this.wake(calendar) });
  }

  /** The local date that it is now for this calendar; undefined when there is no such calendar. */
  async today(calendarId: string): Promise<string | undefined> {
    const calendar = await getCalendar(this.db, calendarId);
    const account = calendar && (await getAccount(this.db, calendar.account));
    return account && localDate(this.now(), account.timeZone);
  }

  /** The days of a calendar, `from` and `to` included; undefined when there is no such calendar. */
  async days(calendarId: string, from: string, to: string): Promise<DayReport[] | undefined> {
    const calendar = await getCalendar(this.db, calendarId);
    const account = calendar && (await getAccount(this.db, calendar.account));
    if (calendar === undefined || account === undefined) return undefined;
    const views = await viewDays(this.db, calendar, account, from, to);
    return views.map((view) => reportDay(view, calendar, account, this.now()));
  }

  async status(): Promise<Status> {
    const { database, publishQueue, occupancyQueue } = this.#running();
    const accounts = await listAccounts(database.db);
    const { pending, failed, oldest } = await totals(
      database.db,
      accounts.map(({ id, timeZone }) => ({ account: id, ...horizonOf(timeZone, this.now()) })),
    );
    const queues = await Promise.all([
      occupancyQueue.getJobCounts(...QUEUE_STATES),
      publishQueue.counts(),
    ]).then(
      ([occupancy, publish]) => ({ [OCCUPANCY_QUEUE]: occupancy, [PUBLISH_QUEUE]: publish }),
      (error: unknown) => {
        this.log.warn({ err: error }, 'the queue cannot be asked');
        return {};
      },
    );
    const lag = oldest === null ? 0 : Math.max(0, this.now() - oldest.getTime());
    return { pending, failed, held: 0, lag, queues };
  }

  async putAccount(account: Account): Promise<void> {
    await putAccount(this.db, account, new Date(this.now()));
  }

  async putCalendar(calendar: Calendar): Promise<void> {
    if (await putCalendar(this.db, calendar, new Date(this.now()))) await this.wake(calendar.id);
  }

  /** What the file says is what holds: it is taken in at every start. */
  async #seed(db: Db): Promise<void> {
    const at = new Date(this.now());
    for (const { id, ...fields } of this.#config.accounts) await putAccount(db, toAccount(id, fields), at);
    const accounts = new Set((await listAccounts(db)).map(({ id }) => id));
    const known = new Map((await listCalendars(db)).map((calendar) => [calendar.id, calendar]));
    for (const [index, { id, ...fields }] of this.#config.calendars.entries()) {
      if (!accounts.has(fields.account)) {
        const problem = {
          path: `calendars[${index}].account`,
          reason: `there is no account "${fields.account}"`,
        };
        throw new ConfigError('the configuration', [problem]);
      }
      const calendar = toCalendar(id, fields);
      const { failed: _, retrying: __, ...before } = known.get(id) ?? { id };
      if (!isDeepStrictEqual(before, calendar)) await putCalendar(db, calendar, at);
    }
  }

  /** A configuration may say more than this version does; nobody should find that out by waiting. */
  #warnOfWhatIsNotDone(): void {
    const { accounts, calendars, resync, delivery } = this.#config;
    const notDone = [
      ...(accounts.some(({ notifications }) => notifications.mode !== 'off') ? ['notifications'] : []),
      ...(calendars.some(({ strategy }) => strategy !== 'slots')
        ? ['strategy breaks or book (slots is used)']
        : []),
      ...(resync === undefined ? [] : ['resync']),
      ...(delivery === undefined ? [] : ['delivery']),
    ];
    if (notDone.length > 0) this.log.warn({ notDone }, 'configured, but not done by this version');
  }

  #running(): Parts {
    if (this.#parts === undefined) throw new Error('the engine is not running: start() comes first');
    return this.#parts;
  }
}
