/** How a command ends: 0 done, 1 it failed, 2 wrong use. */
import { ConfigError } from '../config/config-error.js';
import { InvalidScheduleError } from '../core/index.js';

export const FAILED = 1;
export const WRONG_USE = 2;

/** What the user asked for cannot be done as it was asked. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Says on stderr what went wrong, without a stack: it is the user's, not ours. Ours keeps its stack. */
export function fail(error: unknown): void {
  process.exitCode =
    error instanceof UsageError || error instanceof ConfigError || error instanceof InvalidScheduleError
      ? WRONG_USE
      : FAILED;
  process.stderr.write(`slotkeeper: ${textOf(error)}\n`);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What the system refuses (a port, a folder) is no mistake of ours either.
  const isSystems = 'syscall' in error;
  const isOurs = !isSystems && (error.name === 'Error' || error instanceof TypeError);
  return (isOurs ? error.stack : undefined) ?? error.message;
}
