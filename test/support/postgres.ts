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

/** An empty database that nobody else uses; `on` is another server's url than that of the run's shared one. */
export async function freshDatabase({ on = sharedServiceUrl('DATABASE_URL') } = {}): Promise<FreshDatabase> {
  const name = `slotkeeper_test_${randomBytes(8).toString('hex')}`;
  await execute(on, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const drop = () => execute(on, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  if (on === process.env.SLOTKEEPER_TEST_DATABASE_URL) atEndOfTestFile(drop);
  const url = new URL(on);
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
