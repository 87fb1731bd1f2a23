/** A value that is computed once for all who ask within a time, however many they are. */
import type { Timers } from './timers.js';

export interface CachedValueOptions {
  readonly timers: Timers;
  /** How old it may be, in milliseconds, counted from when its computation began. */
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

  /** One computation that is under way is shared, a failure like a result. */
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
