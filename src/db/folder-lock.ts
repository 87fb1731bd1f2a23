/**
 * One process per embedded data folder: PGlite has no server that would arbitrate between two of them.
 * The lock is a file that names its holder; a holder that is gone leaves a lock that may be taken over.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderInUseError, type Holder } from './folder-in-use-error.js';

export interface FolderLock {
  /** Tells others where to reach the process that holds the folder. */
  recordUrl(url: string): void;
  release(): void;
}

const lockPath = (folder: string): string => join(folder, 'lock');

/** Field 22 of /proc/PID/stat; counted after the command name, which may contain blanks and parentheses. */
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
    // Absent, or cut off by a crash while it was written: nobody holds it.
  }
  return undefined;
}

/** The living process that holds the folder, if there is one. */
export function findHolder(folder: string): Holder | undefined {
  const holder = readHolder(lockPath(folder));
  return holder !== undefined && isAlive(holder) ? holder : undefined;
}

/**
 * Takes the folder for this process.
 * @throws {FolderInUseError} when a living process holds it
 */
export function lockFolder(folder: string): FolderLock {
  const path = lockPath(folder);
  const mine = `${path}.${randomUUID()}`;
  const startedAt = readStartTime(process.pid);
  const self: Holder = { pid: process.pid, ...(startedAt === undefined ? {} : { startedAt }) };
  writeFileSync(mine, JSON.stringify(self));
  try {
    for (let attempt = 0; ; attempt += 1) {
      try {
        // link() fails where the name exists: of two processes only one gets it.
        linkSync(mine, path);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const holder = findHolder(folder);
        if (holder !== undefined || attempt > 3) throw new FolderInUseError(folder, holder);
        moveAside(path);
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return {
    recordUrl: (url) => {
      // In one step: a lock that is read while it is written would look like one that a crash cut off.
      writeFileSync(mine, JSON.stringify({ ...self, url }));
      renameSync(mine, path);
    },
    release: () => rmSync(path, { force: true }),
  };
}

/** Removes a dead holder's lock; one that somebody took in the same moment is put back. */
function moveAside(path: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const taken = readHolder(aside);
  if (taken !== undefined && isAlive(taken)) linkSync(aside, path);
  rmSync(aside, { force: true });
}
