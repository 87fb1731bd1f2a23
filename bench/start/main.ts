/** `npm run bench:start`: how long `slotkeeper start` takes, and its memory when it is idle, beside bare processes. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startServices } from '../../test/support/services.js';
import { API_KEY, addressOf, backend } from '../publish/backends.js';
import { Marketplace } from '../resync/marketplace.js';
import { bareNode, barePglite, type Started, slotkeeperStart } from './processes.js';

const TURNS = 3;
const ZONE = 'Europe/Warsaw';
const MAX_SECONDS = 3;
const MAX_ABOVE_PGLITE = 80;
const MAX_ON_POSTGRESQL = 120;
const round = (value: number, digits = 0): number => Number(value.toFixed(digits));
const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** The fastest start, since other work on the machine can only make it slower, and the memory in the middle. */
const summary = (started: readonly Started[]): Started => ({
  seconds: Math.min(...started.map(({ seconds }) => seconds)),
  megabytes: middle(started.map(({ megabytes }) => megabytes)),
});

const services = await startServices({
  DATABASE_URL: process.env.DATABASE_URL,
  REDIS_URL: process.env.REDIS_URL,
});
const folder = await mkdtemp(join(tmpdir(), 'slotkeeper-bench-'));
const marketplace = await Marketplace.start(ZONE);
const server = await backend('PostgreSQL', services);
try {
  const config = {
    accounts: [
      { id: 'bench', baseUrl: marketplace.url, clientId: 'bench', clientSecret: 'bench', timeZone: ZONE },
    ],
    calendars: Array.from({ length: 10 }, (_, n) => ({ id: `c${n}`, account: 'bench', ...addressOf(n) })),
  };
  await writeFile(join(folder, 'slotkeeper.yaml'), stringify(config));
  const start = (env: Readonly<Record<string, string>>): Promise<Started> =>
    slotkeeperStart(folder, { SLOTKEEPER_API_KEY: API_KEY, ...env });
  const embedded = { SLOTKEEPER_DATA: 'data' };
  const onServer = {
    DATABASE_URL: server.databaseUrl ?? '',
    SLOTKEEPER_ENCRYPTION_KEY: '5ea1'.repeat(16),
  };
  // The first start of each makes the tables.
  await start(embedded);
  await start(onServer);
  await cp(join(folder, 'data/pgdata'), join(folder, 'bare'), { recursive: true });

  const ways: readonly (readonly [string, () => Promise<Started>])[] = [
    ['node, nothing in it', bareNode],
    ['node, PGlite on such a folder', () => barePglite(join(folder, 'bare'))],
    ['start, embedded database', () => start(embedded)],
    ['start, PostgreSQL', () => start(onServer)],
    ['start, PostgreSQL + Redis', () => start({ ...onServer, REDIS_URL: services.redisUrl })],
  ];
  const started = new Map<string, Started[]>(ways.map(([name]) => [name, []]));
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [name, run] of ways) started.get(name)?.push(await run());
  }

  const [node, pglite, onPglite, ...onServers] = ways.map(([name]) => summary(started.get(name) ?? []));
  if (node === undefined || pglite === undefined || onPglite === undefined)
    throw new Error('nothing measured');
  const row = (one: Started, index: number) => ({
    process: ways[index]?.[0],
    'seconds until ready': round(one.seconds, 2),
    'MB, idle': round(one.megabytes),
    'above bare node': round(one.megabytes - node.megabytes),
    'above bare PGlite': index < 2 || index > 2 ? '' : round(one.megabytes - pglite.megabytes),
  });
  console.log(
    `\nThe fastest of ${TURNS} starts, and the memory in the middle: VmRSS of the process and its children, eight seconds after it was ready.`,
  );
  console.table([node, pglite, onPglite, ...onServers].map(row));

  const above = onPglite.megabytes - pglite.megabytes;
  const missed = [
    ...(onPglite.seconds > MAX_SECONDS ? [`the embedded database: ready after ${MAX_SECONDS} s`] : []),
    ...(above > MAX_ABOVE_PGLITE ? [`more than ${MAX_ABOVE_PGLITE} MB above a bare PGlite`] : []),
    ...(onServers.some(({ megabytes }) => megabytes >= MAX_ON_POSTGRESQL)
      ? [`${MAX_ON_POSTGRESQL} MB or more on PostgreSQL`]
      : []),
  ];
  for (const one of missed) console.error(`Missed: ${one}`);
  if (missed.length > 0) process.exitCode = 1;
} finally {
  marketplace.stop();
  await server.drop();
  await rm(folder, { recursive: true, force: true });
  await services.stop();
}
