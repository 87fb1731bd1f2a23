/**
 * Notices that something that was asked makes no progress. It adds up what its own clock has seen: time for which this process
 * was suspended, or too busy to look, does not count.
 */
import type { Timers } from '../lib/timers.js';

const LOOK_MS = 1_000;
/** What one look may count, however late it is. */
const MAX_MS = 2 * LOOK_MS;

export class Watchdog {
  readonly #timers: Timers;
  readonly #onStuck: (ms: number) => void;
  readonly #stop: () => void;
  #limitMs: number;
  #pending = 0;
  #waitedMs = 0;
  #lookedAt = 0;

  /**
   * @param limitMs until it is changed
   * @param onStuck called once, with the limit
   */
  constructor(timers: Timers, limitMs: number, onStuck: (ms: number) => void) {
    this.#timers = timers;
    this.#limitMs = limitMs;
    this.#onStuck = onStuck;
    this.#stop = timers.every(LOOK_MS, async () => this.#look());
  }

  setLimit(limitMs: number): void {
    this.#limitMs = limitMs;
  }

  requestSent(): void {
    if (this.#pending === 0) this.#begin();
    this.#pending += 1;
  }

  responseReceived(): void {
    this.#pending -= 1;
    this.#begin();
  }

  stop(): void {
    this.#stop();
  }

  #begin(): void {
    this.#waitedMs = 0;
    this.#lookedAt = this.#timers.elapsed();
  }

  #look(): void {
    const now = this.#timers.elapsed();
    const passed = Math.min(now - this.#lookedAt, MAX_MS);
    this.#lookedAt = now;
    if (this.#pending === 0) return;
    this.#waitedMs += passed;
    if (this.#waitedMs < this.#limitMs) return;
    this.stop();
    this.#onStuck(this.#limitMs);
  }
}
