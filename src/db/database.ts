/**
 * Opens the record's database: PostgreSQL by URL, or PGlite in a folder. Both come out as the same thing,
 * a pool that Kysely and BullMQ share, so there is one code path above.
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
  /** For BullMQ: its statements are unqualified, so every session's search_path begins with its schema. */
  readonly pool: pg.Pool | PglitePool;
  readonly db: Db;
  /** Both present for the embedded database in a folder only. */
  readonly lock?: FolderLock;
  readonly diskSpace?: DiskSpace;
  /** Called when everything is prepared: from then on no statement waits for its answer without end. */
  setStatementTimeout(ms?: number): void;
  close(): Promise<void>;
}

export type DatabaseOptions =
  | {
      readonly url: string;
      /** Connections at most; each BullMQ worker holds one of them for LISTEN. */
      readonly poolSize?: number;
      readonly onError?: (error: Error) => void;
    }
  | EmbeddedOptions
  /** One that is open already. */
  | { readonly embedded: EmbeddedDatabase };

/**
 * Opens the database and brings its tables up to date.
 * @throws {ServiceUnavailableError} when the server does not answer or refuses us
 * @throws {FolderInUseError} when another process has the embedded folder
 * @throws {DataFolderError} where the embedded folder cannot be used as it is
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const opened = 'url' in options ? await openPostgres(options) : await openPglite(options);
  try {
    await migrate(opened.db);
  } catch (error) {
    await opened.close();
    throw 'url' in options ? new ServiceUnavailableError('PostgreSQL', options.url, error) : error;
  }
  return opened;
}

async function openPostgres(options: Extract<DatabaseOptions, { url: string }>): Promise<Database> {
  // Loaded only here: the embedded database needs no driver.
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
