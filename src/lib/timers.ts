/** Waiting and repeating. Whoever runs the engine decides how time passes: tests move it by hand. */
export interface Timers {
  /** Milliseconds of a clock that nobody sets: only what lies between two of them means something. */
  elapsed(): number;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `work`, which never rejects, every so many milliseconds. @returns what ends that */
  every(ms: number, work: () => Promise<void>): () => void;
}

/** The process's own. */
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

/** What `work` resolves with, or undefined where it takes longer than so many milliseconds. */
export async function withTimeout<T>(timers: Timers, ms: number, work: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([work, timers.sleep(ms, over.signal).then(() => undefined)]);
  } finally {
    over.abort(OVER);
  }
}

/** A reason of its own, because an error would be made for each. */
const OVER = 'over';
