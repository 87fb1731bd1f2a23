/** The three backends, each with an engine, its HTTP API and a sandbox, for one measurement and gone after it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createApp, createLog, type Role, Slotkeeper, type SlotkeeperConfig } from 'slotkeeper';
import { Sandbox } from 'slotkeeper/sandbox';

export type BackendName = 'PGlite' | 'PostgreSQL' | 'PostgreSQL + Redis';

export interface Backend {
  readonly name: BackendName;
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly data?: string;
  drop(): Promise<void>;
}

export interface Servers {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

let made = 0;

export async function backend(name: BackendName, servers: Servers): Promise<Backend> {
  if (name === 'PGlite') {
    const data = await mkdtemp(join(tmpdir(), 'slotkeeper-bench-'));
    return { name, data, drop: () => rm(data, { recursive: true, force: true }) };
  }
  made += 1;
  const database = `slotkeeper_bench_${process.pid}_${made}`;
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: servers.databaseUrl });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await run(`CREATE DATABASE ${database}`);
  const url = new URL(servers.databaseUrl);
  url.pathname = `/${database}`;
  return {
    name,
    databaseUrl: url.href,
    ...(name === 'PostgreSQL' ? {} : { redisUrl: servers.redisUrl }),
    drop: () => run(`DROP DATABASE ${database} WITH (FORCE)`),
  };
}

export interface Clinic {
  readonly engine: Slotkeeper;
  readonly sandbox: Sandbox;
  /** The HTTP API's address. */
  readonly url: string;
  close(): Promise<void>;
}

export const API_KEY = 'bench';
/** No limit but the machine's: what is measured is the engine. */
const ROOMY = { writesPerMinute: 1_000_000, writesPerHour: 1_000_000, requestsPerHour: 1_000_000 };

export const addressOf = (index: number) => ({
  facilityId: '1',
  doctorId: String(1_000 + index),
  addressId: String(100_000 + index),
});

/**
 * An engine with this many calendars of one account, and a marketplace without limits.
 * @param more the roles, default all, and the marketplace's port, default a free one
 */
export async function clinic(
  { databaseUrl, redisUrl, data }: Backend,
  calendars: number,
  publish: NonNullable<SlotkeeperConfig['publish']>,
  more: { readonly roles?: readonly Role[]; readonly port?: number } = {},
): Promise<Clinic> {
  const sandbox = new Sandbox({
    limits: { writesPerMinute: null, writesPerHour: null, requestsPerHour: null },
    keepRequests: 1_000,
  });
  const baseUrl = await sandbox.start({ port: more.port ?? 0 });
  const engine = new Slotkeeper({
    databaseUrl,
    encryptionKey: '5ea1'.repeat(16),
    redisUrl,
    data,
    roles: more.roles,
    log: createLog('error'),
    config: {
      accounts: [
        {
          id: 'bench',
          baseUrl,
          clientId: 'bench',
          clientSecret: 'bench',
          timeZone: 'Europe/Warsaw',
          limits: ROOMY,
        },
      ],
      calendars: Array.from({ length: calendars }, (_, index) => ({
        id: `c${index}`,
        account: 'bench',
        ...addressOf(index),
      })),
      publish,
    },
  });
  await engine.start();
  const app = createApp({ engine, apiKey: API_KEY });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    engine,
    sandbox,
    url,
    close: async () => {
      await app.close();
      await engine.stop();
      await sandbox.stop();
    },
  };
}

export async function atRest(engine: Slotkeeper): Promise<void> {
  while ((await engine.status()).pending > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
