/** The exit codes of commands, 0 done, 1 failed, 2 wrong use, and the errors that lead to them. */
import { ConfigError } from '../config/config-error.js';
import { InvalidScheduleError } from '../core/index.js';
import type { Io, Output } from './io.js';

export const FAILED = 1;
export const WRONG_USE = 2;

/** The user's request is invalid. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command has failed and has reported the reason already. */
export class ReportedError extends Error {
  override readonly name = 'ReportedError';
}

/**
 * Prints an error. Internal errors are printed with their stack, errors of the user or the system without.
 * @returns the exit code
 */
export function reportError(error: unknown, stderr: Output): number {
  if (!(error instanceof ReportedError)) stderr.write(`slotkeeper: ${textOf(error)}\n`);
  return error instanceof UsageError || error instanceof ConfigError || error instanceof InvalidScheduleError
    ? WRONG_USE
    : FAILED;
}

/** A handler that prints a fatal error and exits. */
export function exitWithError({ stderr, exit }: Pick<Io, 'stderr' | 'exit'>): (error: Error) => void {
  return (error) => exit(reportError(error, stderr));
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // An error of a system call (a port, a folder) is not internal.
  const isSystemError = 'syscall' in error;
  const isInternal = !isSystemError && (error.name === 'Error' || error instanceof TypeError);
  return (isInternal ? error.stack : undefined) ?? error.message;
}
