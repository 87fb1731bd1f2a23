// PostgreSQL for tests: a new database on the run's server, or a whole server to stop and start.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { atEndOfTestFile } from './release.js';
import { sharedServiceUrl } from './shared-services.js';

export { PostgresServer } from './postgres-server.js';

export interface FreshDatabase {
  readonly url: string;
  /** Removes it, with whoever is still connected; the end of the test file does so, too. */
  drop(): Promise<void>;
}

/**
 * An empty database that nobody else uses. On another server than the run's shared one (`on`: its url) it stays until
 * it is dropped or the server is removed.
 */
export async function freshDatabase({ on }: { readonly on?: string } = {}): Promise<FreshDatabase> {
  const server = on ?? sharedServiceUrl('DATABASE_URL');
  const name = `slotkeeper_test_${randomBytes(8).toString('hex')}`;
  await execute(server, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const drop = () => execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  if (on === undefined) atEndOfTestFile(drop);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop };
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
