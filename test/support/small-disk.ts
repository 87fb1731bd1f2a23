// A disk for a process, whose size a test decides; see small-disk-preload.mjs. It needs no privileges, so it is the same on each machine.
import { readFileSync, writeFileSync } from 'node:fs';
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
  readonly left: Disk;
  /** Somebody else takes or gives room. */
  set(disk: Disk): void;
}

export async function smallDisk(disk: Disk): Promise<SmallDisk> {
  const file = join(await tempDir(), 'disk.json');
  const set = (now: Disk): void => writeFileSync(file, JSON.stringify(now));
  set(disk);
  const preload = new URL('./small-disk-preload.mjs', import.meta.url).href;
  return {
    env: { NODE_OPTIONS: `--import=${preload}`, SLOTKEEPER_TEST_DISK: file },
    get left() {
      return JSON.parse(readFileSync(file, 'utf8'));
    },
    set,
  };
}
