// Parses the input of the sandbox's controls, from the library and over HTTP. Invalid input throws an error with path and reason.
import { z } from 'zod';
import { formatPath } from './format-path.js';
import { parseInstant } from './zone.js';

/** An ISO 8601 string with an offset, a Date, or epoch milliseconds. */
export type InstantLike = string | number | Date;

/** Milliseconds. */
export const lagSchema = z.number('is no number of milliseconds').nonnegative();

export class SandboxInputError extends Error {
  override readonly name = 'SandboxInputError';
  /** The path of the invalid part, such as `facilities[0].doctors`; empty for the whole input. */
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(path === '' ? reason : `${path}: ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}

/** @throws SandboxInputError */
export function toInstant(value: InstantLike, path: string): number {
  const instant = typeof value === 'string' ? parseInstant(value) : Number(value);
  if (instant === undefined || !Number.isFinite(instant)) {
    throw new SandboxInputError(path, 'is no ISO 8601 instant with an offset and no number of milliseconds');
  }
  return instant;
}

/**
 * @param under the path of the value, as a prefix of the path of an error
 * @throws SandboxInputError
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  under = '',
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const path = formatPath([...(under === '' ? [] : [under]), ...(first?.path ?? [])]);
  throw new SandboxInputError(path, first?.message ?? 'is invalid');
}
