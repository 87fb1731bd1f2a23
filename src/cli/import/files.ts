/** The files of an import: named ones, those of a folder, or stdin. */
import { createReadStream, readdirSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../exit.js';
import type { Io } from '../io.js';

export interface ImportFile {
  /** As messages name it. */
  readonly name: string;
  /**
   * When it began to be written, in epoch milliseconds: what it says was asked for no earlier, so that what the record
   * learned later than that stays.
   */
  readonly begunAt: number;
  /** Undefined where it is not known before it ends. */
  readonly bytes: number | undefined;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** @throws {UsageError} for one that is not there, before anything is read */
export function listFiles(names: readonly string[], { cwd, stdin, now }: Io): ImportFile[] {
  return names.flatMap((name) => {
    if (name === '-') return [{ name: 'stdin', begunAt: now(), bytes: undefined, open: stdin }];
    const stats = statOf(name, cwd);
    if (!stats.isDirectory()) return [fileOf(name, cwd, stats)];
    const inside = readdirSync(resolve(cwd, name))
      .filter((entry) => entry.endsWith('.ndjson'))
      .sort();
    if (inside.length === 0) throw new UsageError(`${name}: has no files that end in .ndjson`);
    return inside.map((entry) => join(name, entry)).map((path) => fileOf(path, cwd, statOf(path, cwd)));
  });
}

const fileOf = (name: string, cwd: string, stats: Stats): ImportFile => ({
  name,
  begunAt: begunAt(stats),
  bytes: stats.isFile() ? stats.size : undefined,
  open: () => createReadStream(resolve(cwd, name)),
});

/** One that was copied with its times, or on a file system that keeps no births, is known by its last change only. */
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
