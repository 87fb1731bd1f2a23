// The two databases of tests: PGlite in a folder of its own, and a database of its own on PostgreSQL.
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { type DatabaseOptions, openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { Queues } from '../../src/queue/queues.js';
import { preparedDatabase } from '../support/postgres.js';
import { tempDir } from '../support/temp-dir.js';

/** The key of engines on PostgreSQL, which create none. */
export const ENCRYPTION_KEY = '5ea1'.repeat(16);

export interface TestDatabase {
  readonly name: string;
  /** Creates a database that no other test uses. @returns how to open it */
  readonly create: () => Promise<DatabaseOptions>;
}

export const databases: readonly TestDatabase[] = [
  { name: 'PGlite', create: async () => ({ folder: await embeddedFolder() }) },
  { name: 'PostgreSQL', create: async () => ({ url: await postgresDatabase() }) },
];

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const CACHE = path('../../node_modules/.cache/slotkeeper');
const MIGRATIONS = path('../../src/db/migrations');

/** @returns the URL of a database on PostgreSQL with empty tables, in the state before a second start */
export async function postgresDatabase(): Promise<string> {
  return await preparedDatabase({ name: 'record', fill: (url) => createTables({ url }), reset: RESET });
}

/** Deletes all rows except migrations, without checking foreign keys; restarts sequences; drops the tables that tests created. */
const RESET = `
  SET session_replication_role = replica;
  DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT * FROM pg_tables WHERE schemaname IN ('slotkeeper', 'bullmq') AND tablename NOT LIKE '%migration%' LOOP
      EXECUTE format('DELETE FROM %I.%I', t.schemaname, t.tablename);
    END LOOP;
    FOR t IN SELECT * FROM pg_sequences WHERE last_value IS NOT NULL LOOP
      EXECUTE format('ALTER SEQUENCE %I.%I RESTART', t.schemaname, t.sequencename);
    END LOOP;
    FOR t IN SELECT * FROM pg_tables WHERE schemaname = 'public' LOOP
      EXECUTE format('DROP TABLE public.%I CASCADE', t.tablename);
    END LOOP;
  END $$`;

/** Creates the engine's tables and BullMQ's. */
async function createTables(options: DatabaseOptions): Promise<void> {
  const database = await openDatabase(options);
  const queues = new Queues({ store: { kind: 'database', pool: database.pool }, onError: () => {} });
  await queues.connect();
  await queues.close();
  await database.close();
}

/**
 * Makes starts faster: half of the time of an embedded start is clearing 128 MB of buffers, and two thirds of the files belong
 * to databases that are not used.
 */
async function shrinkDataFolder(folder: string): Promise<void> {
  const database = await openDatabase({ folder });
  await sql`ALTER SYSTEM SET shared_buffers = '16MB'`.execute(database.db);
  const { rows } = await sql<{ oid: number }>`
    SELECT oid FROM pg_database WHERE datname <> current_database()`.execute(database.db);
  await database.close();
  for (const { oid } of rows) rmSync(join(folder, 'pgdata', 'base', String(oid)), { recursive: true });
}

/**
 * Creates a data folder of the embedded database, in the state before a second start. The first start of PGlite takes seconds,
 * so one folder is cached for all runs, until PGlite, BullMQ, a migration or this file changes.
 */
export async function embeddedFolder(): Promise<string> {
  const folder = await tempDir();
  // For so many files, Node's own copy takes three times as long.
  await promisify(execFile)('cp', ['-R', `${await templateFolder()}/.`, folder]);
  return folder;
}

async function templateFolder(): Promise<string> {
  const cached = join(CACHE, `pglite-${fingerprint()}`);
  if (existsSync(cached)) return cached;
  const created = join(CACHE, `making-${randomUUID()}`);
  mkdirSync(created, { recursive: true });
  await createTables({ folder: created });
  await shrinkDataFolder(created);
  try {
    renameSync(created, cached);
  } catch (error) {
    // Another test file has created the folder meanwhile.
    rmSync(created, { recursive: true, force: true });
    if (!existsSync(cached)) throw error;
  }
  return cached;
}

function fingerprint(): string {
  const versions = ['@electric-sql/pglite', 'bullmq'].map((name) =>
    readFileSync(path(`../../node_modules/${name}/package.json`), 'utf8'),
  );
  const migrations = readdirSync(MIGRATIONS).map((name) => readFileSync(join(MIGRATIONS, name), 'utf8'));
  return createHash('sha256')
    .update(JSON.stringify([versions, migrations, readFileSync(path('./databases.ts'), 'utf8')]))
    .digest('hex')
    .slice(0, 16);
}

/** Deletes all rows. In PGlite this is faster than TRUNCATE. */
export async function deleteAllRows(db: Db): Promise<void> {
  for (const table of ['calendars', 'accounts', 'events', 'history']) {
    await sql`DELETE FROM slotkeeper.${sql.raw(table)}`.execute(db);
  }
}
