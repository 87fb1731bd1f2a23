/** The result of a job's work: done, or requeued after a delay with a priority. A terminal failure is a typed error instead. */
export interface Requeue {
  readonly kind: 'requeue';
  /** Milliseconds; 0 where there is more to do at once. */
  readonly afterMs: number;
  /** The job's own priority by default. */
  readonly priority?: number;
}

export type WorkResult = { readonly kind: 'done' } | Requeue;

/** A job that has to wait for something waits at least this long, so that it does not spin. */
const MIN_WAIT_MS = 50;

export const DONE: WorkResult = { kind: 'done' };

/** There is more to do at once. */
export const requeueNow = (priority?: number): Requeue => ({
  kind: 'requeue',
  afterMs: 0,
  ...(priority === undefined ? {} : { priority }),
});

/** The work has to wait: for the rate limiter, a retry, an open circuit, a read, or another worker. */
export const requeueAfter = (afterMs: number, priority?: number): Requeue => ({
  ...requeueNow(priority),
  afterMs: Math.max(MIN_WAIT_MS, afterMs),
});

export const isImmediate = (result: WorkResult): boolean => result.kind === 'requeue' && result.afterMs === 0;
