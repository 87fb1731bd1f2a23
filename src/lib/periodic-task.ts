/** Work that is repeated after a period, one run at a time, for tasks that must not depend on a queue. */
import type { Timers } from './timers.js';

export interface PeriodicTaskOptions {
  readonly timers: Timers;
  readonly everyMs: number;
}

export abstract class PeriodicTask {
  readonly #period: PeriodicTaskOptions;
  #end: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(period: PeriodicTaskOptions) {
    this.#period = period;
  }

  /** Idempotent. The first run begins at once. */
  start(): void {
    if (this.#end !== undefined) return;
    const { timers, everyMs } = this.#period;
    this.#isStopping = false;
    this.#end = timers.every(everyMs, () => this.runOnce());
    void this.runOnce();
  }

  /** Idempotent. Waits for the current run. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#end?.();
    this.#end = undefined;
    await this.#running;
  }

  /** Runs once, or joins the current run. */
  async runOnce(): Promise<void> {
    this.#running ??= this.run().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** A long run reads this before each step, and leaves the remaining steps to the next run. */
  protected get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Never rejects, because no caller could handle the error. */
  protected abstract run(): Promise<void>;
}
