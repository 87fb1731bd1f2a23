/** `npm run bench:resync`: what it costs to compare everything with the marketplace, and to put right what differs. */
import pg from 'pg';
import { startServices } from '../../test/support/services.js';
import { type Backend, backend } from '../publish/backends.js';
import { apart, type Done, type Work } from './apart.js';
import { type Cost, costOf } from './cost.js';
import { drift, fill, type Size, ZONE } from './estate.js';
import { Marketplace } from './marketplace.js';
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
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

async function measure(
  size: Size,
  made: Backend,
  client: pg.Client,
  marketplace: Marketplace,
): Promise<void> {
  const where = { databaseUrl: made.databaseUrl, marketplaceUrl: marketplace.url, timeZone: ZONE, size };
  const { peakMegabytes } = await apart({ what: 'start', ...where });
  await fill(client, size);
  const resync = async (what: string, expected: number): Promise<object> => {
    await marketplace.operations();
    const done = await apart({ what: 'resync', ...where });
    return row(what, expected, done, costOf(await marketplace.operations()));
  };
  const rows = [await resync('100 %', size.calendars * size.days), await resync('0 %', 0)];
  rows.push(await resync('1 %', await drift(client, size)));
  for (const what of ['PUT every day of every calendar', 'PUT every calendar whole'] as const) {
    rows.push(beside(what, await apart({ what, ...where })));
  }
  console.log(
    `\n${size.calendars} calendars of ${size.days} days; one account, PostgreSQL. An engine that has only started: ${round(peakMegabytes, 0)} MB.`,
  );
  console.table(rows);
}

function row(what: string, expected: number, { differing, ...effort }: Done, cost: Cost) {
  if (differing !== expected) throw new Error(`${what}: ${differing} days differ, not ${expected}`);
  process.stderr.write(`${what}: ${JSON.stringify({ ...effort, ...cost })}\n`);
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

const effortColumns = ({ cpuSeconds, peakMegabytes, seconds }: Omit<Done, 'differing' | 'writes'>) => ({
  'CPU s': round(cpuSeconds),
  'peak MB': round(peakMegabytes, 0),
  'seconds, no limits': round(seconds),
});

const minutesOf = (cost: Cost) => ({
  'minutes, with the limits': round(minutesWithin(cost, 'everything')),
});

function beside(what: Work['what'], { writes, ...effort }: Done) {
  return { what, reads: 0, writes, ...effortColumns(effort), ...minutesOf({ reads: 0, writes }) };
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
