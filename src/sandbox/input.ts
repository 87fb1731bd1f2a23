// Reads what the sandbox's operator gives it, by library call or over HTTP; wrong input is refused with its path and reason.
import { z } from 'zod';
import { pathOf } from './path.js';
import { parseInstant } from './zone.js';

/** An ISO 8601 string with an offset, a Date, or epoch milliseconds. */
export type InstantLike = string | number | Date;

/** Milliseconds. */
export const lagSchema = z.number('is no number of milliseconds').nonnegative();

export class SandboxInputError extends Error {
  override readonly name = 'SandboxInputError';
  /** Of the wrong part, such as `facilities[0].doctors`; empty for the whole. */
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(path === '' ? reason : `${path}: ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}

export function toInstant(value: InstantLike, path: string): number {
  const instant = typeof value === 'string' ? parseInstant(value) : Number(value);
  if (instant === undefined || !Number.isFinite(instant)) {
    throw new SandboxInputError(path, 'is no ISO 8601 instant with an offset and no number of milliseconds');
  }
  return instant;
}

export function readInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  under = '',
): z.output<Schema> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [first] = read.error.issues;
  const path = pathOf([...(under === '' ? [] : [under]), ...(first?.path ?? [])]);
  throw new SandboxInputError(path, first?.message ?? 'is invalid');
}
