/** Work that is done every so often, one run at a time: for what cannot rely on a queue. */
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

  /** Idempotent. Waits for the run that is under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#end?.();
    this.#end = undefined;
    await this.#running;
  }

  /** One run; one that is under way is joined. */
  async runOnce(): Promise<void> {
    this.#running ??= this.run().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** A run with much to do asks before each piece of it, and leaves the rest to the next. */
  protected get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Never rejects: nobody waits for it who could do anything about it. */
  protected abstract run(): Promise<void>;
}
