/**
 * Detects that no response comes while requests are open. It adds up the time between its own checks: time for which this
 * process was suspended, or too busy to check, does not count.
 */
import type { Timers } from '../lib/timers.js';

const CHECK_EVERY_MS = 1_000;
/** The most that one check counts, however late it is. */
const MAX_STEP_MS = 2 * CHECK_EVERY_MS;

export class Watchdog {
  readonly #timers: Timers;
  readonly #onStuck: (ms: number) => void;
  readonly #stop: () => void;
  #limitMs: number;
  #pending = 0;
  #waitedMs = 0;
  #checkedAt = 0;

  /**
   * @param limitMs valid until `setLimit`
   * @param onStuck called once with the limit, when so much time passed without a response
   */
  constructor(timers: Timers, limitMs: number, onStuck: (ms: number) => void) {
    this.#timers = timers;
    this.#limitMs = limitMs;
    this.#onStuck = onStuck;
    this.#stop = timers.every(CHECK_EVERY_MS, async () => this.#check());
  }

  setLimit(limitMs: number): void {
    this.#limitMs = limitMs;
  }

  requestSent(): void {
    if (this.#pending === 0) this.#restart();
    this.#pending += 1;
  }

  responseReceived(): void {
    this.#pending -= 1;
    this.#restart();
  }

  stop(): void {
    this.#stop();
  }

  #restart(): void {
    this.#waitedMs = 0;
    this.#checkedAt = this.#timers.elapsed();
  }

  #check(): void {
    const now = this.#timers.elapsed();
    const passedMs = Math.min(now - this.#checkedAt, MAX_STEP_MS);
    this.#checkedAt = now;
    if (this.#pending === 0) return;
    this.#waitedMs += passedMs;
    if (this.#waitedMs < this.#limitMs) return;
    this.stop();
    this.#onStuck(this.#limitMs);
  }
}
