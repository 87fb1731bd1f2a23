/**
 * The folder of the embedded database: told apart whether it is new, whole, or a part of what was there. What is not whole is
 * refused: made anew it would be empty, and nobody would be told.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DataFolderError } from './data-folder-error.js';
import { MB, readFreeBytes, toMb } from './disk-space.js';
import { type FolderLock, lockFolder } from './folder-lock.js';

/** The database in it. */
const NAME = 'pgdata';
/** It gets its name when it is whole: what a start that was cut off has left has another. */
const UNFINISHED = 'pgdata.unfinished';
/** What the folder has of ours besides, see `privacy/key-file.ts`. */
const KEY = /^encryption\.key/;
const WAL_SEGMENT = /^[0-9A-F]{24}$/;
/** What a new database takes at once, and its first tables; what an old one takes to come back from a crash. */
const NEW_BYTES = 48 * MB;
const OLD_BYTES = 24 * MB;

/**
 * Makes the folder where it is not there, and takes it for this process.
 * @throws {FolderInUseError} when a living process holds it
 * @throws {DataFolderError} where it cannot be written
 */
export function openDataFolder(folder: string): FolderLock {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return lockFolder(folder);
  } catch (error) {
    throw refusalOf(folder, error);
  }
}

export interface DatabaseDir {
  /** The database's own folder. */
  readonly dataDir: string;
  /** Where it is to be made first, if it is not there. */
  readonly createIn?: string;
}

/**
 * Where the database is, or is to be made.
 * @throws {DataFolderError} where it is not whole, or its disk is full
 */
export async function prepareDatabaseDir(folder: string): Promise<DatabaseDir> {
  const dataDir = join(folder, NAME);
  const isNew = !existsSync(dataDir);
  if (isNew) refuseTraces(folder);
  else refuseParts(folder, dataDir);
  deleteUnfinished(folder);
  const needed = isNew ? NEW_BYTES : OLD_BYTES;
  const free = await readFreeBytes(folder);
  if (free < needed) {
    const reason = `is on a disk with ${toMb(free)} MB left, and a start needs ${toMb(needed)} MB: make room`;
    throw new DataFolderError(folder, reason);
  }
  return isNew ? { dataDir, createIn: join(folder, UNFINISHED) } : { dataDir };
}

/** What a start has left that did not get to its end. */
export function deleteUnfinished(folder: string): void {
  rmSync(join(folder, UNFINISHED), { recursive: true, force: true });
}

/** @throws {DataFolderError} where there was a database */
function refuseTraces(folder: string): void {
  const key = readdirSync(folder).find((name) => KEY.test(name));
  if (key === undefined) return;
  throw new DataFolderError(
    folder,
    `has a key (${key}), but no database: its ${NAME} is gone. It is not made anew, since that one would be empty. Put ` +
      `${NAME} back from a backup; or, to begin with nothing, move the whole folder away`,
  );
}

/** @throws {DataFolderError} where something of the database is missing */
function refuseParts(folder: string, dataDir: string): void {
  const missing =
    ['PG_VERSION', 'global/pg_control', 'base', 'pg_wal'].find((name) => !existsSync(join(dataDir, name))) ??
    (readdirSync(join(dataDir, 'pg_wal')).some((name) => WAL_SEGMENT.test(name)) ? undefined : 'pg_wal/*');
  if (missing === undefined) return;
  throw new DataFolderError(
    folder,
    `has no whole database: ${NAME}/${missing} is missing. It is not made anew, since that one would be empty. Put the whole ` +
      `${NAME} back from a backup; or, to begin with nothing, move the whole folder away`,
  );
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write it: give it to the user, or choose another with SLOTKEEPER_DATA',
  EPERM: 'this user may not write it: give it to the user, or choose another with SLOTKEEPER_DATA',
  EROFS: 'it is on a file system that is read-only: choose another with SLOTKEEPER_DATA',
  ENOSPC: 'its disk is full: make room',
  EDQUOT: "this user's share of the disk is full: make room",
  EMFILE: 'this process may open too few files: raise ulimit -n',
  ENFILE: 'this machine has too many files open',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a part of its path is a file',
  ENOENT: 'it cannot be made there',
};

/** What the system refused, as a sentence; other errors as they are. */
function refusalOf(folder: string, error: unknown): unknown {
  const code =
    error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined;
  if (code === undefined) return error;
  return new DataFolderError(folder, `cannot be used: ${REASONS[code] ?? code} (${code})`, error);
}
