// Timers of real milliseconds, which tests can replace.
import { setTimeout as wait } from 'node:timers/promises';

export interface Timers {
  /** Resolves after `ms` milliseconds, or as soon as the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The process's timers; a pending sleep does not keep the process alive. */
export const systemTimers: Timers = {
  sleep: async (ms, signal) => {
    const options = { ref: false, ...(signal === undefined ? {} : { signal }) };
    // Only an aborted signal rejects.
    await wait(ms, undefined, options).catch(() => undefined);
  },
};
