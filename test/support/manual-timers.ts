// Timers that a test moves by hand: nothing that waits goes on before the test says how much time has passed.
import type { Timers } from '../../src/lib/timers.js';
import { eventually } from './eventually.js';

interface Waiting {
  readonly at: number;
  /** Milliseconds after which it waits again; undefined for one that waits once. */
  readonly every?: number;
  /** Resolves when what was waited for is done, where that is known. */
  readonly ring: () => Promise<void>;
}

export class ManualTimers implements Timers {
  #elapsed = 0;
  readonly #startedAt: number;
  readonly #waiting = new Set<Waiting>();

  /** @param startedAt epoch milliseconds of {@link now} before any time has passed */
  constructor(startedAt: number = Date.now()) {
    this.#startedAt = startedAt;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  /** The clock that goes with them; epoch milliseconds. */
  readonly now = (): number => this.#startedAt + this.#elapsed;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const waiting: Waiting = { at: this.#elapsed + ms, ring: async () => end() };
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', end);
    });
  }

  every(ms: number, work: () => Promise<void>): () => void {
    this.#waiting.add({ at: this.#elapsed + ms, every: ms, ring: work });
    return () => {
      for (const one of this.#waiting) if (one.ring === work) this.#waiting.delete(one);
    };
  }

  /** Lets time pass: what is due goes on in its order, and repeated work is waited for before more time passes. */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsed + ms;
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#elapsed = Math.max(this.#elapsed, next.at);
      this.#waiting.delete(next);
      if (next.every !== undefined) this.#waiting.add({ ...next, at: next.at + next.every });
      await next.ring();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#elapsed = until;
  }

  /** Waits, in real time, until so many sleep; repeated work does not count. */
  async sleeping(count = 1): Promise<void> {
    const sleepers = () => [...this.#waiting].filter(({ every }) => every === undefined).length;
    await eventually(() => sleepers() >= count);
  }

  #next(until: number): Waiting | undefined {
    const due = [...this.#waiting].filter(({ at }) => at <= until);
    return due.reduce<Waiting | undefined>(
      (first, one) => (first && first.at <= one.at ? first : one),
      undefined,
    );
  }
}
