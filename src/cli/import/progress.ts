/** How far an import is, in one line that is written over, where somebody looks at a terminal. */

const EVERY_MS = 200;

/** What of a terminal is needed. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  write(text: string): boolean;
}

export class Progress {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #shownAt = Number.NEGATIVE_INFINITY;
  #width = 0;

  constructor(terminal: Terminal, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
  }

  /** @param share of the file that is read, from 0 to 1, where that is known */
  show(file: string, snapshots: number, share: number | undefined): void {
    if (!this.#terminal.isTTY || this.#now() - this.#shownAt < EVERY_MS) return;
    this.#shownAt = this.#now();
    const percent = share === undefined ? '' : ` ${Math.floor(share * 100)} %`;
    const text = `${file}:${percent} ${snapshots} snapshots`;
    this.#terminal.write(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }

  /** Makes room for another line. */
  clear(): void {
    if (this.#width > 0) this.#terminal.write(`\r${' '.repeat(this.#width)}\r`);
    this.#width = 0;
  }
}
