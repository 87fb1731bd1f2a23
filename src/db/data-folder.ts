/**
 * Checks the folder of the embedded database: it is new, complete or incomplete. An incomplete folder is refused: a new
 * database in its place would be empty, and the loss would go unnoticed.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DataFolderError } from './data-folder-error.js';
import { MB, readFreeBytes, toMb } from './disk-space.js';
import { type FolderLock, lockFolder } from './folder-lock.js';

/** The folder of the database inside the data folder. */
const NAME = 'pgdata';
/** A new database is created under this name and renamed once it is complete, so an interrupted start leaves no `pgdata`. */
const UNFINISHED = 'pgdata.unfinished';
/** The key files in the same folder, see `crypto/key-file.ts`. */
const KEY = /^encryption\.key/;
const WAL_SEGMENT = /^[0-9A-F]{24}$/;
/** Disk space that a new database needs with its first tables, and that an existing one needs to recover from a crash. */
const NEW_BYTES = 48 * MB;
const EXISTING_BYTES = 24 * MB;

/**
 * Creates the folder where it is missing, and locks it for this process.
 * @throws {FolderInUseError} when a living process holds the folder
 * @throws {DataFolderError} where the folder cannot be written
 */
export function openDataFolder(folder: string): FolderLock {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return lockFolder(folder);
  } catch (error) {
    throw toFolderError(folder, error);
  }
}

export interface DatabaseDir {
  /** The database's own folder. */
  readonly dataDir: string;
  /** Present where the database is new: the folder in which it is created. */
  readonly createIn?: string;
}

/**
 * Deletes what an interrupted start left, and returns where the database is or is to be created.
 * @throws {DataFolderError} where the database is incomplete, or its disk is full
 */
export async function prepareDatabaseDir(folder: string): Promise<DatabaseDir> {
  const dataDir = join(folder, NAME);
  const isNew = !existsSync(dataDir);
  if (isNew) assertNoKey(folder);
  else assertComplete(folder, dataDir);
  deleteUnfinished(folder);
  const neededBytes = isNew ? NEW_BYTES : EXISTING_BYTES;
  const freeBytes = await readFreeBytes(folder);
  if (freeBytes < neededBytes) {
    const reason = `is on a disk with ${toMb(freeBytes)} MB left, and a start needs ${toMb(neededBytes)} MB: free disk space`;
    throw new DataFolderError(folder, reason);
  }
  return isNew ? { dataDir, createIn: join(folder, UNFINISHED) } : { dataDir };
}

/** Deletes the database of a start that was interrupted. */
export function deleteUnfinished(folder: string): void {
  rmSync(join(folder, UNFINISHED), { recursive: true, force: true });
}

/** @throws {DataFolderError} where a key shows that there was a database */
function assertNoKey(folder: string): void {
  const key = readdirSync(folder).find((name) => KEY.test(name));
  if (key === undefined) return;
  throw new DataFolderError(
    folder,
    `has a key (${key}), but no database: ${NAME} is missing. No new one is created, because it would be empty. Restore ` +
      `${NAME} from a backup; or, to start empty, move the whole folder away`,
  );
}

/** @throws {DataFolderError} where a part of the database is missing */
function assertComplete(folder: string, dataDir: string): void {
  const missing =
    ['PG_VERSION', 'global/pg_control', 'base', 'pg_wal'].find((name) => !existsSync(join(dataDir, name))) ??
    (readdirSync(join(dataDir, 'pg_wal')).some((name) => WAL_SEGMENT.test(name)) ? undefined : 'pg_wal/*');
  if (missing === undefined) return;
  throw new DataFolderError(
    folder,
    `has an incomplete database: ${NAME}/${missing} is missing. No new one is created, because it would be empty. Restore ` +
      `the whole ${NAME} from a backup; or, to start empty, move the whole folder away`,
  );
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write it: give it to the user, or choose another with SLOTKEEPER_DATA',
  EPERM: 'this user may not write it: give it to the user, or choose another with SLOTKEEPER_DATA',
  EROFS: 'it is on a read-only file system: choose another with SLOTKEEPER_DATA',
  ENOSPC: 'its disk is full: free disk space',
  EDQUOT: "this user's disk quota is used up: free disk space",
  EMFILE: 'this process may open too few files: raise ulimit -n',
  ENFILE: 'this machine has too many files open',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a part of its path is a file',
  ENOENT: 'it cannot be created there',
};

/** @returns a DataFolderError for an error of a system call; any other error unchanged */
function toFolderError(folder: string, error: unknown): unknown {
  const code =
    error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined;
  if (code === undefined) return error;
  return new DataFolderError(folder, `cannot be used: ${REASONS[code] ?? code} (${code})`, error);
}
