// The delivery service without the rest of the engine, for tests, which add notifications to the database directly.

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
import { Metrics } from '../../src/lib/metrics.js';
import { Queues } from '../../src/queue/queues.js';
import { account } from '../db/seed-rows.js';
import type { Place } from '../engine/backends.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';

/** A patient's name that may occur only in delivered notifications. */
export const PATIENT = 'Planted Patientowa-Testowa';

export interface DeliveryFixtureOptions
  extends Partial<Pick<DeliveryOptions, 'webhook' | 'queue' | 'keepDays' | 'now'>> {
  readonly encryptor?: Encryptor;
  /** Default both. */
  readonly parts?: readonly ('worker' | 'sweep')[];
}

/** Milliseconds between two sweeps. */
const SWEEP_MS = 1_000;

let count = 0;

export class DeliveryFixture {
  readonly encryptor: Encryptor;
  readonly database: Database;
  readonly queues: Queues;
  readonly delivery: Delivery;
  /** The logged lines. */
  readonly log: string[];
  /** Only the test moves them; the jobs of the queue are delayed in real time. */
  readonly timers = new ManualTimers();
  /** How far the clock is ahead of the timers, in milliseconds. */
  ahead = 0;
  /** Epoch milliseconds. */
  readonly now: () => number;

  private constructor(database: Database, queues: Queues, options: DeliveryFixtureOptions) {
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
      metrics: new Metrics(),
      now: this.now,
      timers: this.timers,
      random: () => 0,
      webhook: options.webhook,
      queue: options.queue ?? false,
      keepDays: options.keepDays ?? 7,
      // Long, so that on a slow machine no request times out that the test answers.
      timeoutMs: 60_000,
      everyMs: SWEEP_MS,
    });
  }

  static async open(place: Place, options: DeliveryFixtureOptions = {}): Promise<DeliveryFixture> {
    const { data, databaseUrl, redisUrl } = place;
    const database = await openDatabase(
      databaseUrl === undefined ? { folder: data ?? 'memory://' } : { url: databaseUrl, poolSize: 10 },
    );
    const { parts = ['worker', 'sweep'] } = options;
    const queues = new Queues({
      store:
        redisUrl === undefined ? { kind: 'database', pool: database.pool } : { kind: 'redis', url: redisUrl },
      onError: () => {},
      lockMs: 60_000,
    });
    await queues.connect();
    const fixture = new DeliveryFixture(database, queues, options);
    atEndOfTest(() => fixture.close());
    await putAccount(database.db, account(), new Date(), fixture.encryptor);
    if (parts.includes('worker')) fixture.delivery.startWorker();
    await queues.waitUntilReady();
    if (parts.includes('sweep')) fixture.delivery.startSweep();
    // The first sweep ends here, and later ones begin when the test advances the timers.
    await fixture.sweep();
    return fixture;
  }

  /** Waits for one more sweep. */
  async sweep(): Promise<void> {
    await this.timers.advance(SWEEP_MS);
  }

  /** Waits until this number of attempts has failed since the log was last emptied. */
  async waitForFailures(attempts: number): Promise<void> {
    await eventually(() => this.log.filter((line) => line.includes('it is retried')).length === attempts);
  }

  /** Advances the clock and retries a calendar's open notifications, because the job is delayed in real time. */
  async retryAfter(ms: number, calendar: string | null): Promise<void> {
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

  /** Adds notifications to the database without enqueueing their delivery. */
  async add(...items: Partial<NewNotification>[]): Promise<AddedNotification[]> {
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

  /** Adds notifications and enqueues their delivery. @returns their ids */
  async addAndEnqueue(...items: Partial<NewNotification>[]): Promise<string[]> {
    const added = await this.add(...items);
    this.delivery.enqueue(added);
    return added.map(({ id }) => id);
  }
}
