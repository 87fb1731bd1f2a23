/**
 * Opens the record's database: PostgreSQL by URL, or PGlite in a folder. Both come out as the same thing,
 * a pool that Kysely and BullMQ share, so there is one code path above.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { type FolderLock, lockFolder } from './folder-lock.js';
import { migrate } from './migrate.js';
import { openPgPool, SEARCH_PATH } from './pg-pool.js';
import { PglitePool } from './pglite-pool.js';
import { preparing } from './preparing-pool.js';
import type { Db, Tables } from './schema.js';
import { ServiceUnavailableError } from './service-unavailable-error.js';

export interface Database {
  readonly kind: 'pglite' | 'postgresql';
  /** For BullMQ: its statements are unqualified, so every session's search_path begins with its schema. */
  readonly pool: pg.Pool | PglitePool;
  readonly db: Db;
  /** Present for the embedded database only. */
  readonly lock?: FolderLock;
  /** Called when everything is prepared: from then on no statement waits for its answer without end. */
  limitStatements(ms?: number): void;
  close(): Promise<void>;
}

export type DatabaseOptions =
  | {
      readonly url: string;
      /** Connections at most; each BullMQ worker holds one of them for LISTEN. */
      readonly poolSize?: number;
      readonly onError?: (error: Error) => void;
    }
  | {
      /** The folder of the embedded database; `memory://` keeps nothing. */
      readonly folder: string;
      readonly onProgress?: (message: string) => void;
    };

/**
 * Opens the database and brings its tables up to date.
 * @throws {ServiceUnavailableError} when the server does not answer or refuses us
 * @throws {FolderInUseError} when another process has the embedded folder
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const opened = 'url' in options ? openPostgres(options) : await openPglite(options);
  try {
    await migrate(opened.db);
  } catch (error) {
    await opened.close();
    throw 'url' in options ? new ServiceUnavailableError('PostgreSQL', options.url, error) : error;
  }
  return opened;
}

function openPostgres(options: Extract<DatabaseOptions, { url: string }>): Database {
  const { pool, limitStatements, close } = openPgPool({
    url: options.url,
    size: options.poolSize ?? 20,
    onError: (error) => options.onError?.(error),
  });
  const db: Db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: preparing(pool) }) });
  return { kind: 'postgresql', pool, db, limitStatements, close };
}

async function openPglite(options: Extract<DatabaseOptions, { folder: string }>): Promise<Database> {
  const inMemory = options.folder === 'memory://';
  const folder = inMemory ? options.folder : resolve(options.folder);
  if (!inMemory) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = inMemory ? undefined : lockFolder(folder);
  try {
    options.onProgress?.('starting the embedded database (the first start takes a few seconds)');
    // Loaded only here: it is large, and with PostgreSQL nobody needs it.
    const { PGlite } = await import('@electric-sql/pglite');
    const pglite = await PGlite.create(inMemory ? folder : join(folder, 'pgdata'));
    options.onProgress?.('the embedded database is up');
    await pglite.exec(`SET search_path TO ${SEARCH_PATH}`);
    const pool = new PglitePool(pglite);
    const db: Db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
    return {
      kind: 'pglite',
      pool,
      db,
      ...(lock === undefined ? {} : { lock }),
      limitStatements: () => undefined,
      close: async () => {
        await pool.end();
        lock?.release();
      },
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}
