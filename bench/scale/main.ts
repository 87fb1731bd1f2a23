/**
 * `npm run bench:scale`: many accounts on one PostgreSQL and Redis, with one and with two worker processes, against a
 * marketplace that answers in 50 ms.
 */
import got from 'got';
import pg from 'pg';
import { OccupancyProducer } from 'slotkeeper';
import { startServices } from '../../test/support/services.js';
import { API_KEY, type Backend, backend } from '../publish/backends.js';
import { ZONE } from '../resync/estate.js';
import { Marketplace, type Operations } from '../resync/marketplace.js';
import { fillEstate, type Size, takenEvents } from './estate.js';
import { EngineProcess, type EngineWork } from './process.js';

const SIZES: readonly Size[] = [{ accounts: 1_000, calendars: 50 }];
/** `100x10` is 100 accounts of 10 calendars. */
const asked = process.argv.slice(2).map((text): Size => {
  const [accounts = 0, calendars = 0] = text.split('x').map(Number);
  return { accounts, calendars };
});
const LATENCY_MS = 50;
const [BATCHED, PER_BATCH] = [1_000, 100];
const [SINGLE, AT_ONCE] = [300, 16];
const QUEUED = 500;
const IDLE_MS = 20_000;
/** A session that goes idle reports what it did up to ten seconds later. */
const REPORTED_MS = 11_000;
const MAX_MS = 120_000;
const LOOK_EVERY_MS = 250;

const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Bench {
  readonly size: Size;
  readonly work: Omit<EngineWork, 'roles'>;
  readonly client: pg.Client;
  readonly marketplace: Marketplace;
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}

let own = 0;

/** A look of the bench, which is none of what is measured. */
async function look<Row extends pg.QueryResultRow>(client: pg.Client, query: string): Promise<Row[]> {
  own += 1;
  return (await client.query<Row>(query)).rows;
}

/** Of the database, those of the bench left out. */
async function transactions(client: pg.Client): Promise<number> {
  const [row] = await look<{ n: string }>(
    client,
    'SELECT xact_commit + xact_rollback AS n FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(row?.n ?? 0) - own;
}

async function transactionsOf(client: pg.Client, work: () => Promise<void>): Promise<number> {
  const before = await transactions(client);
  await work();
  await sleep(REPORTED_MS);
  return (await transactions(client)) - before;
}

async function until(client: pg.Client, query: string, what: string): Promise<void> {
  const end = performance.now() + MAX_MS;
  for (;;) {
    if ((await look(client, query)).length === 0) return;
    if (performance.now() > end) throw new Error(`${what} took more than ${MAX_MS / 1_000} s`);
    await sleep(LOOK_EVERY_MS);
  }
}

const published = (client: pg.Client): Promise<void> =>
  until(client, 'SELECT FROM slotkeeper.days WHERE pending_since IS NOT NULL LIMIT 1', 'publishing');

const writesOf = (operations: Operations): number =>
  (operations.replaceSlots ?? 0) + (operations.deleteSlots ?? 0);

async function post(url: string, events: readonly unknown[]): Promise<void> {
  await got.post(`${url}/v1/events`, { json: { events }, headers: { authorization: `Bearer ${API_KEY}` } });
}

/** What comes in over HTTP, while no worker runs. */
async function overHttp({ size, work, client }: Bench) {
  const api = await EngineProcess.start({ ...work, roles: ['api'] });
  try {
    const batches = Array.from({ length: BATCHED / PER_BATCH }, () => takenEvents(size, PER_BATCH));
    const singles = takenEvents(size, SINGLE);
    const rows: object[] = [];
    const measure = async (way: string, count: number, send: () => Promise<void>): Promise<void> => {
      let took = 0;
      const cpu = (await api.usage()).cpuSeconds;
      const asked = await transactionsOf(client, async () => {
        took = await seconds(send);
      });
      const used = await api.usage();
      rows.push({
        way,
        'events a second': round(count / took, 0),
        'transactions an event': round(asked / count, 2),
        'CPU ms an event': round(((used.cpuSeconds - cpu) * 1_000) / count, 2),
        'MB of the process': round(used.megabytes, 0),
      });
    };
    await measure(`HTTP, ${PER_BATCH} at a time`, BATCHED, async () => {
      for (const events of batches) await post(api.url, events);
    });
    await measure(`HTTP, one by one, ${AT_ONCE} at once`, SINGLE, async () => {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (let event = singles.pop(); event !== undefined; event = singles.pop())
            await post(api.url, [event]);
        }),
      );
    });
    return rows;
  } finally {
    await api.stop();
  }
}

/** What so many worker processes publish and take off the queue, and what they ask when there is nothing to do. */
async function workers({ size, work, client, marketplace }: Bench, count: number) {
  const running = await Promise.all(
    Array.from({ length: count }, () => EngineProcess.start({ ...work, roles: ['worker', 'scheduler'] })),
  );
  const producer = new OccupancyProducer({ redisUrl: work.redisUrl });
  const cpuOf = async (): Promise<number> =>
    (await Promise.all(running.map((one) => one.usage()))).reduce((sum, one) => sum + one.cpuSeconds, 0);
  try {
    // What came in before.
    await published(client);
    await sleep(REPORTED_MS);
    await marketplace.operations();
    const last = takenEvents(size, QUEUED);
    const cpuBefore = await cpuOf();
    let [taken, all] = [0, 0];
    const asked = await transactionsOf(client, async () => {
      const begun = performance.now();
      await producer.enqueue(last);
      const ids = last.map(({ id }) => `'${id}'`).join();
      await until(
        client,
        `SELECT FROM slotkeeper.events WHERE id IN (${ids}) HAVING count(*) < ${QUEUED}`,
        'taking events off the queue',
      );
      taken = (performance.now() - begun) / 1_000;
      await published(client);
      all = (performance.now() - begun) / 1_000;
    });
    const cpuQueued = (await cpuOf()) - cpuBefore;
    const queuedWrites = writesOf(await marketplace.operations());
    const cpuIdle = await cpuOf();
    const before = await transactions(client);
    await sleep(IDLE_MS);
    const idle = (await transactions(client)) - before;
    const idleCpu = (await cpuOf()) - cpuIdle;
    const memory = await Promise.all(running.map((one) => one.usage()));
    return {
      'worker processes': count,
      'events off the queue a second': round(QUEUED / taken, 0),
      'publishes a second': round(queuedWrites / all),
      'transactions an event, publishing included': round(asked / QUEUED),
      'CPU ms an event': round((cpuQueued * 1_000) / QUEUED),
      'idle transactions a minute': round((idle * 60_000) / IDLE_MS, 0),
      'idle CPU %': round((idleCpu * 100_000) / IDLE_MS),
      'MB of a process': round(Math.max(...memory.map(({ megabytes }) => megabytes)), 0),
    };
  } finally {
    await producer.close();
    await Promise.all(running.map((one) => one.stop()));
  }
}

async function measure(size: Size, { databaseUrl, redisUrl }: Backend): Promise<void> {
  if (databaseUrl === undefined || redisUrl === undefined) throw new Error('measured on both servers');
  const marketplace = await Marketplace.start(ZONE, LATENCY_MS);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const work = { databaseUrl, redisUrl, marketplaceUrl: marketplace.url, size };
    // Makes the tables and takes the accounts in.
    await (await EngineProcess.start({ ...work, roles: [] })).stop();
    await fillEstate(client, size);
    const bench = { size, work, client, marketplace };
    console.log(
      `\n${size.accounts} accounts of ${size.calendars} calendars. What comes in, no worker running:`,
    );
    console.table(await overHttp(bench));
    console.log('Published, taken off the queue, and idle:');
    const [one, two] = [await workers(bench, 1), await workers(bench, 2)];
    console.table([one, two]);
  } finally {
    await client.end();
    marketplace.stop();
  }
}

const services = await startServices({
  DATABASE_URL: process.env.DATABASE_URL,
  REDIS_URL: process.env.REDIS_URL,
});
try {
  for (const size of asked.length === 0 ? SIZES : asked) {
    const made = await backend('PostgreSQL + Redis', services);
    try {
      await measure(size, made);
    } finally {
      await made.drop();
    }
  }
} finally {
  await services.stop();
}
