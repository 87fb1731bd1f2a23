// Calls back at an instant of the sandbox's clock: at once when the clock is set or advanced past the instant, and by
// real time while the clock runs.
import type { SandboxClock } from './clock.js';
import type { Timers } from './timers.js';

/** Real milliseconds. The underlying clock can be moved without an event, so it is polled this often. */
const POLL_INTERVAL_MS = 1_000;

interface ClockTimer {
  readonly dueAt: number;
  readonly callback: () => void;
}

export class ClockTimers {
  readonly #clock: SandboxClock;
  readonly #timers: Timers;
  /** Ordered by `dueAt`; timers of one instant keep the order in which they were scheduled. */
  #pending: ClockTimer[] = [];
  /** Aborts the current sleep. */
  #sleep = new AbortController();
  #isRunning = false;

  constructor(clock: SandboxClock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    clock.onJump(() => this.#fireDue());
  }

  /** Idempotent. Fires the timers that became due while it was stopped. */
  start(): void {
    this.#isRunning = true;
    this.#fireDue();
  }

  /** Idempotent. No timer fires until the next start. */
  stop(): void {
    this.#isRunning = false;
    this.#sleep.abort();
  }

  /** Calls back once, when the clock shows `dueAt` (epoch milliseconds) or later. */
  schedule(dueAt: number, callback: () => void): void {
    const before = this.#pending.findLastIndex((timer) => timer.dueAt <= dueAt);
    this.#pending.splice(before + 1, 0, { dueAt, callback });
    this.#fireDue();
  }

  clear(): void {
    this.#pending = [];
    this.#sleep.abort();
  }

  #fireDue(): void {
    if (!this.#isRunning) return;
    const now = this.#clock.now();
    while (this.#pending[0] !== undefined && this.#pending[0].dueAt <= now) this.#pending.shift()?.callback();

    this.#sleep.abort();
    const [next] = this.#pending;
    if (next === undefined || this.#clock.isStopped) return;
    this.#sleep = new AbortController();
    const { signal } = this.#sleep;
    const ms = Math.min(Math.max(1, next.dueAt - now), POLL_INTERVAL_MS);
    void this.#timers.sleep(ms, signal).then(() => {
      if (!signal.aborted) this.#fireDue();
    });
  }
}
