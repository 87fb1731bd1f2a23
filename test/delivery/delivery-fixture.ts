// The half of an engine that brings notifications to clinics, by itself, for tests: what the marketplace said is put into
// the record by hand.
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { type Database, openDatabase } from '../../src/db/database.js';
import { AccountCache } from '../../src/db/tables/account-cache.js';
import { type Account, putAccount } from '../../src/db/tables/accounts.js';
import {
  type AddedNotification,
  addNotifications,
  type NewNotification,
} from '../../src/db/tables/notifications.js';
import { Delivery, type DeliveryOptions } from '../../src/delivery/delivery-service.js';
import { Queues } from '../../src/queue/queues.js';
import { account } from '../db/seed-rows.js';
import type { Place } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';

/** A name that must be found nowhere but where it is delivered. */
export const PATIENT = 'Planted Patientowa-Testowa';

export interface OfficeOptions
  extends Partial<Pick<DeliveryOptions, 'webhook' | 'queue' | 'keepDays' | 'now'>> {
  readonly encryptor?: Encryptor;
  /** Default both. */
  readonly parts?: readonly ('worker' | 'round')[];
}

/** Milliseconds between two rounds. */
const ROUND_MS = 1_000;

let count = 0;

export class Office {
  readonly encryptor: Encryptor;
  readonly database: Database;
  readonly queues: Queues;
  readonly delivery: Delivery;
  /** Everything that was logged. */
  readonly log: string[];
  /** Moved by the test alone; only the jobs of its queue are delayed in real time. */
  readonly timers = new ManualTimers();
  /** Milliseconds that its clock is ahead of them. */
  ahead = 0;
  /** Epoch milliseconds. */
  readonly now: () => number;

  private constructor(database: Database, queues: Queues, options: OfficeOptions) {
    const lines: string[] = [];
    const stream = new Writable({
      write: (chunk, _, done) => {
        lines.push(String(chunk));
        done();
      },
    });
    this.log = lines;
    this.now = options.now ?? (() => this.timers.now() + this.ahead);
    this.database = database;
    this.queues = queues;
    this.encryptor = options.encryptor ?? new Encryptor([randomBytes(32)]);
    this.delivery = new Delivery({
      db: database.db,
      accounts: new AccountCache({ db: database.db, encryptor: this.encryptor, now: this.now }),
      queues,
      encryptor: this.encryptor,
      log: pino({ level: 'info', base: null }, stream),
      now: this.now,
      timers: this.timers,
      random: () => 0,
      webhook: options.webhook,
      queue: options.queue ?? false,
      keepDays: options.keepDays ?? 7,
      // Longer than a machine stands still: what is not answered is what a test does not answer.
      timeoutMs: 60_000,
      everyMs: ROUND_MS,
    });
  }

  static async open(place: Place, options: OfficeOptions = {}): Promise<Office> {
    const { data, databaseUrl, redisUrl } = place;
    const database = await openDatabase(
      databaseUrl === undefined ? { folder: data ?? 'memory://' } : { url: databaseUrl, poolSize: 10 },
    );
    const { parts = ['worker', 'round'] } = options;
    const queues = new Queues({
      store:
        redisUrl === undefined ? { kind: 'database', pool: database.pool } : { kind: 'redis', url: redisUrl },
      onError: () => {},
      lockMs: 60_000,
    });
    await queues.connect();
    const office = new Office(database, queues, options);
    atEndOfTest(() => office.close());
    await putAccount(database.db, account(), new Date(), office.encryptor);
    if (parts.includes('worker')) office.delivery.startWorker();
    await queues.ready();
    if (parts.includes('round')) office.delivery.startRound();
    // The first round is over, and those to come begin when the test says so.
    await office.round();
    return office;
  }

  /** Waits for one more round. */
  async round(): Promise<void> {
    await this.timers.advance(ROUND_MS);
  }

  /** Waits until the attempts that failed, since the log was last emptied, are so many. */
  async failures(attempts: number): Promise<void> {
    await eventually(() => this.log.filter((line) => line.includes('tried again')).length === attempts);
  }

  /** Lets time pass, and has a calendar's open ones tried: its job is delayed in real time. */
  async retry(ms: number, calendar: string | null): Promise<void> {
    this.ahead += ms;
    await this.delivery.retryNow({ account: 'warsaw', calendar });
  }

  #closed = false;
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.delivery.stop();
    await this.queues.close();
    await this.database.close();
  }

  async putAccount(changes: Partial<Account>): Promise<void> {
    await putAccount(this.database.db, account(changes), new Date(), this.encryptor);
  }

  /** The marketplace says something; nobody is woken. */
  async hear(...items: Partial<NewNotification>[]): Promise<AddedNotification[]> {
    const whole = items.map((changes): NewNotification => {
      count += 1;
      return {
        account: 'warsaw',
        calendar: 'nowak',
        name: 'slot-booked',
        hash: `hash-${count}`,
        createdAt: new Date('2026-11-09T08:00:00+01:00'),
        source: 'push',
        data: { visit_booking: { id: `b-${count}`, patient: { name: PATIENT } } },
        ...changes,
      };
    });
    const { added } = await this.database.db
      .transaction()
      .execute((tx) => addNotifications(tx, this.encryptor, whole, new Date(this.now())));
    return [...added];
  }

  /** The same, and they are to be brought out. @returns their ids */
  async say(...items: Partial<NewNotification>[]): Promise<string[]> {
    const added = await this.hear(...items);
    this.delivery.enqueue(added);
    return added.map(({ id }) => id);
  }
}
