/** `npm run bench:resync`: what it costs to compare everything with the marketplace, and to put right what differs. */
import pg from 'pg';
import { createLog, Slotkeeper } from 'slotkeeper';
import { startServices } from '../../test/support/services.js';
import { type Backend, backend } from '../publish/backends.js';
import { type Cost, costOf } from './cost.js';
import { calendarsOf, drift, fill, type Size, ZONE } from './estate.js';
import { Marketplace, type Operations } from './marketplace.js';
import { type Simply, write } from './simply.js';
import { minutesWithin } from './virtual-time.js';

const SIZES: readonly Size[] = [
  { calendars: 62, days: 30 },
  { calendars: 1_000, days: 84 },
];
/** `20x10` is 20 calendars of 10 days. */
const asked = process.argv.slice(2).map((text): Size => {
  const [calendars = 0, days = 0] = text.split('x').map(Number);
  return { calendars, days };
});
const ROOMY = { writesPerMinute: 1_000_000, writesPerHour: 500_000, requestsPerHour: 1_000_000 };
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

async function measure(
  size: Size,
  made: Backend,
  client: pg.Client,
  marketplace: Marketplace,
): Promise<void> {
  const config = {
    accounts: [
      {
        id: 'bench',
        baseUrl: marketplace.url,
        clientId: 'bench',
        clientSecret: 'bench',
        timeZone: ZONE,
        limits: ROOMY,
      },
    ],
    calendars: calendarsOf(size),
  };
  const options = { databaseUrl: made.databaseUrl, log: createLog('error'), config };
  const seeding = new Slotkeeper({ ...options, roles: [] });
  await seeding.start();
  await seeding.stop();
  await fill(client, size);

  const engine = new Slotkeeper(options);
  await engine.start();
  try {
    const all = size.calendars * size.days;
    const rows: object[] = [row('100 %', all, await resynced(engine, marketplace))];
    rows.push(row('0 %', 0, await resynced(engine, marketplace)));
    const some = await drift(client, size);
    rows.push(row('1 %', some, await resynced(engine, marketplace)));
    for (const how of ['PUT every day of every calendar', 'PUT every calendar whole'] as const) {
      rows.push(await beside(engine, marketplace, size, how));
    }
    console.log(`\n${size.calendars} calendars of ${size.days} days; one account, PostgreSQL.`);
    console.table(rows);
  } finally {
    await engine.stop();
  }
}

interface Effort {
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
  readonly seconds: number;
}

interface Measured extends Effort {
  readonly cost: Cost;
  readonly differing: number;
}

/** What work costs this process. */
async function effortOf(work: () => Promise<void>): Promise<Effort> {
  const [cpu, begun] = [process.cpuUsage(), performance.now()];
  let peak = 0;
  const look = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  await work().finally(() => clearInterval(look));
  const { user, system } = process.cpuUsage(cpu);
  return {
    cpuSeconds: (user + system) / 1e6,
    peakMegabytes: peak / 1_048_576,
    seconds: (performance.now() - begun) / 1_000,
  };
}

async function resynced(engine: Slotkeeper, marketplace: Marketplace): Promise<Measured> {
  await marketplace.operations();
  const { id } = await engine.resyncs.begin({});
  let report = await engine.resyncs.report(id);
  const effort = await effortOf(async () => {
    while (report?.finishedAt === null) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      report = await engine.resyncs.report(id);
    }
  });
  if (report?.state !== 'done' || report.failures.length > 0) throw new Error('the resync failed');
  const { missing, extra, stale, foreign } = report.differences;
  const operations: Operations = await marketplace.operations();
  return { ...effort, cost: costOf(operations), differing: missing + extra + stale + foreign };
}

function row(what: string, expected: number, { cost, differing, ...effort }: Measured) {
  if (differing !== expected) throw new Error(`${what}: ${differing} days differ, not ${expected}`);
  process.stderr.write(`${what}: ${JSON.stringify({ ...cost, ...effort })}\n`);
  return {
    what,
    'days that differ': differing,
    reads: cost.reads,
    writes: cost.writes,
    ...effortColumns(effort),
    ...minutesOf(cost),
    'minutes, leaving room': round(minutesWithin(cost, 'what the engine gives a resync')),
  };
}

const effortColumns = ({ cpuSeconds, peakMegabytes, seconds }: Effort) => ({
  'CPU s': round(cpuSeconds),
  'peak MB': round(peakMegabytes, 0),
  'seconds, no limits': round(seconds),
});

const minutesOf = (cost: Cost) => ({
  'minutes, with the limits': round(minutesWithin(cost, 'everything')),
});

async function beside(engine: Slotkeeper, { url }: Marketplace, size: Size, how: Simply) {
  let writes = 0;
  const effort = await effortOf(async () => {
    writes = await write(engine, url, size, how);
  });
  return { what: how, reads: 0, writes, ...effortColumns(effort), ...minutesOf({ reads: 0, writes }) };
}

const services = await startServices({
  DATABASE_URL: process.env.DATABASE_URL,
  REDIS_URL: process.env.REDIS_URL,
});
try {
  for (const size of asked.length === 0 ? SIZES : asked) {
    const made = await backend('PostgreSQL', services);
    const marketplace = await Marketplace.start(ZONE);
    const client = new pg.Client({ connectionString: made.databaseUrl });
    await client.connect();
    try {
      await measure(size, made, client, marketplace);
    } finally {
      await client.end();
      marketplace.stop();
      await made.drop();
    }
  }
} finally {
  await services.stop();
}
