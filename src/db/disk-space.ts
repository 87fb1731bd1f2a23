/**
 * Watches the free space on the disk of the embedded database. PostgreSQL ends where its write-ahead log cannot grow, so new
 * input is refused before that; the reserve is for the engine's own small writes, which process the input accepted before.
 */
import { statfs } from 'node:fs/promises';
import { DiskFullError } from './disk-full-error.js';

export const MB = 2 ** 20;
/** Below this no input is accepted. */
export const RESERVED_BYTES = 32 * MB;
/** Input is written to its table, to the write-ahead log, and to the rows that follow from it. */
const WRITE_AMPLIFICATION = 4;

export interface DiskSpaceOptions {
  /** Called when input begins to be refused, and when it is accepted again. */
  readonly onChange?: (isShort: boolean, freeMb: number) => void;
  /** @returns the bytes that this user may still write in the folder; default: `statfs` */
  readonly readFreeBytes?: (folder: string) => Promise<number>;
}

export class DiskSpace {
  readonly #folder: string;
  readonly #options: DiskSpaceOptions;
  /** Bytes of the input that is being written. */
  #pendingBytes = 0;
  #isShort = false;

  constructor(folder: string, options: DiskSpaceOptions = {}) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Whether the last check found less than the reserve. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /**
   * Writes input where the disk has space for it.
   * @param bytes the approximate size of the input
   * @throws {DiskFullError}
   */
  async runWithSpace<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.#pendingBytes += bytes;
    try {
      const neededBytes = RESERVED_BYTES + WRITE_AMPLIFICATION * this.#pendingBytes;
      const freeBytes = await this.check();
      if (freeBytes < neededBytes) throw new DiskFullError(this.#folder, toMb(freeBytes), toMb(neededBytes));
      return await work();
    } finally {
      this.#pendingBytes -= bytes;
    }
  }

  /** @returns the bytes that are free */
  async check(): Promise<number> {
    const freeBytes = await (this.#options.readFreeBytes ?? readFreeBytes)(this.#folder);
    if (freeBytes < RESERVED_BYTES !== this.#isShort) {
      this.#isShort = !this.#isShort;
      this.#options.onChange?.(this.#isShort, toMb(freeBytes));
    }
    return freeBytes;
  }
}

export async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

export const toMb = (bytes: number): number => Math.floor(bytes / MB);
