// Wakes what waits for an instant of the sandbox's clock: at once where the clock is set or advanced past it, by itself
// while the clock runs.
import type { SandboxClock } from './clock.js';
import type { Timers } from './timers.js';

/** The clock that the sandbox's follows can be moved without a word, so it is looked at this often; real milliseconds. */
const MAX_NAP_MS = 1_000;

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
}

export class Alarms {
  readonly #clock: SandboxClock;
  readonly #timers: Timers;
  /** The next one first; of one instant in the order they were set. */
  #waiting: Alarm[] = [];
  /** Ends the wait for the next one. */
  #nap = new AbortController();
  #isRunning = false;

  constructor(clock: SandboxClock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    clock.onJump(() => this.#look());
  }

  /** Idempotent. What came due while it was stopped rings now. */
  start(): void {
    this.#isRunning = true;
    this.#look();
  }

  /** Idempotent. Nothing rings until it is started again. */
  stop(): void {
    this.#isRunning = false;
    this.#nap.abort();
  }

  /** Rings once, at the earliest when the clock shows this instant; epoch milliseconds. */
  at(instant: number, ring: () => void): void {
    const before = this.#waiting.findLastIndex((alarm) => alarm.at <= instant);
    this.#waiting.splice(before + 1, 0, { at: instant, ring });
    this.#look();
  }

  clear(): void {
    this.#waiting = [];
    this.#nap.abort();
  }

  #look(): void {
    if (!this.#isRunning) return;
    const now = this.#clock.now();
    while (this.#waiting[0] !== undefined && this.#waiting[0].at <= now) this.#waiting.shift()?.ring();

    this.#nap.abort();
    const [next] = this.#waiting;
    if (next === undefined || this.#clock.isStopped) return;
    this.#nap = new AbortController();
    const { signal } = this.#nap;
    const ms = Math.min(Math.max(1, next.at - now), MAX_NAP_MS);
    void this.#timers.sleep(ms, signal).then(() => {
      if (!signal.aborted) this.#look();
    });
  }
}
