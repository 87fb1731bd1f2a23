/** Validates one event, or one entry of a snapshot: its schema, its keys, and whether its text can be stored. */
import type { z } from 'zod';
import { findUnstorableTexts, type Problem, validateShape } from '../lib/validation.js';
import { type Fields, findUnknownKeys } from './known-fields.js';

export interface ParsedItem<T> {
  /** Undefined where the item has problems. */
  readonly data: T | undefined;
  readonly problems: readonly Problem[];
  /** The paths of unknown keys, which are dropped. */
  readonly dropped: readonly string[];
}

/** The maximum numbers of reported problems and dropped keys per item. */
const MAX_PROBLEMS = 100;
const MAX_DROPPED = 20;

export function parseItem<Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  fields: Fields,
): ParsedItem<z.output<Schema>> {
  const checked = validateShape(schema, raw);
  const keys = findUnknownKeys(raw, fields, MAX_PROBLEMS);
  const found = [...(checked.success ? [] : checked.problems), ...keys.problems];
  const paths = new Set(found.map(({ path }) => path));
  const texts = findUnstorableTexts(raw).filter(({ path }) => !paths.has(path));
  const problems = [...found, ...texts].slice(0, MAX_PROBLEMS);
  return {
    data: checked.success && problems.length === 0 ? checked.data : undefined,
    problems,
    dropped: keys.dropped.slice(0, MAX_DROPPED),
  };
}
