/** Tells those who wait in this process that something came. What comes by another process they have to look for. */
import type { Timers } from '../lib/timers.js';

export class Signal {
  readonly #timers: Timers;
  readonly #waiting = new Set<() => void>();
  #count = 0;
  #closed = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** How often something came. To be asked before one looks, so that nothing comes unnoticed between look and wait. */
  get count(): number {
    return this.#count;
  }

  get closed(): boolean {
    return this.#closed;
  }

  announce(): void {
    this.#count += 1;
    for (const end of [...this.#waiting]) end();
  }

  /** Ends all waits, and those that are begun later. */
  close(): void {
    this.#closed = true;
    this.announce();
  }

  /** Until something came since `count` was asked, or the time is over, or the signal is aborted. */
  async wait(since: number, milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (this.#count !== since || this.#closed || signal?.aborted) return;
    const over = new AbortController();
    const end = (): void => over.abort();
    this.#waiting.add(end);
    await this.#timers.sleep(milliseconds, AbortSignal.any(signal ? [over.signal, signal] : [over.signal]));
    this.#waiting.delete(end);
  }
}
