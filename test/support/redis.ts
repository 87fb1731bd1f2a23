// Redis for tests: a database of one's own on the run's server, or a whole server to stop and start.
import { Redis } from 'ioredis';
import { atEndOfTest } from './release.js';
import { sharedService } from './shared-services.js';

export { RedisServer } from './redis-server.js';

const CLAIM_SECONDS = 3600;

/**
 * The url of an empty database of the run's Redis (the number in its path), ours until the end of the test file and then
 * emptied. Databases that hold anything are left alone, so a Redis that is in use can be given. The run's own has 1,023.
 * On another server (`on`: its url) the database is claimed in the same way, and not given back.
 */
export async function freshRedisUrl({ on }: { readonly on?: string } = {}): Promise<string> {
  const server = new URL(on ?? sharedService('REDIS_URL'));
  const database = await withClient(server, claim);
  if (on === undefined) atEndOfTest(() => withClient(server, (client) => release(client, database)));
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

const claimKey = (database: number) => `slotkeeper-test:claim:${database}`;

// Claims stand in the database of the shared url itself, where no test can flush them away.
async function claim(client: Redis): Promise<number> {
  const home = client.options.db ?? 0;
  for (let database = 1; ; database++) {
    const claimed = await client.set(claimKey(database), process.pid, 'EX', CLAIM_SECONDS, 'NX');
    if (claimed === null) continue;
    const size = await sizeOf(client, database, home);
    if (size === 0) return database;
    await client.del(claimKey(database));
    if (size === undefined) throw new Error('Every database of this Redis is taken by a test or holds keys');
  }
}

/** Undefined where there is no such database. */
async function sizeOf(client: Redis, database: number, home: number): Promise<number | undefined> {
  try {
    await client.select(database);
  } catch (error) {
    if (error instanceof Error && error.message.includes('out of range')) return undefined;
    throw error;
  }
  const size = await client.dbsize();
  await client.select(home);
  return size;
}

async function release(client: Redis, database: number): Promise<void> {
  const home = client.options.db ?? 0;
  await client.select(database);
  await client.flushdb();
  await client.select(home);
  await client.del(claimKey(database));
}

async function withClient<T>(url: URL, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url.href, { lazyConnect: true, retryStrategy: () => null });
  await client.connect();
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}
