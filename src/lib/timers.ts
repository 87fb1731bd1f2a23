/** Waiting and repeating, as an argument: tests pass timers that they advance themselves. */
export interface Timers {
  /** Milliseconds of a monotonic clock: only differences have a meaning. */
  elapsed(): number;
  /** Resolves after `ms` milliseconds, or when the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `work`, which never rejects, every `ms` milliseconds. @returns a function that ends it */
  every(ms: number, work: () => Promise<void>): () => void;
}

/** Real time. */
export const systemTimers: Timers = {
  elapsed: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(end, ms);
      function end(): void {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      }
      if (signal?.aborted) end();
      else signal?.addEventListener('abort', end, { once: true });
    }),
  every: (ms, work) => {
    const timer = setInterval(() => void work(), ms);
    return () => clearInterval(timer);
  },
};

/** Resolves with the result of `work`, or with undefined if it takes longer than `ms` milliseconds. */
export async function withTimeout<T>(timers: Timers, ms: number, work: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([work, timers.sleep(ms, over.signal).then(() => undefined)]);
  } finally {
    over.abort(OVER);
  }
}

/** A constant reason: without one, each abort creates an error. */
const OVER = 'over';
