/** Opens the embedded database: its folder, its thread, and what is looked at while it is open. */
import { resolve } from 'node:path';
import { systemTimers, within } from '../lib/timers.js';
import { deleteUnfinished, openDataFolder, prepareDatabaseDir } from './data-folder.js';
import { DataFolderError } from './data-folder-error.js';
import { DatabaseLostError } from './database-lost-error.js';
import { DiskSpace, type DiskSpaceOptions, MB, RESERVED_BYTES, readFreeBytes, toMb } from './disk-space.js';
import type { FolderLock } from './folder-lock.js';
import { PglitePool } from './pglite-pool.js';
import { PgliteThread, type ThreadOptions } from './pglite-thread.js';
import { SEARCH_PATH } from './search-path.js';

export interface EmbeddedOptions {
  /** `memory://` keeps nothing. */
  readonly folder: string;
  readonly onProgress?: (message: string) => void;
  /** Called where the database is lost: this process cannot work with it any more. */
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

const LOOK_EVERY_MS = 1_000;
/** The log is written anew from its beginning when it has grown so far: PGlite does not do that by itself. */
const CHECKPOINT_BYTES = 16 * MB;
const CHECK_SPACE_EVERY = 10;

/**
 * @throws {FolderInUseError} when another process has the folder
 * @throws {DataFolderError} where the folder cannot be used as it is
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { onProgress, onLost, onSpaceChange } = options;
  const inMemory = options.folder === 'memory://';
  const folder = inMemory ? options.folder : resolve(options.folder);
  const lock = inMemory ? undefined : openDataFolder(folder);
  try {
    onProgress?.('starting the embedded database (the first start takes a few seconds)');
    const place = inMemory ? { dataDir: folder } : await prepareDatabaseDir(folder);
    const thread = await openThread(folder, {
      ...place,
      onLost: async (error) => onLost?.(inMemory ? error : await advised(folder, error)),
    });
    onProgress?.('the embedded database is up');
    const pool = new PglitePool(thread);
    await pool.query(`SET search_path TO ${SEARCH_PATH}`);
    const room = inMemory
      ? undefined
      : new DiskSpace(folder, onSpaceChange === undefined ? {} : { onChange: onSpaceChange });
    const stopLooking = looking(pool, room);
    return {
      pool,
      ...(lock === undefined ? {} : { lock }),
      ...(room === undefined ? {} : { diskSpace: room }),
      setStatementTimeout: (ms) => thread.setStatementTimeout(ms),
      close: async () => {
        await stopLooking();
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
    const why = error instanceof DatabaseLostError ? error.cause : error;
    if (options.createIn === undefined) {
      const todo = 'where that does not end by itself, put the whole folder back from a backup';
      throw new DataFolderError(folder, `has a database that cannot be opened (${why}): ${todo}`, error);
    }
    deleteUnfinished(folder);
    throw new DataFolderError(folder, `cannot be given a database (${why})`, error);
  }
}

/** With what to do. */
async function advised(folder: string, error: DatabaseLostError): Promise<DatabaseLostError> {
  // A disk that is gone may keep whoever asks it waiting.
  const free = await within(
    systemTimers,
    LOOK_EVERY_MS,
    readFreeBytes(folder).catch(() => undefined),
  );
  const left = free === undefined ? '' : `; its disk has ${toMb(free)} MB left`;
  const when = free !== undefined && free < RESERVED_BYTES ? ', once it has room' : '';
  const reason = `${error.cause}${left}. What was acknowledged is in it: start again${when}`;
  return new DatabaseLostError(folder, reason);
}

/** Keeps the log short, and looks how much room there is. @returns what ends it */
function looking(pool: PglitePool, room: DiskSpace | undefined): () => Promise<void> {
  if (room === undefined) return async () => undefined;
  let looks = 0;
  let underWay: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    if (looks % CHECK_SPACE_EVERY === 0) await room.check();
    looks += 1;
    await shortenLog(pool);
  };
  const stop = systemTimers.every(LOOK_EVERY_MS, async () => {
    // What fails here fails for those who are waited for, too.
    underWay ??= look()
      .catch(() => undefined)
      .finally(() => {
        underWay = undefined;
      });
  });
  return async () => {
    stop();
    await within(systemTimers, LOOK_EVERY_MS, underWay ?? Promise.resolve());
  };
}

async function shortenLog(pool: PglitePool): Promise<void> {
  const { rows } = await pool.query(
    'SELECT FROM pg_control_checkpoint() WHERE pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) > $1::int8',
    [CHECKPOINT_BYTES],
  );
  if (rows.length > 0) await pool.query('CHECKPOINT');
}
