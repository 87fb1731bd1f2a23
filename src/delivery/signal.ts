/** Wakes the waiters of this process when an item is added. Items that another process adds are found by polling. */
import type { Timers } from '../lib/timers.js';

export class Signal {
  readonly #timers: Timers;
  readonly #waiting = new Set<() => void>();
  #count = 0;
  #closed = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** The number of calls of {@link notify}. Read before the check, it prevents a lost wake-up between check and wait. */
  get count(): number {
    return this.#count;
  }

  get closed(): boolean {
    return this.#closed;
  }

  notify(): void {
    this.#count += 1;
    for (const end of [...this.#waiting]) end();
  }

  /** Ends all waits, and those that begin later. */
  close(): void {
    this.#closed = true;
    this.notify();
  }

  /** Resolves when `count` exceeds `since`, the time is over, or the signal is aborted. */
  async wait(since: number, milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (this.#count !== since || this.#closed || signal?.aborted) return;
    const ended = new AbortController();
    const end = (): void => ended.abort();
    this.#waiting.add(end);
    await this.#timers.sleep(milliseconds, AbortSignal.any(signal ? [ended.signal, signal] : [ended.signal]));
    this.#waiting.delete(end);
  }
}
