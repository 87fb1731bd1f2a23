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
import { HIGHEST_PRIORITY, LOWEST_PRIORITY, localDate } from './core/index.js';
import type { Encryptor } from './crypto/encryptor.js';
import type { EmbeddedDatabase } from './db/embedded.js';
import type { Db } from './db/schema.js';
import { type Account, getAccount, listAccounts, putAccount } from './db/tables/accounts.js';
import { type Calendar, deleteCalendar, getCalendar } from './db/tables/calendars.js';
import { findFormerAddresses, startClosing } from './db/tables/closing-calendars.js';
import { encryptAccounts, missingKeysOf } from './db/tables/encrypt-accounts.js';
import type { AddedNotification, Feed, NotificationItem } from './db/tables/notifications.js';
import { missingKeys } from './db/tables/retention.js';
import type { WaitForFeedQuery } from './delivery/delivery-service.js';
import { notifyingHeldChanges } from './delivery/held-change-notifier.js';
import type { Logger } from './lib/log.js';
import type { PrivateAddresses } from './lib/private-addresses.js';
import { systemTimers, type Timers } from './lib/timers.js';
import { validate } from './lib/validation.js';
import { Failures } from './maintenance/failures.js';
import { HeldChanges } from './maintenance/held-changes.js';
import { type ConflictItem, listConflicts } from './monitoring/conflicts.js';
import type { Readiness } from './monitoring/readiness.js';
import { type Status, statusOf } from './monitoring/status.js';
import type { PushResult } from './notifications/receive-push.js';
import { type DayReport, reportDay } from './publishing/day-report.js';
import { viewDays } from './publishing/desired-days.js';
import { Resyncs } from './resync/resync-service.js';
import { type Configured, configureCalendar } from './setup/configure-calendar.js';
import { refuseMissingKeys } from './setup/encryption.js';
import { endingProcess } from './setup/exit-on-database-loss.js';
import { loadConfig } from './setup/load-config.js';
import { privateAddressesOf, refusePrivateAddresses } from './setup/private-address-policy.js';

export interface SlotkeeperOptions {
  /** PostgreSQL; without it the embedded database in `data` is used. */
  readonly databaseUrl?: string | undefined;
  /** The embedded database's folder; default `.slotkeeper`. */
  readonly data?: string | undefined;
  /** Redis for the queue; without it the queue lives in the database. */
  readonly redisUrl?: string | undefined;
  /** How long PostgreSQL may take to answer one statement, in milliseconds; default 10,000. */
  readonly statementMs?: number | undefined;
  /** How long Redis may take to answer, in milliseconds; default 8,000. */
  readonly redisMs?: number | undefined;
  /** What slotkeeper.yaml says: accounts, calendars, publish. */
  readonly config?: FileConfigInput | undefined;
  /**
   * What secrets and patients' data are sealed with: 32 bytes as base64 or hexadecimal digits; several with commas between
   * them, of which the first seals and all open. Required with PostgreSQL; the embedded database makes itself one.
   */
  readonly encryptionKey?: string | undefined;
  /** Where what serves its HTTP API listens: decides whether loopback may be named over HTTP. Default 127.0.0.1. */
  readonly host?: string | undefined;
  readonly log: Logger;
  /** Which parts run in this process; default all. */
  readonly roles?: readonly Role[] | undefined;
  /** Epoch milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** How the engine waits; default in real time. */
  readonly timers?: Timers | undefined;
  /** From 0 to 1; default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Is told of each snapshot or configuration that is held for a person, in the transaction that holds it. */
  readonly onHeld?: OnHeld | undefined;
  /** A word on what a slow start is waiting for. */
  readonly onProgress?: ((message: string) => void) | undefined;
  /**
   * Is told that the embedded database has ended: its disk is full, or it answers no more. It does not come back in this
   * process, and nothing works without it. Default: the reason is logged, and the process ends with exit code 1.
   */
  readonly onDatabaseLost?: ((error: Error) => void) | undefined;
}

/** For the command line. */
export interface EngineOptions extends SlotkeeperOptions {
  /** The embedded database in `data`, where it is open already; the engine closes it. */
  readonly embedded?: EmbeddedDatabase | undefined;
}

/** How a snapshot came. */
export interface SnapshotArrival {
  /** Snapshots of one import or source name the same run: what they would take away is weighed together. */
  readonly run?: string | undefined;
  /** When it began to arrive, in epoch milliseconds; default now. */
  readonly arrivedAt?: number | undefined;
}

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
  readonly timers: Timers;
  readonly #options: EngineOptions;
  readonly #config: FileConfig;
  readonly #privateAddresses: PrivateAddresses;
  #parts: Container | undefined;

  /** @throws {ConfigError} with the path of everything that is wrong */
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
   * Opens the record and the queue, takes the configuration in, and starts this process's roles.
   * @throws {ServiceUnavailableError} when the database or Redis does not answer
   * @throws {FolderInUseError} when another process has the embedded database
   * @throws {DataFolderError} where the embedded database's folder cannot be used as it is
   * @throws {ConfigError} when there is no key with PostgreSQL, or one that is needed is missing
   */
  async start(): Promise<void> {
    if (this.#parts !== undefined) return;
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
      onDatabaseLost = endingProcess(this.log),
    } = this.#options;
    this.#parts = await openContainer({
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
      await this.#parts.run();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Waits for what is in hand, some seconds at most, then closes everything. May be called at any time, and again.
   * @returns whether all that was in hand was finished; what was not is done again from the record
   */
  async stop(): Promise<boolean> {
    const parts = this.#parts;
    this.#parts = undefined;
    return (await parts?.close()) ?? true;
  }

  /** The record, for those who answer questions about it. */
  get db(): Db {
    return this.#running().database.db;
  }

  /** Tells other processes on this machine where this one can be reached. */
  announce(url: string): void {
    this.#running().database.lock?.recordUrl(url);
  }

  /** Whether it can commit, queue and publish; tried anew where the last answer is a second old. */
  async readiness(): Promise<Readiness> {
    return await this.#running().readiness.get();
  }

  /**
   * Takes events into the record at once; what they change is published after. They are checked one by one: the good ones are
   * committed even where others are rejected. Never throws for what is in an event.
   * @param options with `dryRun` it only says what would become of them
   * @throws {DiskFullError} where the embedded database has no room for them; so do the others that take something in
   */
  async events(
    events: readonly OccupancyEvent[],
    { dryRun = false }: Pick<ApplyOptions, 'dryRun'> = {},
  ): Promise<EventsResult> {
    const { encryptor, events: intake } = this.#running();
    return await this.#takeIn(events, async () => {
      if (!dryRun) return await intake.apply({ events });
      return (await applyEvents(this.db, events, this.now(), { encryptor, dryRun })).result;
    });
  }

  /** An account as it was at most a second ago, or as this process changed it since: for those who ask very often. */
  async recentAccount(id: string): Promise<Account | undefined> {
    return await this.#running().accounts.get(id);
  }

  /** Takes in what the marketplace pushed; resolves when it is committed, or answers what it asks. */
  async receivePush(account: Account, body: Buffer): Promise<PushResult> {
    return await this.#running().inbox.receive(account, body);
  }

  /** Takes in what the PMS knows of a calendar's dates; what it changes is published after. */
  async snapshot(
    calendar: string,
    snapshot: unknown,
    arrival: SnapshotArrival = {},
  ): Promise<SnapshotOutcome> {
    const { holds } = this.#config;
    const { encryptor, delivery } = this.#running();
    const told: AddedNotification[] = [];
    const outcome = await this.#takeIn(snapshot, () =>
      applySnapshot(this.db, calendar, snapshot, {
        ...arrival,
        now: this.now(),
        deletionGuard: holds === 'off' ? undefined : holds,
        onHeld: this.#tellingHeld(encryptor, told),
        encryptor,
      }),
    );
    if (outcome.kind !== 'taken') return outcome;
    delivery.enqueue([...outcome.added, ...told]);
    await this.#running().enqueue(outcome.jobsToEnqueue);
    const { held } = outcome.result;
    if (held !== null) {
      const { id, deletions } = held;
      this.log.warn({ calendar, hold: id, deletions }, 'a snapshot would take away too much; it is held');
    }
    return outcome;
  }

  /**
   * Puts events on the queue, to be taken into the record in their order: all of them, or none.
   * @throws {InvalidEventError} with everything that is wrong with all of them, before anything is stored
   */
  async enqueue(events: readonly OccupancyEvent[]): Promise<void> {
    const { occupancyQueue, queues } = this.#running();
    const read = parseEvents(events);
    const add = (): Promise<void> => enqueueEvents(occupancyQueue, read);
    await (queues.kind === 'redis' ? add() : this.#takeIn(read, add));
  }

  /**
   * Has a calendar published soon. What is wanted is in the record already: if the queue cannot be reached, the
   * sweep finds it later, so this never fails.
   */
  async enqueueCalendar(calendar: string, priority: number = LOWEST_PRIORITY): Promise<void> {
    await this.#running().enqueue([{ calendar, priority }]);
  }

  /** Marketplace bookings, by their visit booking id: to be cancelled, moved, or linked to an appointment of the PMS. */
  get bookings(): BookingsApi {
    return this.#running().bookings;
  }

  /** What failed and waits for somebody to try it again or to drop it. */
  get failures(): FailuresApi {
    const { database, occupancyQueue, delivery, link, dependencies } = this.#running();
    return new Failures({
      db: database.db,
      occupancyQueue,
      now: this.now,
      enqueue: (calendar) => this.enqueueCalendar(calendar),
      deliver: (key) => delivery.retryNow(key),
      retryClinic: (account) => delivery.retryClinic(account),
      renewClient: (account) => dependencies.clients.renew(account),
      unlink: (some) => link(some.map(({ calendar, id }) => ({ calendar, booking: id, ref: null }))),
    });
  }

  /** Full resyncs: begun, and reported. */
  get resyncs(): OwnResyncs {
    const { dependencies, resyncQueue, resyncRound } = this.#running();
    return new Resyncs({
      dependencies,
      queue: resyncQueue,
      round: resyncRound,
      onQueueAway: (error) =>
        this.log.warn({ err: error }, 'the queue cannot be reached; the sweep will find the resync'),
    });
  }

  /** What would take away too much and waits for somebody to release it or to drop it. */
  get holds(): HeldChangesApi {
    return new HeldChanges({
      db: this.db,
      enqueue: (calendar, priority) => this.enqueueCalendar(calendar, priority),
      now: this.now,
    });
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

  /**
   * What the marketplace said, after the cursor, oldest first; at most `limit`, 100 by default. Where there is nothing
   * yet, it waits up to `waitMs` for it.
   */
  async notifications({ limit = 100, ...query }: Partial<WaitForFeedQuery> = {}): Promise<Feed> {
    return await this.#running().delivery.follow({ limit, ...query });
  }

  /** One of them by its id; undefined when there is no such, or no longer. */
  async notification(id: string): Promise<NotificationItem | undefined> {
    return await this.#running().delivery.get(id);
  }

  /** Times that are sold twice and are not over yet: a marketplace booking, and an appointment that it is not linked to. */
  async conflicts(): Promise<readonly ConflictItem[]> {
    return await listConflicts(this.db, this.now());
  }

  async status(): Promise<Status> {
    return await statusOf(this.#running(), this.now(), this.log);
  }

  /** @throws {ConfigError} where one that is put over HTTP names an address that may not be asked */
  async putAccount(account: Account): Promise<void> {
    const { encryptor, delivery, accounts, dependencies } = this.#running();
    if (account.overHttp === true) {
      await refusePrivateAddresses(this.#privateAddresses, account, dependencies.timers);
    }
    const isChanged = await putAccount(this.db, account, new Date(this.now()), encryptor);
    accounts.invalidate(account.id);
    if (isChanged) await delivery.accountChanged(account.id);
  }

  /**
   * Another address leaves the old one to be closed; a calendar that is being deleted is one again, of which the clinic has
   * said nothing yet.
   * @returns what is held of it, where it would take away too much of what the calendar offers
   * @throws {AddressTakenError} where another calendar is the same facility, doctor and address, or is being closed there
   */
  async putCalendar(calendar: Calendar): Promise<HeldSummary | null> {
    const { encryptor, delivery } = this.#running();
    const told: AddedNotification[] = [];
    const configured = await this.#configure(this.db, calendar, this.#tellingHeld(encryptor, told));
    delivery.enqueue(told);
    if (configured.kind === 'changed') {
      await this.enqueueCalendar(calendar.id);
      for (const former of await findFormerAddresses(this.db, calendar.id))
        await this.enqueueCalendar(former, HIGHEST_PRIORITY);
    }
    return configured.kind === 'held' ? configured.held : null;
  }

  /**
   * Deletes a calendar: what it has on sale is closed first, and then it is gone. Until then it takes neither events nor
   * snapshots, what patients book there is still told, and its address is nobody else's. What patients booked stays.
   * @param leave leaves what is on sale as it is, also where it is being closed: the calendar is gone at once
   * @returns undefined when there is no such calendar
   */
  async deleteCalendar(
    id: string,
    { leave = false }: { readonly leave?: boolean } = {},
  ): Promise<'closing' | 'deleted' | undefined> {
    if (leave) return (await deleteCalendar(this.db, id)) ? 'deleted' : undefined;
    if (!(await startClosing(this.db, id, new Date(this.now())))) return undefined;
    await this.enqueueCalendar(id, HIGHEST_PRIORITY);
    return 'closing';
  }

  /** @param said for how much it is */
  async #takeIn<T>(said: unknown, take: () => Promise<T>): Promise<T> {
    const { diskSpace } = this.#running().database;
    return diskSpace === undefined ? await take() : await diskSpace.runWithSpace(sizeOf(said), take);
  }

  #tellingHeld(encryptor: Encryptor, added: AddedNotification[]): OnHeld {
    return notifyingHeldChanges({ encryptor, now: this.now, also: this.#options.onHeld, added });
  }

  async #configure(db: Db, calendar: Calendar, onHeld: OnHeld): Promise<Configured> {
    const { holds } = this.#config;
    const configured = await configureCalendar(db, calendar, {
      now: this.now(),
      holds: holds === 'off' ? undefined : holds,
      onHeld,
    });
    if (configured.kind === 'held') {
      const { id: hold, deletions } = configured.held;
      const what = { calendar: calendar.id, hold, deletions };
      this.log.warn(what, 'a configuration would take away too much; it is held');
    }
    return configured;
  }

  async #prepare(db: Db, encryptor: Encryptor): Promise<void> {
    const configured = new Set(this.#config.accounts.map(({ id }) => id));
    // A command that only asks or adds opens nothing of it.
    const runs = this.#options.roles?.length !== 0;
    if (runs) {
      // The configuration says the secrets of its own accounts anew.
      const others = (await listAccounts(db)).filter(({ id }) => !configured.has(id));
      refuseMissingKeys(await missingKeys(db, encryptor), missingKeysOf(others, encryptor));
    }
    // What is told of it is found by the first round: nothing runs yet.
    await loadConfig(db, this.#config, { now: this.now(), encryptor }, (calendar) =>
      this.#configure(db, calendar, this.#tellingHeld(encryptor, [])),
    );
    if (runs) await encryptAccounts(db, encryptor);
  }

  #running(): Container {
    if (this.#parts === undefined) throw new Error('the engine is not running: start() comes first');
    return this.#parts;
  }
}

/** In bytes, about. What JSON cannot write (nested deeper than the stack is) is refused, or dropped, before it takes any. */
function sizeOf(said: unknown): number {
  try {
    return JSON.stringify(said).length;
  } catch {
    return 0;
  }
}
