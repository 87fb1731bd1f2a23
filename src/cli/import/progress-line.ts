/** The progress of an import, in one line of the terminal that is overwritten. */

import type { Output } from '../io.js';
import { plural } from '../plural.js';

const EVERY_MS = 200;

export class Progress {
  readonly #terminal: Output;
  readonly #now: () => number;
  #shownAt = Number.NEGATIVE_INFINITY;
  #width = 0;

  /** @param now a clock in milliseconds */
  constructor(terminal: Output, now: () => number) {
    this.#terminal = terminal;
    this.#now = now;
  }

  /** @param share the part of the file that was read, from 0 to 1, where it is known */
  show(file: string, snapshots: number, share: number | undefined): void {
    if (!this.#terminal.isTTY || this.#now() - this.#shownAt < EVERY_MS) return;
    this.#shownAt = this.#now();
    const percent = share === undefined ? '' : ` ${Math.floor(share * 100)} %`;
    const text = `${file}:${percent} ${plural(snapshots, 'snapshot')}`;
    this.#terminal.write(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }

  /** Removes the line, so that another one can be written. */
  clear(): void {
    if (this.#width > 0) this.#terminal.write(`\r${' '.repeat(this.#width)}\r`);
    this.#width = 0;
  }
}
