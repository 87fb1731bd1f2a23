/** Opens the embedded database: its folder, its thread, and the periodic checks while it is open. */
import { resolve } from 'node:path';
import { systemTimers, withTimeout } from '../lib/timers.js';
import { deleteUnfinished, openDataFolder, prepareDatabaseDir } from './data-folder.js';
import { DataFolderError } from './data-folder-error.js';
import { DatabaseLostError } from './database-lost-error.js';
import { DiskSpace, type DiskSpaceOptions, MB, RESERVED_BYTES, readFreeBytes, toMb } from './disk-space.js';
import type { FolderLock } from './folder-lock.js';
import { PglitePool } from './pglite-pool.js';
import { PgliteThread, type ThreadOptions } from './pglite-thread.js';
import { SEARCH_PATH } from './search-path.js';

export interface EmbeddedOptions {
  /** `memory://` stores nothing on disk. */
  readonly folder: string;
  readonly onProgress?: (message: string) => void;
  /** Called when the database is lost: this process cannot use it any more. */
  readonly onLost?: (error: DatabaseLostError) => void;
  readonly onSpaceChange?: DiskSpaceOptions['onChange'];
}

export interface EmbeddedDatabase {
  readonly pool: PglitePool;
  /** Both absent in memory. */
  readonly lock?: FolderLock;
  readonly diskSpace?: DiskSpace;
  setStatementTimeout(ms?: number): void;
  close(): Promise<void>;
}

const CHECK_EVERY_MS = 1_000;
/** A checkpoint is made once the write-ahead log has grown by this much: PGlite makes none by itself. */
const CHECKPOINT_BYTES = 16 * MB;
/** The disk space is read at every tenth check. */
const CHECKS_PER_SPACE_CHECK = 10;

/**
 * @throws {FolderInUseError} when another process holds the folder
 * @throws {DataFolderError} where the folder cannot be used in its present state
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { onProgress, onLost, onSpaceChange } = options;
  const isInMemory = options.folder === 'memory://';
  const folder = isInMemory ? options.folder : resolve(options.folder);
  const lock = isInMemory ? undefined : openDataFolder(folder);
  try {
    onProgress?.('starting the embedded database (the first start takes a few seconds)');
    const dir = isInMemory ? { dataDir: folder } : await prepareDatabaseDir(folder);
    const thread = await openThread(folder, {
      ...dir,
      onLost: async (error) => onLost?.(isInMemory ? error : await withAdvice(folder, error)),
    });
    onProgress?.('the embedded database is up');
    const pool = new PglitePool(thread);
    await pool.query(`SET search_path TO ${SEARCH_PATH}`);
    const diskSpace = isInMemory
      ? undefined
      : new DiskSpace(folder, onSpaceChange === undefined ? {} : { onChange: onSpaceChange });
    const stopChecks = diskSpace && startChecks(pool, diskSpace);
    return {
      pool,
      ...(lock === undefined ? {} : { lock }),
      ...(diskSpace === undefined ? {} : { diskSpace }),
      setStatementTimeout: (ms) => thread.setStatementTimeout(ms),
      close: async () => {
        await stopChecks?.();
        await pool.end();
        lock?.release();
      },
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

async function openThread(folder: string, options: ThreadOptions): Promise<PgliteThread> {
  try {
    return await PgliteThread.open(options);
  } catch (error) {
    const cause = error instanceof DatabaseLostError ? error.cause : error;
    if (options.createIn === undefined) {
      const advice = 'if this persists, restore the whole folder from a backup';
      throw new DataFolderError(folder, `has a database that cannot be opened (${cause}): ${advice}`, error);
    }
    deleteUnfinished(folder);
    throw new DataFolderError(folder, `has no database, and none can be created (${cause})`, error);
  }
}

/** Adds the free disk space and what the operator should do. */
async function withAdvice(folder: string, error: DatabaseLostError): Promise<DatabaseLostError> {
  // `statfs` may not return where the disk is gone.
  const freeBytes = await withTimeout(
    systemTimers,
    CHECK_EVERY_MS,
    readFreeBytes(folder).catch(() => undefined),
  );
  const left = freeBytes === undefined ? '' : `; its disk has ${toMb(freeBytes)} MB left`;
  const when = freeBytes !== undefined && freeBytes < RESERVED_BYTES ? ' once disk space is free' : '';
  const reason = `${error.cause}${left}. Everything that was acknowledged is stored: restart the process${when}`;
  return new DatabaseLostError(folder, reason);
}

/** Keeps the write-ahead log short and checks the disk space. @returns stops the checks */
function startChecks(pool: PglitePool, diskSpace: DiskSpace): () => Promise<void> {
  let checks = 0;
  let running: Promise<void> | undefined;
  const check = async (): Promise<void> => {
    if (checks % CHECKS_PER_SPACE_CHECK === 0) await diskSpace.check();
    checks += 1;
    await checkpointLongLog(pool);
  };
  const stop = systemTimers.every(CHECK_EVERY_MS, async () => {
    // An error here also reaches the callers whose statements wait, so it is not reported twice.
    running ??= check()
      .catch(() => undefined)
      .finally(() => {
        running = undefined;
      });
  });
  return async () => {
    stop();
    await withTimeout(systemTimers, CHECK_EVERY_MS, running ?? Promise.resolve());
  };
}

async function checkpointLongLog(pool: PglitePool): Promise<void> {
  const { rows } = await pool.query(
    'SELECT FROM pg_control_checkpoint() WHERE pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) > $1::int8',
    [CHECKPOINT_BYTES],
  );
  if (rows.length > 0) await pool.query('CHECKPOINT');
}
