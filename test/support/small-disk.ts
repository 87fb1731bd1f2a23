// A disk for a process, whose size a test decides; see small-disk-preload.mjs. It needs no privileges, so it is the same on each machine.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir.js';

interface Disk {
  /** Bytes that are left. */
  readonly free: number;
  /** Bytes that are said to be left: somebody else is about to take the rest. */
  readonly shown?: number;
  /** Whether what is written over needs room of its own, as on file systems that copy on write. */
  readonly copies?: boolean;
}

export interface SmallDisk {
  /** Of a process that is to have it. */
  readonly env: Readonly<Record<string, string>>;
  /** Bytes that are left. */
  readonly left: number;
  /** Somebody else takes or gives room. */
  set(disk: Disk): void;
}

export async function smallDisk(disk: Disk): Promise<SmallDisk> {
  const file = join(await tempDir(), 'disk.json');
  let count = 0;
  let free = 0;
  const set = (now: Disk): void => {
    count += 1;
    free = now.free;
    // In one step: it is read at any moment.
    writeFileSync(`${file}.new`, JSON.stringify({ ...now, set: count }));
    renameSync(`${file}.new`, file);
  };
  set(disk);
  const preload = new URL('./small-disk-preload.mjs', import.meta.url).href;
  return {
    env: { NODE_OPTIONS: `--import=${preload}`, SLOTKEEPER_TEST_DISK: file },
    get left() {
      const used = existsSync(`${file}.used`) ? JSON.parse(readFileSync(`${file}.used`, 'utf8')) : undefined;
      return used?.set === count ? free - used.bytes : free;
    },
    set,
  };
}
