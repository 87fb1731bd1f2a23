/** `npm run bench:notifications`: what it costs to keep what the marketplace says, and how fast it is answered. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import pg from 'pg';
import { PostgresServer } from '../../test/support/postgres-server.js';
import { at } from '../publish/latency.js';
import { Load } from './load.js';
import { QUESTIONS, slotBooked, slotBooking } from './notifications.js';
import type { Addresses, ServersInput } from './servers.js';

const PUSH_KEY = 'bench-push';
/** Requests that wait for an answer at the same time. */
const CONCURRENCIES = [16, 64, 128];
const ROUNDS = 3;
const SWEEP_MS = 2_000;
/** Until what runs for years is compiled: the engine's way of one push is a good deal longer than the bare route's. */
const WARM_MS = 4_000;
const ASKS_A_SECOND = 50;
const ASKING_MS = 10_000;
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

// Its files are synced to disk at each commit.
const server = await PostgresServer.start({ durable: true });
try {
  // What publishes is another process, as with many calendars it should be; or one process does all.
  for (const roles of [['api'], ['api', 'worker', 'scheduler']] as const) {
    console.log(`\nA process with the roles ${roles.join(', ')}; PostgreSQL with durable commits.`);
    await compare({ ...(await databases()), roles });
  }
} finally {
  await server.remove();
}

async function databases(): Promise<Pick<ServersInput, 'databaseUrl' | 'bareUrl'>> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const [databaseUrl = '', bareUrl = ''] = await Promise.all(
    ['engine', 'bare'].map(async (name) => {
      await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await client.query(`CREATE DATABASE ${name}`);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    }),
  );
  await client.end();
  return { databaseUrl, bareUrl };
}

async function compare(input: ServersInput): Promise<void> {
  const servers = new Worker(new URL('./servers.ts', import.meta.url), { workerData: input });
  const [addresses] = (await once(servers, 'message')) as [Addresses];
  const push = `${addresses.engine}/v1/accounts/bench/notifications`;
  const headers = { 'x-api-key': PUSH_KEY };
  // Each of the two hears of every booking once.
  const [told, toldBare] = [{ next: 0 }, { next: 0 }];
  const booked = (to: { next: number }) => (): string => {
    if (to.next === QUESTIONS) throw new Error('there are not enough bookings for so fast a machine');
    return slotBooked(to.next++);
  };
  for (const concurrency of CONCURRENCIES) {
    const engine = new Load({ url: push, headers }, concurrency);
    const bare = new Load({ url: `${addresses.bare}/bare`, headers: {} }, concurrency);
    const both = [
      [engine, booked(told)],
      [bare, booked(toldBare)],
    ] as const;
    for (const [load, next] of both) {
      await load.atOnce(concurrency, WARM_MS, next);
      load.forget();
    }
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      for (const [load, next] of both) await load.atOnce(concurrency, SWEEP_MS, next);
    }
    for (const [{ statuses }] of both) onlyOk(statuses);
    console.log(`\n${concurrency} at the same time`);
    console.table([lineOf('push, kept and applied', engine), lineOf('bare route, one INSERT', bare)]);
    console.log(`ratio: ${round(perSecond(engine) / perSecond(bare), 2)}`);
    for (const load of [engine, bare]) load.close();
  }

  const asking = new Load({ url: push, headers }, 200);
  // Times that no booking above has.
  let asked = QUESTIONS;
  await asking.everyMs(1_000 / ASKS_A_SECOND, ASKING_MS, () => slotBooking(asked++));
  console.log(
    `asking, ${ASKS_A_SECOND} a second: p50 ${round(at(asking.samples, 0.5))} ms, p99 ${round(at(asking.samples, 0.99))} ms, ` +
      `answers ${JSON.stringify(Object.fromEntries(asking.statuses))}`,
  );
  // A no is cheaper than a yes, which is remembered.
  onlyOk(asking.statuses);
  asking.close();
  servers.postMessage('stop');
  await once(servers, 'exit');
}

/** @throws where anything else was answered */
function onlyOk(statuses: ReadonlyMap<number, number>): void {
  const all = Object.fromEntries(statuses);
  if (Object.keys(all).some((status) => status !== '200'))
    throw new Error(`answered: ${JSON.stringify(all)}`);
}

function perSecond({ samples, milliseconds }: Load): number {
  return samples.length / (milliseconds / 1_000);
}

function lineOf(what: string, load: Load): object {
  return {
    what,
    'a second': round(perSecond(load), 0),
    p50: round(at(load.samples, 0.5)),
    p99: round(at(load.samples, 0.99)),
    answers: JSON.stringify(Object.fromEntries(load.statuses)),
  };
}
