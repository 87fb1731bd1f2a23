/** One clinic whose calendar is published in one of the three ways, and what each thing that happens there costs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DateTime } from 'luxon';
import { createLog, type OccupancyEvent, Slotkeeper } from 'slotkeeper';
import { type RequestRecord, Sandbox } from 'slotkeeper/sandbox';

export const STRATEGIES = ['slots', 'breaks', 'book'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** How often each operation was asked for. */
export type Operations = ReadonlyMap<string, number>;

export interface Cost {
  readonly requests: number;
  readonly writes: number;
  readonly operations: Operations;
}

/** What happens at the desk: the body of an event without its id and calendar. */
export type Happening = OccupancyEvent extends infer E
  ? E extends object
    ? Omit<E, 'id' | 'calendar'>
    : never
  : never;

const ZONE = 'Europe/Warsaw';
const ADDRESS = { facilityId: '456', doctorId: '9876', addressId: '789' } as const;
const CALENDAR = 'nowak';
const ACCOUNT = 'warsaw';

/** Two weeks from now, so that everything lies ahead and within the horizon. */
export const DATE = DateTime.now().setZone(ZONE).plus({ days: 14 }).toISODate() ?? '';

export class Clinic {
  readonly #engine: Slotkeeper;
  readonly #sandbox: Sandbox;
  readonly #folder: string;
  #said = 0;

  private constructor(engine: Slotkeeper, sandbox: Sandbox, folder: string) {
    this.#engine = engine;
    this.#sandbox = sandbox;
    this.#folder = folder;
  }

  static async open(strategy: Strategy): Promise<Clinic> {
    const folder = await mkdtemp(join(tmpdir(), 'slotkeeper-bench-'));
    const sandbox = new Sandbox({
      limits: { writesPerMinute: null, writesPerHour: null, requestsPerHour: null },
    });
    const baseUrl = await sandbox.start();
    const limits = { writesPerMinute: 1_000, writesPerHour: 10_000, requestsPerHour: 100_000 };
    const account = {
      id: ACCOUNT,
      baseUrl,
      clientId: 'bench',
      clientSecret: 'bench',
      timeZone: ZONE,
      limits,
    };
    const engine = new Slotkeeper({
      data: folder,
      log: createLog('error'),
      config: {
        accounts: [account],
        calendars: [{ id: CALENDAR, account: ACCOUNT, ...ADDRESS, strategy }],
        publish: { debounceMs: 50 },
      },
    });
    await engine.start();
    return new Clinic(engine, sandbox, folder);
  }

  /** What it cost until the marketplace showed it, and it was read back. */
  async cost(happenings: readonly Happening[]): Promise<Cost> {
    return await this.#measured(async () => {
      const events = happenings.map((one) => {
        this.#said += 1;
        return { id: `bench-${this.#said}`, calendar: CALENDAR, ...one };
      });
      const { rejected } = await this.#engine.events(events);
      if (rejected.length > 0) throw new Error(`rejected: ${JSON.stringify(rejected)}`);
    });
  }

  async change(strategy: Strategy): Promise<Cost> {
    return await this.#measured(async () => {
      await this.#engine.putCalendar({ id: CALENDAR, account: ACCOUNT, ...ADDRESS, strategy });
    });
  }

  /** The starts that a patient can choose, to hold the three ways against each other. */
  get seen(): string {
    const day = DateTime.fromISO(DATE, { zone: ZONE });
    const until = day.plus({ days: 1 });
    const starts = this.#sandbox.patientView(ADDRESS, day.toJSDate(), until.toJSDate());
    return starts.map(({ start }) => start.slice(11, 16)).join(' ');
  }

  async close(): Promise<void> {
    await this.#engine.stop();
    await this.#sandbox.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #measured(happens: () => Promise<void>): Promise<Cost> {
    const before = this.#sandbox.requests.at(-1)?.n ?? 0;
    await happens();
    while ((await this.#engine.status()).pending > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    return costOf(this.#sandbox.requests.filter(({ n, operation }) => n > before && operation !== 'token'));
  }
}

function costOf(requests: readonly RequestRecord[]): Cost {
  const operations = new Map<string, number>();
  for (const { operation } of requests) operations.set(operation, (operations.get(operation) ?? 0) + 1);
  return {
    requests: requests.length,
    writes: requests.filter(({ method }) => method !== 'GET').length,
    operations,
  };
}

export function sum(costs: readonly Cost[]): Cost {
  const operations = new Map<string, number>();
  for (const cost of costs) {
    for (const [name, count] of cost.operations) operations.set(name, (operations.get(name) ?? 0) + count);
  }
  return {
    requests: costs.reduce((all, { requests }) => all + requests, 0),
    writes: costs.reduce((all, { writes }) => all + writes, 0),
    operations,
  };
}
