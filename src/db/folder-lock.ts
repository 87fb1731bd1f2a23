/**
 * Locks an embedded data folder for one process, because PGlite has no server that would arbitrate between two of them.
 * The lock is a file that names its holder. A lock whose holder has ended is replaced.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderInUseError, type Holder } from './folder-in-use-error.js';

export interface FolderLock {
  /** Writes the address of this process into the lock file, where other processes read it. */
  recordUrl(url: string): void;
  release(): void;
}

const lockPath = (folder: string): string => join(folder, 'lock');

/** Field 22 of /proc/PID/stat, counted after the command name, which may contain blanks and parentheses. */
function readStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const startedAt = readStartTime(holder.pid);
  return holder.startedAt === undefined || startedAt === undefined || startedAt === holder.startedAt;
}

function readHolder(path: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && 'pid' in value && typeof value.pid === 'number') {
      return value as Holder;
    }
  } catch {
    // An absent or truncated lock file (a crash during the write) has no holder.
  }
  return undefined;
}

/** @returns the living process that holds the folder, if there is one */
export function findHolder(folder: string): Holder | undefined {
  const holder = readHolder(lockPath(folder));
  return holder !== undefined && isAlive(holder) ? holder : undefined;
}

/**
 * Locks the folder for this process.
 * @throws {FolderInUseError} when a living process holds it
 */
export function lockFolder(folder: string): FolderLock {
  const path = lockPath(folder);
  const ownPath = `${path}.${randomUUID()}`;
  const startedAt = readStartTime(process.pid);
  const self: Holder = { pid: process.pid, ...(startedAt === undefined ? {} : { startedAt }) };
  writeFileSync(ownPath, JSON.stringify(self));
  try {
    for (let attempt = 0; ; attempt += 1) {
      try {
        // link() fails where the name exists, so only one of two processes succeeds.
        linkSync(ownPath, path);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const holder = findHolder(folder);
        if (holder !== undefined || attempt > 3) throw new FolderInUseError(folder, holder);
        deleteStaleLock(path);
      }
    }
  } finally {
    rmSync(ownPath, { force: true });
  }
  return {
    recordUrl: (url) => {
      // The rename replaces the file atomically: a reader would take a partly written lock for a truncated one.
      writeFileSync(ownPath, JSON.stringify({ ...self, url }));
      renameSync(ownPath, path);
    },
    release: () => rmSync(path, { force: true }),
  };
}

/** Deletes the lock of a process that has ended. A lock that another process acquired meanwhile is restored. */
function deleteStaleLock(path: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const holder = readHolder(aside);
  if (holder !== undefined && isAlive(holder)) linkSync(aside, path);
  rmSync(aside, { force: true });
}
