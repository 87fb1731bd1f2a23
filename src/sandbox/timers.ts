// Waiting real milliseconds. Whoever runs the sandbox can decide how they pass.
import { setTimeout as wait } from 'node:timers/promises';

export interface Timers {
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The process's own; what waits on them keeps no process alive. */
export const systemTimers: Timers = {
  sleep: async (ms, signal) => {
    const options = { ref: false, ...(signal === undefined ? {} : { signal }) };
    // The only reason for a rejection is the signal.
    await wait(ms, undefined, options).catch(() => undefined);
  },
};
