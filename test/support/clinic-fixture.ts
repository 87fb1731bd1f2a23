// A clinic's desk with an engine of its own in the test's process, and the marketplace that it publishes to.

import type { OccupancyEventInput } from '../../src/clinic/event-schema.js';
import type { FileConfigInput } from '../../src/config/schema.js';
import { addDays, localDate, parseInstant, startOfDate, toIso } from '../../src/core/index.js';
import type { Strategy } from '../../src/db/schema.js';
import { decryptAccount } from '../../src/db/tables/account-secrets.js';
import { type Account, getAccount } from '../../src/db/tables/accounts.js';
import { countBookingsToSync } from '../../src/db/tables/linked-bookings.js';
import { countPendingDays } from '../../src/db/tables/pending-calendars.js';
import { Slotkeeper } from '../../src/engine.js';
import { createLog, type Logger } from '../../src/lib/log.js';
import type { Timers } from '../../src/lib/timers.js';
import { horizonOf } from '../../src/publishing/horizon.js';
import { type RequestRecord, Sandbox, type SandboxOptions } from '../../src/sandbox/index.js';
import { endLeases, StillTime, SWEEP_SECONDS } from '../chaos/still-time.js';
import { ENCRYPTION_KEY, postgresDatabase } from '../db/databases.js';
import { ENCRYPTOR } from '../db/seed-rows.js';
import { eventually } from './eventually.js';
import { atEndOfTest } from './release.js';

export const ZONE = 'Europe/Warsaw';

export interface ClinicFixtureOptions {
  readonly sandbox?: SandboxOptions;
  /** Ids; `alone` has an account of its own. */
  readonly calendars?: readonly string[];
  readonly timeoutMs?: number;
  /** How long a job belongs to a worker that says nothing. */
  readonly lockMs?: number;
  readonly strategy?: Strategy;
  /** Of both accounts; with it, a key to seal patients' data with. */
  readonly notifications?: Exclude<FileConfigInput['accounts'], undefined>[number]['notifications'];
  readonly delivery?: FileConfigInput['delivery'];
  /** Epoch milliseconds; the sandbox follows it. */
  readonly now?: () => number;
  /** In real time by default. */
  readonly timers?: Timers;
  /** No time passes but what the test says (`pass`), or what `rest` has to wait for; `now` and `timers` go by it. */
  readonly still?: boolean;
  readonly random?: () => number;
  /** Silent where none is given. */
  readonly log?: Logger;
}

type EventInput = OccupancyEventInput extends infer E ? (E extends object ? Omit<E, 'id'> : never) : never;

export class ClinicFixture {
  readonly engine: Slotkeeper;
  readonly sandbox: Sandbox;
  /** Two weeks from now. */
  readonly date: string;
  readonly #now: () => number;
  readonly #still: StillTime | undefined;
  #said = 0;

  private constructor(engine: Slotkeeper, sandbox: Sandbox, now: () => number, still: StillTime | undefined) {
    this.engine = engine;
    this.sandbox = sandbox;
    this.date = addDays(localDate(now(), ZONE), 14);
    this.#now = now;
    this.#still = still;
  }

  static async open(options: ClinicFixtureOptions = {}): Promise<ClinicFixture> {
    const still = options.still === true ? new StillTime() : undefined;
    const { calendars = ['nowak'], random, strategy = 'slots' } = options;
    const { now = still?.now ?? Date.now, timers = still?.timers } = options;
    // Where no time passes, nothing is given up for a machine that is slow.
    const patienceMs = still === undefined ? 10_000 : 60_000;
    const { timeoutMs = patienceMs, lockMs = patienceMs } = options;
    const sweepSeconds = still === undefined ? 0.3 : SWEEP_SECONDS;
    const sandbox = new Sandbox({ now, ...options.sandbox });
    atEndOfTest(() => sandbox.stop());
    const baseUrl = await sandbox.start();
    const { notifications, delivery } = options;
    const account = (id: string) => ({
      id,
      baseUrl,
      clientId: id,
      clientSecret: 'secret',
      timeZone: ZONE,
      ...(notifications === undefined ? {} : { notifications }),
    });
    const engine = new Slotkeeper({
      databaseUrl: await postgresDatabase(),
      log: options.log ?? createLog('silent'),
      encryptionKey: ENCRYPTION_KEY,
      now,
      timers,
      ...(random === undefined ? {} : { random }),
      config: {
        accounts: [account('many'), account('alone')],
        calendars: calendars.map((id) => ({
          id,
          account: id === 'alone' ? 'alone' : 'many',
          ...addressOf(id),
          strategy,
        })),
        publish: { timeoutMs, lockMs, sweepSeconds, debounceMs: 0 },
        ...(delivery === undefined ? {} : { delivery }),
      },
    });
    atEndOfTest(() => engine.stop());
    await engine.start();
    return new ClinicFixture(engine, sandbox, now, still);
  }

  /** @param n days after {@link date} */
  dateAfter(n: number): string {
    return addDays(this.date, n);
  }

  /** A wall-clock time of {@link date}, or of another one, as an instant. */
  at(time: string, date = this.date): string {
    return toIso(parseInstant(`${date}T${time}:00`, ZONE, 'time'), ZONE);
  }

  /** The account of all calendars but `alone`, with its secrets open. */
  async account(): Promise<Account> {
    const account = await getAccount(this.engine.db, 'many');
    if (account === undefined) throw new Error('there is no account');
    return decryptAccount(ENCRYPTOR, account);
  }

  /** Takes events in; their ids are made here. */
  async send(...events: readonly EventInput[]): Promise<void> {
    const withIds = events.map((event) => {
      this.#said += 1;
      return { id: `evt-${this.#said}`, ...event };
    });
    const { rejected } = await this.engine.events(withIds);
    if (rejected.length > 0) throw new Error(`rejected: ${JSON.stringify(rejected)}`);
  }

  /** Opens one date from 10:00 to 11:00, or as it says, for appointments of 20 minutes. */
  async open(
    calendar = 'nowak',
    date = this.date,
    { from = '10:00', to = '11:00', service = 'visit' } = {},
  ): Promise<void> {
    const end = to === '24:00' ? `${addDays(date, 1)}T00:00:00` : `${date}T${to}:00`;
    const window = { start: `${date}T${from}:00`, end, services: [{ id: service, duration: 20 }] };
    await this.send({ type: 'available', calendar, from: date, to: date, windows: [window] });
  }

  async book(ref: string, from: string, to: string, calendar = 'nowak', date = this.date): Promise<void> {
    await this.send({
      type: 'occupied',
      calendar,
      ref,
      start: `${date}T${from}:00`,
      end: `${date}T${to}:00`,
    });
  }

  async free(ref: string, calendar = 'nowak'): Promise<void> {
    await this.send({ type: 'released', calendar, ref });
  }

  /** Has the calendar published in another way. */
  async strategy(strategy: Strategy, calendar = 'nowak'): Promise<void> {
    const account = calendar === 'alone' ? 'alone' : 'many';
    await this.engine.putCalendar({ id: calendar, account, ...addressOf(calendar), strategy });
  }

  /** Waits until nothing is pending; what failed is not. */
  async untilAtRest(within = 60_000): Promise<void> {
    if (this.#still === undefined) await eventually(() => this.#isAtRest(), { within });
    else await this.until(() => this.#isAtRest());
  }

  /** Waits until it is so; where no time passes, as much of it passes as what is put off has to wait. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    if (this.#still === undefined) await eventually(isSo, { within: 60_000 });
    else await this.#still.until(this.engine.db, async () => await isSo());
  }

  /** Of a desk where no time passes by itself: lets so many milliseconds pass. */
  async passTime(ms: number): Promise<void> {
    if (this.#still === undefined) throw new Error('time passes by itself');
    await this.#still.pass(this.engine.db, ms);
  }

  /** A write whose answer was lost is over in the marketplace: its calendar is not kept waiting for it any longer. */
  async endLeases(): Promise<void> {
    await endLeases(this.engine.db);
  }

  /** What the status counts as pending, and nothing else of it: it is asked for often. */
  async #isAtRest(): Promise<boolean> {
    const { db } = this.engine;
    const horizon = horizonOf(ZONE, this.#now());
    const horizons = ['many', 'alone'].map((account) => ({ account, ...horizon }));
    const { pending } = await countPendingDays(db, horizons);
    return pending === 0 && (await countBookingsToSync(db)).pending === 0;
  }

  /** What a patient can choose, `10:00`, `10:20` and so on. */
  shown(calendar = 'nowak', date = this.date): readonly string[] {
    const [from, to] = [startOfDate(date, ZONE), startOfDate(addDays(date, 1), ZONE)];
    return this.sandbox.patientView(addressOf(calendar), from, to).map(({ start }) => start.slice(11, 16));
  }

  /** What the engine asked the marketplace to change, or to show, of a calendar. */
  requests(operation: string, calendar?: string): readonly RequestRecord[] {
    return this.sandbox.requests.filter(
      (record) =>
        record.operation === operation &&
        (calendar === undefined || record.address?.addressId === addressOf(calendar).addressId),
    );
  }
}

export const addressOf = (calendar: string) => ({
  facilityId: 'facility',
  doctorId: 'doctor',
  addressId: `address-${calendar}`,
});
