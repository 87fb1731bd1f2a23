/** Computes a value at most once within a period, for any number of callers. */
import type { Timers } from './timers.js';

export interface CachedValueOptions {
  readonly timers: Timers;
  /** The age up to which a value is returned again, in milliseconds from the beginning of its computation. */
  readonly maxAgeMs: number;
}

export class CachedValue<T> {
  readonly #options: CachedValueOptions;
  readonly #compute: () => Promise<T>;
  #last: { readonly at: number; readonly value: Promise<T> } | undefined;
  #isRunning = false;

  constructor(options: CachedValueOptions, compute: () => Promise<T>) {
    this.#options = options;
    this.#compute = compute;
  }

  /** Callers share a computation that is running, and its result or its error. */
  async get(): Promise<T> {
    const { timers, maxAgeMs } = this.#options;
    const isRecent = this.#last !== undefined && timers.elapsed() - this.#last.at < maxAgeMs;
    if (this.#last !== undefined && (this.#isRunning || isRecent)) return await this.#last.value;
    this.#isRunning = true;
    const value = this.#compute().finally(() => {
      this.#isRunning = false;
    });
    this.#last = { at: timers.elapsed(), value };
    return await value;
  }
}
