/** The files of an import: given files, the files of a folder, or stdin. */
import { createReadStream, readdirSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../exit.js';
import type { Io } from '../io.js';

export interface ImportFile {
  /** The name in messages. */
  readonly name: string;
  /**
   * When writing the file began, in epoch milliseconds. Its snapshots are no older, so they do not override what the database
   * recorded later.
   */
  readonly begunAt: number;
  /** Undefined where the size is not known in advance. */
  readonly bytes: number | undefined;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** @throws {UsageError} for a missing file, before any file is read */
export function listFiles(names: readonly string[], { cwd, stdin, now }: Io): ImportFile[] {
  return names.flatMap((name) => {
    if (name === '-') return [{ name: 'stdin', begunAt: now(), bytes: undefined, open: stdin }];
    const stats = statOf(name, cwd);
    if (!stats.isDirectory()) return [fileOf(name, cwd, stats)];
    const inside = readdirSync(resolve(cwd, name))
      .filter((entry) => entry.endsWith('.ndjson'))
      .sort();
    if (inside.length === 0) throw new UsageError(`${name}: contains no files with the extension .ndjson`);
    return inside.map((entry) => join(name, entry)).map((path) => fileOf(path, cwd, statOf(path, cwd)));
  });
}

const fileOf = (name: string, cwd: string, stats: Stats): ImportFile => ({
  name,
  begunAt: begunAt(stats),
  bytes: stats.isFile() ? stats.size : undefined,
  open: () => createReadStream(resolve(cwd, name)),
});

/** The last change, where the file was copied with its times or the file system stores no creation time. */
function begunAt({ birthtimeMs, mtimeMs }: Stats): number {
  return Math.floor(birthtimeMs > 0 && birthtimeMs < mtimeMs ? birthtimeMs : mtimeMs);
}

function statOf(name: string, cwd: string): Stats {
  try {
    return statSync(resolve(cwd, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${name}: ${code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`}`,
    );
  }
}
