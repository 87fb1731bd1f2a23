/**
 * Opens the database: PostgreSQL by URL, or PGlite in a folder. Both give a pool that Kysely and BullMQ share, so that the
 * code above has one path.
 */
import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { DiskSpace } from './disk-space.js';
import { type EmbeddedDatabase, type EmbeddedOptions, openEmbeddedDatabase } from './embedded.js';
import type { FolderLock } from './folder-lock.js';
import { migrate } from './migrate.js';
import type { PglitePool } from './pglite-pool.js';
import { withPreparedStatements } from './prepared-statements.js';
import type { Db, Tables } from './schema.js';
import { ServiceUnavailableError } from './service-unavailable-error.js';

export interface Database {
  readonly kind: 'pglite' | 'postgresql';
  /** BullMQ's statements are unqualified, so the search_path of every session begins with its schema. */
  readonly pool: pg.Pool | PglitePool;
  readonly db: Db;
  /** Both are present only for the embedded database in a folder. */
  readonly lock?: FolderLock;
  readonly diskSpace?: DiskSpace;
  /** Called when the start is complete: from then on every statement has a time limit. @param ms default 10,000 */
  setStatementTimeout(ms?: number): void;
  close(): Promise<void>;
}

export type DatabaseOptions =
  | {
      readonly url: string;
      /** Maximum number of connections; each BullMQ worker holds one of them for LISTEN. */
      readonly poolSize?: number;
      readonly onError?: (error: Error) => void;
    }
  | EmbeddedOptions
  /** A database that is open already. */
  | { readonly embedded: EmbeddedDatabase };

/**
 * Opens the database and migrates its tables.
 * @throws {ServiceUnavailableError} when the server does not answer or refuses the connection
 * @throws {FolderInUseError} when another process holds the embedded folder
 * @throws {DataFolderError} where the embedded folder cannot be used in its present state
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = 'url' in options ? await openPostgres(options) : await openPglite(options);
  try {
    await migrate(database.db);
  } catch (error) {
    await database.close();
    throw 'url' in options ? new ServiceUnavailableError('PostgreSQL', options.url, error) : error;
  }
  return database;
}

async function openPostgres(options: Extract<DatabaseOptions, { url: string }>): Promise<Database> {
  // The driver is loaded only here, because the embedded database does not need it.
  const { openPgPool } = await import('./pool.js');
  const { pool, setStatementTimeout, close } = openPgPool({
    url: options.url,
    size: options.poolSize ?? 20,
    onError: (error) => options.onError?.(error),
  });
  const db: Db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: withPreparedStatements(pool) }) });
  return { kind: 'postgresql', pool, db, setStatementTimeout, close };
}

async function openPglite(options: Exclude<DatabaseOptions, { url: string }>): Promise<Database> {
  const embedded = 'embedded' in options ? options.embedded : await openEmbeddedDatabase(options);
  const db: Db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: embedded.pool }) });
  return { kind: 'pglite', db, ...embedded };
}
