// PostgreSQL for tests: a new database on the run's server, or a whole server to stop and start.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { idleDatabases, idleProcesses, keepConnections, keptClient } from './jest/kept-databases.mjs';
import { atEndOfTest } from './release.js';
import { sharedService } from './shared-services.js';

export { PostgresServer } from './postgres-server.js';

export interface FreshDatabase {
  readonly url: string;
  /** Removes it, with whoever is still connected; the end of the test does so, too. */
  drop(): Promise<void>;
}

const EMPTY = "template0 ENCODING 'UTF8'";
const NO_SUCH_DATABASE = '3D000';

/**
 * An empty database that nobody else uses. On another server than the run's shared one (`on`: its url) it stays until
 * it is dropped or the server is removed.
 */
export async function freshDatabase({ on }: { readonly on?: string } = {}): Promise<FreshDatabase> {
  const server = on ?? sharedService('DATABASE_URL');
  const database = await create(server, EMPTY);
  if (on === undefined) atEndOfTest(database.drop);
  return database;
}

export interface Preparation {
  /** One database is made for each name in a run; the others are its copies. */
  readonly name: string;
  readonly fill: (url: string) => Promise<void>;
  /** Statements that bring one that was used back to what `fill` made. */
  readonly reset: string;
}

/**
 * A database that holds what `fill` puts into it. After the test it is reset, and a later test of the same worker gets
 * it: to copy one and to drop it takes a hundred times as long.
 */
export async function preparedDatabase({ name, fill, reset }: Preparation): Promise<string> {
  const server = sharedService('DATABASE_URL');
  const idle = idleDatabases.get(name) ?? [];
  idleDatabases.set(name, idle);
  const database = idle.pop() ?? (await copyOf(server, name, fill));
  keepConnections(database.url);
  atEndOfTest(async () => {
    await connected(keptClient({ connectionString: database.url }), async (client) => {
      await client.query(DISCONNECT_OTHERS, [await idleProcesses()]);
      await client.query(reset);
    });
    idle.push(database);
  });
  return database.url;
}

/** A session that its user has not ended may be in the middle of anything. */
const DISCONNECT_OTHERS = `
  SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL ($1)`;

async function copyOf(server: string, name: string, fill: Preparation['fill']): Promise<FreshDatabase> {
  const original = `${sharedService('DATABASE_PREFIX')}${name}`;
  return await create(server, original).catch(async (error: unknown) => {
    if (!(error instanceof pg.DatabaseError) || error.code !== NO_SUCH_DATABASE) throw error;
    await makeOriginal(server, original, fill);
    return await create(server, original);
  });
}

async function create(server: string, template: string): Promise<FreshDatabase> {
  const name = `${sharedService('DATABASE_PREFIX')}${randomBytes(8).toString('hex')}`;
  await execute(server, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Several test files may want it at the same time: one makes it, and it has its name when it is whole. */
async function makeOriginal(
  server: string,
  original: string,
  fill: (url: string) => Promise<void>,
): Promise<void> {
  await connected(clientOf(server), async (client) => {
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [original]);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [original]);
    if (rowCount !== 0) return;
    const making = await create(server, EMPTY);
    await fill(making.url).catch(async (error: unknown) => {
      await making.drop();
      throw error;
    });
    await client.query(`ALTER DATABASE ${new URL(making.url).pathname.slice(1)} RENAME TO ${original}`);
  });
}

/** For the end of a run: whatever is left of its databases. */
export async function dropDatabases(server: string, prefix: string): Promise<void> {
  await connected(clientOf(server), async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [prefix],
    );
    for (const { datname } of rows) await client.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
  });
}

async function execute(url: string, statement: string): Promise<void> {
  await connected(clientOf(url), async (client) => {
    await client.query(statement);
  });
}

const clientOf = (url: string): pg.Client => new pg.Client({ connectionString: url });

async function connected(client: pg.Client, work: (client: pg.Client) => Promise<void>): Promise<void> {
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
