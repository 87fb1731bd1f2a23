// The PostgreSQL and the Redis of a test run: those of the environment, else the machine's, else Debian's packages.
import { Redis } from 'ioredis';
import pg from 'pg';
import { install, type Package } from './install.js';
import { PostgresServer } from './postgres-server.js';
import { findPostgres, findRedis } from './programs.js';
import { RedisServer } from './redis-server.js';
import type { Server } from './server.js';

export interface Services {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Stops what `startServices` started, and leaves given servers alone. */
  stop(): Promise<void>;
}

/** Servers that run already, as in the environment variables of the same names. */
export interface GivenServers {
  readonly DATABASE_URL?: string | undefined;
  readonly REDIS_URL?: string | undefined;
}

/** Throws when a given server does not answer, or when one cannot be found, installed or started. */
export async function startServices(given: GivenServers): Promise<Services> {
  const database = given.DATABASE_URL || undefined;
  const redis = given.REDIS_URL || undefined;
  await installMissing(database === undefined, redis === undefined);
  const hasty = { durable: false };
  const started = await Promise.allSettled([
    database === undefined ? PostgresServer.start(hasty) : givenDatabase(database),
    redis === undefined ? RedisServer.start(hasty) : givenRedis(redis),
  ]);
  const stop = async () => {
    await Promise.all(started.map((one) => (one.status === 'fulfilled' ? one.value.remove() : undefined)));
  };
  const [postgresServer, redisServer] = started;
  if (postgresServer.status === 'fulfilled' && redisServer.status === 'fulfilled') {
    return { databaseUrl: postgresServer.value.url, redisUrl: redisServer.value.url, stop };
  }
  await stop();
  throw started.find((one) => one.status === 'rejected')?.reason;
}

async function installMissing(needsPostgres: boolean, needsRedis: boolean): Promise<void> {
  const missing: Package[] = [];
  if (needsPostgres && (await findPostgres()) === undefined) missing.push('postgresql');
  if (needsRedis && (await findRedis()) === undefined) missing.push('redis-server');
  if (missing.length > 0) await install(missing);
}

type GivenServer = Pick<Server, 'url' | 'remove'>;

async function givenDatabase(url: string): Promise<GivenServer> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    await client.end();
  } catch (error) {
    throw new Error('The PostgreSQL in DATABASE_URL does not let us in', { cause: error });
  }
  return { url, remove: async () => {} };
}

async function givenRedis(url: string): Promise<GivenServer> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 10_000 });
  let refusal: unknown;
  client.on('error', (error) => {
    refusal ??= error; // What `connect` rejects with does not tell why.
  });
  try {
    await client.connect();
  } catch (error) {
    throw new Error('The Redis in REDIS_URL does not let us in', { cause: refusal ?? error });
  }
  client.disconnect();
  return { url, remove: async () => {} };
}
