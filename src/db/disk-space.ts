/**
 * How much room the embedded database has on its disk. PostgreSQL is lost where its log finds none, so what comes in is refused
 * before that; what is left is for the engine's own small writes, which finish what was taken in.
 */
import { statfs } from 'node:fs/promises';
import { DiskFullError } from './disk-full-error.js';

export const MB = 2 ** 20;
/** Below this nothing is taken in. */
export const RESERVED_BYTES = 32 * MB;
/** What is taken in is written to its table, to the log, and to what other rows follow from it. */
const TIMES_WRITTEN = 4;

export interface DiskSpaceOptions {
  /** Called when nothing more is taken in, and when something is again. */
  readonly onChange?: (isShort: boolean, freeMb: number) => void;
  /** Bytes that are left to this user where the folder is; default asks the system. */
  readonly readFreeBytes?: (folder: string) => Promise<number>;
}

export class DiskSpace {
  readonly #folder: string;
  readonly #options: DiskSpaceOptions;
  /** Bytes of what is being taken in. */
  #underWay = 0;
  #isShort = false;

  constructor(folder: string, options: DiskSpaceOptions = {}) {
    this.#folder = folder;
    this.#options = options;
  }

  /** At the last look. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /**
   * Takes something in where there is room for it.
   * @param bytes how much it is, about
   * @throws {DiskFullError}
   */
  async runWithSpace<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.#underWay += bytes;
    try {
      const needed = RESERVED_BYTES + TIMES_WRITTEN * this.#underWay;
      const free = await this.check();
      if (free < needed) throw new DiskFullError(this.#folder, toMb(free), toMb(needed));
      return await work();
    } finally {
      this.#underWay -= bytes;
    }
  }

  /** @returns the bytes that are left */
  async check(): Promise<number> {
    const free = await (this.#options.readFreeBytes ?? readFreeBytes)(this.#folder);
    if (free < RESERVED_BYTES !== this.#isShort) {
      this.#isShort = !this.#isShort;
      this.#options.onChange?.(this.#isShort, toMb(free));
    }
    return free;
  }
}

export async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

export const toMb = (bytes: number): number => Math.floor(bytes / MB);
