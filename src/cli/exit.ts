/** How a command ends: 0 done, 1 it failed, 2 wrong use. */
import { ConfigError } from '../config/config-error.js';
import { InvalidScheduleError } from '../core/index.js';
import type { Io, Output } from './io.js';

export const FAILED = 1;
export const WRONG_USE = 2;

/** What the user asked for cannot be done as it was asked. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command has failed and has reported why. */
export class ReportedError extends Error {
  override readonly name = 'ReportedError';
}

/**
 * Says what went wrong, without a stack: it is the user's, not ours. Ours keeps its stack.
 * @returns the exit code
 */
export function fail(error: unknown, stderr: Output): number {
  if (!(error instanceof ReportedError)) stderr.write(`slotkeeper: ${textOf(error)}\n`);
  return error instanceof UsageError || error instanceof ConfigError || error instanceof InvalidScheduleError
    ? WRONG_USE
    : FAILED;
}

/** Ends the process with what it cannot go on after. */
export function ending({ stderr, exit }: Pick<Io, 'stderr' | 'exit'>): (error: Error) => void {
  return (error) => exit(fail(error, stderr));
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What the system refuses (a port, a folder) is no mistake of ours either.
  const isSystems = 'syscall' in error;
  const isOurs = !isSystems && (error.name === 'Error' || error instanceof TypeError);
  return (isOurs ? error.stack : undefined) ?? error.message;
}
