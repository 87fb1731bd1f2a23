/** The engine, as the library exports it: opens the database and the queue, and offers the operations that the API serves. */
import type { Registry } from 'prom-client';
import type { BookingsApi } from './api/bookings-api.js';
import type { FailuresApi } from './api/failures-api.js';
import type { HeldChangesApi } from './api/held-changes-api.js';
import type { OwnResyncs } from './api/resyncs-api.js';
import { ROLES, type Role } from './api/roles.js';
import { type ApplyOptions, applyEvents } from './clinic/apply-events.js';
import { enqueueEvents, parseEvents } from './clinic/enqueue-events.js';
import type { EventsResult } from './clinic/events-result.js';
import type { OccupancyEvent } from './clinic/occupancy-event.js';
import { applySnapshot, type SnapshotOutcome } from './clinic/snapshots/apply-snapshot.js';
import type { HeldSummary, OnHeld } from './clinic/snapshots/hold-change.js';
import { ConfigError } from './config/config-error.js';
import { type FileConfig, type FileConfigInput, fileSchema } from './config/schema.js';
import { type Container, openContainer } from './container.js';
import { HIGHEST_PRIORITY, type Instant, LOWEST_PRIORITY, localDate } from './core/index.js';
import type { Encryptor } from './crypto/encryptor.js';
import type { EmbeddedDatabase } from './db/embedded.js';
import type { Db } from './db/schema.js';
import { type Account, getAccount, listAccounts, putAccount } from './db/tables/accounts.js';
import { type Calendar, deleteCalendar, getCalendar } from './db/tables/calendars.js';
import { findFormerAddresses, startClosing } from './db/tables/closing-calendars.js';
import { encryptAccounts, findMissingAccountKeys } from './db/tables/encrypt-accounts.js';
import { findMissingKeys } from './db/tables/encrypt-notifications.js';
import type { HistoryFilter, HistoryQuery } from './db/tables/history.js';
import type { AddedNotification, Feed, NotificationItem } from './db/tables/notifications.js';
import type { WaitForFeedQuery } from './delivery/delivery-service.js';
import { createHeldChangeNotifier } from './delivery/held-change-notifier.js';
import type { Logger } from './lib/log.js';
import type { PrivateAddresses } from './lib/private-addresses.js';
import { systemTimers, type Timers } from './lib/timers.js';
import { validate } from './lib/validation.js';
import { Failures } from './maintenance/failures.js';
import { HeldChanges } from './maintenance/held-changes.js';
import { type Accuracy, type AccuracyQuery, readAccuracy } from './monitoring/accuracy.js';
import { type CalendarSummary, listCalendarSummaries } from './monitoring/calendar-summaries.js';
import { type ConflictItem, listConflicts } from './monitoring/conflicts.js';
import { explain } from './monitoring/explain.js';
import type { Explanation } from './monitoring/explanation.js';
import {
  type FollowOptions,
  followHistory,
  type HistoryItem,
  type HistoryPage,
  readHistory,
} from './monitoring/history.js';
import type { Readiness } from './monitoring/readiness.js';
import { type Status, statusOf } from './monitoring/status.js';
import type { PushResult } from './notifications/receive-push.js';
import { type DayReport, reportDay } from './publishing/day-report.js';
import { viewDays } from './publishing/desired-days.js';
import { Resyncs } from './resync/resync-service.js';
import { type Configured, configureCalendar } from './setup/configure-calendar.js';
import { refuseMissingKeys } from './setup/encryption.js';
import { exitOnDatabaseLoss } from './setup/exit-on-database-loss.js';
import { loadConfig } from './setup/load-config.js';
import { privateAddressesOf, refusePrivateAddresses } from './setup/private-address-policy.js';

export interface SlotkeeperOptions {
  /** The URL of PostgreSQL; default: the embedded database in `data`. */
  readonly databaseUrl?: string | undefined;
  /** The embedded database's folder; default `.slotkeeper`. */
  readonly data?: string | undefined;
  /** The URL of Redis for the queue; default: the queue is in the database. */
  readonly redisUrl?: string | undefined;
  /** The timeout of one statement of PostgreSQL, in milliseconds; default 10,000. */
  readonly statementMs?: number | undefined;
  /** The timeout of one command of Redis, in milliseconds; default 8,000. */
  readonly redisMs?: number | undefined;
  /** The content of slotkeeper.yaml: accounts, calendars, publish. */
  readonly config?: FileConfigInput | undefined;
  /**
   * The key that encrypts secrets and patient data: 32 bytes as base64 or hexadecimal digits. Of several keys, separated by
   * commas, the first encrypts and all decrypt. Required with PostgreSQL; the embedded database creates a key.
   */
  readonly encryptionKey?: string | undefined;
  /** The host on which the HTTP API listens. It decides whether accounts may name loopback addresses over HTTP. Default 127.0.0.1. */
  readonly host?: string | undefined;
  readonly log: Logger;
  /** The roles of this process; default all. */
  readonly roles?: readonly Role[] | undefined;
  /** Epoch milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** The timers of all waits; default in real time. */
  readonly timers?: Timers | undefined;
  /** From 0 to 1; default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Called for each held snapshot or configuration, in the transaction that holds it. */
  readonly onHeld?: OnHeld | undefined;
  /** Called with what a slow start is waiting for. */
  readonly onProgress?: ((message: string) => void) | undefined;
  /**
   * Called when the embedded database has stopped, because its disk is full or it does not answer. It does not restart in this
   * process, and nothing works without it. Default: the reason is logged, and the process exits with code 1.
   */
  readonly onDatabaseLost?: ((error: Error) => void) | undefined;
}

/** The options of the command line. */
export interface EngineOptions extends SlotkeeperOptions {
  /** The embedded database in `data`, if it is open already; the engine closes it. */
  readonly embedded?: EmbeddedDatabase | undefined;
}

/** Who causes a change, for the history. */
export interface Actor {
  /** Default `library`. */
  readonly actor?: string | undefined;
}

/** The receipt of a snapshot. */
export interface SnapshotArrival extends Actor {
  /** The run of an import or source. The deletion guard counts the deletions of one run together. */
  readonly run?: string | undefined;
  /** When the first byte of the snapshot was received, in epoch milliseconds; default now. */
  readonly arrivedAt?: number | undefined;
}

/**
 * Synchronizes clinics' calendars with the marketplace.
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
  readonly timers: Timers;
  readonly #options: EngineOptions;
  readonly #config: FileConfig;
  readonly #privateAddresses: PrivateAddresses;
  #container: Container | undefined;

  /** @throws {ConfigError} with the path of each invalid value */
  constructor(options: EngineOptions) {
    this.#options = options;
    this.log = options.log;
    this.now = options.now ?? Date.now;
    this.timers = options.timers ?? systemTimers;
    const checked = validate(fileSchema, options.config ?? {});
    if (!checked.success) throw new ConfigError('the configuration', checked.problems);
    this.#config = checked.data;
    this.#privateAddresses = privateAddressesOf(checked.data.network, options.host);
  }

  /**
   * Opens the database and the queue, loads the configuration, and starts this process's roles. Idempotent.
   * @throws {ServiceUnavailableError} when the database or Redis does not answer
   * @throws {FolderInUseError} when another process uses the embedded database
   * @throws {DataFolderError} when the embedded database's folder is unusable
   * @throws {ConfigError} when PostgreSQL is used without a key, or a required key is missing
   */
  async start(): Promise<void> {
    if (this.#container !== undefined) return;
    const {
      databaseUrl,
      data = '.slotkeeper',
      embedded,
      redisUrl,
      statementMs,
      redisMs,
      encryptionKey,
      roles,
      random,
      onProgress,
      onDatabaseLost = exitOnDatabaseLoss(this.log),
    } = this.#options;
    this.#container = await openContainer({
      databaseUrl,
      data,
      embedded,
      redisUrl,
      statementMs,
      redisMs,
      roles: roles ?? ROLES,
      publish: this.#config.publish,
      resync: this.#config.resync,
      takeSnapshot: (calendar, snapshot, arrival) => this.snapshot(calendar, snapshot, arrival),
      delivery: this.#config.delivery,
      history: this.#config.history,
      encryptionKey,
      privateAddresses: this.#privateAddresses,
      log: this.log,
      now: this.now,
      timers: this.timers,
      random: random ?? Math.random,
      onProgress,
      onDatabaseLost,
      prepare: (db, encryptor) => this.#prepare(db, encryptor),
    });
    try {
      await this.#container.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Waits some seconds at most for the active work, then closes everything. Idempotent.
   * @returns whether all active work was finished; the next start repeats unfinished work from the database
   */
  async stop(): Promise<boolean> {
    const container = this.#container;
    this.#container = undefined;
    return (await container?.close()) ?? true;
  }

  /** The database, for queries of the API. */
  get db(): Db {
    return this.#running().database.db;
  }

  /** The Prometheus metrics that this process counts. */
  get metrics(): Registry {
    return this.#running().metrics.registry;
  }

  /** Publishes this process's URL to other processes on this machine that open the same embedded database. */
  announce(url: string): void {
    this.#running().database.lock?.recordUrl(url);
  }

  /** Whether the process can commit, enqueue and publish; probed at most once a second. */
  async readiness(): Promise<Readiness> {
    return await this.#running().readiness.get();
  }

  /**
   * Applies events and publishes afterwards what they change. Each event is validated by itself: valid ones are committed even
   * where others are rejected. Never throws because of an event's content.
   * @param options with `dryRun` the result is only computed
   * @throws {DiskFullError} where the embedded database has no disk space, like the other methods that write
   */
  async events(
    events: readonly OccupancyEvent[],
    { dryRun = false, actor }: Pick<ApplyOptions, 'dryRun' | 'actor'> = {},
  ): Promise<EventsResult> {
    const { encryptor, events: intake } = this.#running();
    return await this.#withDiskSpace(events, async () => {
      if (!dryRun) return await intake.apply({ events, actor });
      return (await applyEvents(this.db, events, this.now(), { encryptor, dryRun })).result;
    });
  }

  /** A cached account, at most a second old, and current with this process's changes: for frequent reads. */
  async recentAccount(id: string): Promise<Account | undefined> {
    return await this.#running().accounts.get(id);
  }

  /** Receives a pushed notification. Resolves when it is committed, or with the answer to the marketplace's question. */
  async receivePush(account: Account, body: Buffer): Promise<PushResult> {
    return await this.#running().inbox.receive(account, body);
  }

  /** Applies a snapshot of a calendar's dates from the PMS, and publishes afterwards what it changes. */
  async snapshot(
    calendar: string,
    snapshot: unknown,
    arrival: SnapshotArrival = {},
  ): Promise<SnapshotOutcome> {
    const { holds } = this.#config;
    const { encryptor, delivery } = this.#running();
    const notifications: AddedNotification[] = [];
    const outcome = await this.#withDiskSpace(snapshot, () =>
      applySnapshot(this.db, calendar, snapshot, {
        ...arrival,
        now: this.now(),
        deletionGuard: holds === 'off' ? undefined : holds,
        onHeld: this.#createHeldChangeNotifier(encryptor, notifications),
        encryptor,
      }),
    );
    if (outcome.kind !== 'taken') return outcome;
    delivery.enqueue([...outcome.added, ...notifications]);
    await this.#running().enqueuer.enqueue(outcome.jobsToEnqueue);
    const { held } = outcome.result;
    if (held !== null) {
      const { id, losses } = held;
      this.log.warn({ calendar, hold: id, losses }, 'a snapshot would remove too much; it is held');
    }
    return outcome;
  }

  /**
   * Adds events to the queue, from which they are applied in order: all of them, or none.
   * @throws {InvalidEventError} with all problems of all events, before anything is stored
   */
  async enqueue(events: readonly OccupancyEvent[]): Promise<void> {
    const { occupancyQueue, queues } = this.#running();
    const validated = parseEvents(events);
    const add = (): Promise<void> => enqueueEvents(occupancyQueue, validated);
    await (queues.kind === 'redis' ? add() : this.#withDiskSpace(validated, add));
  }

  /** Enqueues a calendar to publish. Never fails: the requeue sweep enqueues what the queue does not accept. */
  async enqueueCalendar(calendar: string, priority: number = LOWEST_PRIORITY): Promise<void> {
    await this.#running().enqueuer.enqueueCalendar(calendar, priority);
  }

  /** Cancels, moves or links marketplace bookings, by their visit booking id. */
  get bookings(): BookingsApi {
    return this.#running().bookings;
  }

  /** Failures that a person can retry or drop. */
  get failures(): FailuresApi {
    const { database, occupancyQueue, delivery, linker, enqueuer, dependencies } = this.#running();
    const { clients } = dependencies;
    return new Failures({
      db: database.db,
      occupancyQueue,
      now: this.now,
      enqueuer,
      delivery,
      clients,
      linker,
    });
  }

  /** Begins and reports full resyncs. */
  get resyncs(): OwnResyncs {
    const { dependencies, resyncQueue, resyncWorker } = this.#running();
    return new Resyncs({ dependencies, queue: resyncQueue, worker: resyncWorker });
  }

  /** Changes that the deletion guard holds, which a person can release or drop. */
  get holds(): HeldChangesApi {
    const { database, enqueuer } = this.#running();
    return new HeldChanges({ db: database.db, enqueuer, now: this.now });
  }

  /** The calendars with their pending, failed and held days, by id. */
  async calendars(): Promise<readonly CalendarSummary[]> {
    return await listCalendarSummaries(this.db, this.now());
  }

  /** The calendar's present local date; undefined for an unknown calendar. */
  async today(calendarId: string): Promise<string | undefined> {
    const calendar = await getCalendar(this.db, calendarId);
    const account = calendar && (await getAccount(this.db, calendar.account));
    return account && localDate(this.now(), account.timeZone);
  }

  /** The days of a calendar, `from` and `to` included; undefined for an unknown calendar. */
  async days(calendarId: string, from: string, to: string): Promise<DayReport[] | undefined> {
    const calendar = await getCalendar(this.db, calendarId);
    const account = calendar && (await getAccount(this.db, calendar.account));
    if (calendar === undefined || account === undefined) return undefined;
    const views = await viewDays(this.db, calendar, account, from, to);
    return views.map((view) => reportDay(view, calendar, account, this.now()));
  }

  /**
   * Explains whether a start is on offer, and why.
   * @param at without an offset, a wall-clock time of the account's zone
   * @param how `service`: an address service id; default: any service
   * @returns undefined for an unknown calendar
   * @throws {InvalidScheduleError} at `at` or `service`
   */
  async explain(
    calendar: string,
    at: Instant,
    { service }: { readonly service?: string | number | undefined } = {},
  ): Promise<Explanation | undefined> {
    const { rateLimiter } = this.#running().dependencies;
    return await explain({ db: this.db, rateLimiter, now: this.now() }, { calendar, at, service });
  }

  /** The notifications after the cursor, oldest first, at most `limit` (default 100). Waits up to `waitMs` for the first one. */
  async notifications({ limit = 100, ...query }: Partial<WaitForFeedQuery> = {}): Promise<Feed> {
    return await this.#running().delivery.followFeed({ limit, ...query });
  }

  /** One notification by its id; undefined for an unknown or deleted one. */
  async notification(id: string): Promise<NotificationItem | undefined> {
    return await this.#running().delivery.get(id);
  }

  /** What was received, wanted, sent and observed, oldest first, at most `limit` (default 100). */
  async history({ limit = 100, ...query }: Partial<HistoryQuery> = {}): Promise<HistoryPage> {
    return await readHistory(this.db, { limit, ...query });
  }

  /** Yields new entries of the history until the signal is aborted; an empty list where there are none for a moment. */
  followHistory(
    filter: HistoryFilter,
    options: Omit<FollowOptions, 'timers'>,
  ): AsyncGenerator<readonly HistoryItem[]> {
    return followHistory(this.db, filter, { timers: this.timers, ...options });
  }

  /**
   * How fast and how exactly the marketplace followed the clinics, for each local date and in sum; undefined for an unknown
   * account.
   * @throws {InvalidQueryError} where a date is invalid, or the dates are reversed or more than 366
   */
  async accuracy(query: AccuracyQuery = {}): Promise<Accuracy | undefined> {
    return await readAccuracy(this.db, query, this.now());
  }

  /** Times that are sold twice and are not over: a marketplace booking overlaps an appointment that it is not linked to. */
  async conflicts(): Promise<readonly ConflictItem[]> {
    return await listConflicts(this.db, this.now());
  }

  async status(): Promise<Status> {
    return await statusOf(this.#running(), this.now(), this.log);
  }

  /** @throws {ConfigError} where an account that was put over HTTP names a refused private address */
  async putAccount(account: Account, { actor }: Actor = {}): Promise<void> {
    const { encryptor, delivery, accounts, dependencies } = this.#running();
    if (account.overHttp === true) {
      await refusePrivateAddresses(this.#privateAddresses, account, dependencies.timers);
    }
    const isChanged = await putAccount(
      this.db,
      account,
      new Date(this.now()),
      encryptor,
      actor,
      this.#config.delivery.events,
    );
    accounts.invalidate(account.id);
    if (isChanged) await delivery.accountChanged(account.id);
  }

  /**
   * Puts a calendar. With another address, the availability of the former address is removed. A calendar that is being deleted is
   * created anew, without data from the clinic.
   * @returns the held change, where the configuration would remove too much of the calendar's availability
   * @throws {AddressTakenError} where another calendar has the same facility, doctor and address, or is being closed there
   */
  async putCalendar(calendar: Calendar, { actor }: Actor = {}): Promise<HeldSummary | null> {
    const { encryptor, delivery } = this.#running();
    const notifications: AddedNotification[] = [];
    const onHeld = this.#createHeldChangeNotifier(encryptor, notifications);
    const configured = await this.#configure(this.db, calendar, { onHeld, actor });
    delivery.enqueue(notifications);
    if (configured.kind === 'changed') {
      await this.enqueueCalendar(calendar.id);
      for (const former of await findFormerAddresses(this.db, calendar.id))
        await this.enqueueCalendar(former, HIGHEST_PRIORITY);
    }
    return configured.kind === 'held' ? configured.held : null;
  }

  /**
   * Deletes a calendar after its availability is removed from the marketplace. Until then it refuses events and snapshots, bookings
   * are still notified, and no other calendar can have its address. Bookings of patients stay.
   * @param leave leaves the availability as it is, also of a calendar that is being closed, and deletes the calendar at once
   * @returns undefined for an unknown calendar
   */
  async deleteCalendar(
    id: string,
    { leave = false, actor }: { readonly leave?: boolean } & Actor = {},
  ): Promise<'closing' | 'deleted' | undefined> {
    const at = new Date(this.now());
    if (leave) return (await deleteCalendar(this.db, id, at, actor)) ? 'deleted' : undefined;
    if (!(await startClosing(this.db, id, at, actor))) return undefined;
    await this.enqueueCalendar(id, HIGHEST_PRIORITY);
    return 'closing';
  }

  /** Runs a write where the embedded database's disk has space for it. @param input determines the size */
  async #withDiskSpace<T>(input: unknown, write: () => Promise<T>): Promise<T> {
    const { diskSpace } = this.#running().database;
    return diskSpace === undefined ? await write() : await diskSpace.runWithSpace(sizeOf(input), write);
  }

  #createHeldChangeNotifier(encryptor: Encryptor, added: AddedNotification[]): OnHeld {
    return createHeldChangeNotifier({ encryptor, now: this.now, also: this.#options.onHeld, added });
  }

  async #configure(
    db: Db,
    calendar: Calendar,
    options: { readonly onHeld: OnHeld } & Actor,
  ): Promise<Configured> {
    const { holds } = this.#config;
    const configured = await configureCalendar(db, calendar, {
      now: this.now(),
      holds: holds === 'off' ? undefined : holds,
      ...options,
    });
    if (configured.kind === 'held') {
      const { id: hold, losses } = configured.held;
      const fields = { calendar: calendar.id, hold, losses };
      this.log.warn(fields, 'a configuration would remove too much; it is held');
    }
    return configured;
  }

  async #prepare(db: Db, encryptor: Encryptor): Promise<void> {
    const configured = new Set(this.#config.accounts.map(({ id }) => id));
    // A command without roles only reads or adds, and decrypts nothing.
    const hasRoles = this.#options.roles?.length !== 0;
    if (hasRoles) {
      // The configuration contains the secrets of its own accounts, so only those of the others must be decryptable.
      const others = (await listAccounts(db)).filter(({ id }) => !configured.has(id));
      refuseMissingKeys(await findMissingKeys(db, encryptor), findMissingAccountKeys(others, encryptor));
    }
    // No service runs yet; the first delivery sweep enqueues the added notifications.
    await loadConfig(db, this.#config, { now: this.now(), encryptor }, (calendar) =>
      this.#configure(db, calendar, {
        onHeld: this.#createHeldChangeNotifier(encryptor, []),
        actor: 'file',
      }),
    );
    if (hasRoles) await encryptAccounts(db, encryptor);
  }

  #running(): Container {
    if (this.#container === undefined) throw new Error('the engine is not running: call start() first');
    return this.#container;
  }
}

/** The approximate size in bytes. Input that JSON cannot represent (nested deeper than the stack) is refused or dropped, and needs no space. */
function sizeOf(input: unknown): number {
  try {
    return JSON.stringify(input).length;
  } catch {
    return 0;
  }
}
