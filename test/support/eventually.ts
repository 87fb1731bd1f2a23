// Waiting for what happens in its own time: in another process, over the network, in a queue.
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface EventuallyOptions {
  /** Milliseconds after which it fails; 60,000 by default. */
  readonly within?: number;
  /** Milliseconds between two looks; by default a tenth of what has passed, from 10 to 250. */
  readonly every?: number;
}

/**
 * Looks again and again until `look` gives something truthy, and gives that. A `look` that throws (an `expect` that does
 * not hold yet) counts as not yet. At the deadline it fails with the last value, or with the last error as its cause.
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { within = 60_000, every }: EventuallyOptions = {},
): Promise<NonNullable<T>> {
  const start = performance.now();
  for (;;) {
    const seen = await attempt(look);
    if ('value' in seen && seen.value) return seen.value;
    const passed = performance.now() - start;
    if (passed >= within) throw timeout(within, seen);
    // A look takes its time from what is waited for.
    await sleep(every ?? Math.min(Math.max(passed / 10, 10), 250));
  }
}

type Seen<T> = { readonly value: T } | { readonly error: unknown };

async function attempt<T>(look: () => T | Promise<T>): Promise<Seen<T>> {
  try {
    return { value: await look() };
  } catch (error) {
    return { error };
  }
}

function timeout(within: number, seen: Seen<unknown>): Error {
  if ('value' in seen)
    return new Error(`Not so within ${within} ms; the last value was ${inspect(seen.value)}`);
  const reason = seen.error instanceof Error ? seen.error.message : inspect(seen.error);
  return new Error(`Not so within ${within} ms; the last error was: ${reason}`, { cause: seen.error });
}
