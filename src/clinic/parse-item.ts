/** Holds one event, or one entry of a snapshot, against its schema, its keys, and what text can be. */
import type { z } from 'zod';
import { findUnstorableTexts, type Problem, validateShape } from '../lib/validation.js';
import { type Fields, findUnknownKeys } from './known-fields.js';

export interface ParsedItem<T> {
  /** Undefined where something is wrong with it. */
  readonly data: T | undefined;
  /** Everything that is wrong with it. */
  readonly problems: readonly Problem[];
  /** The paths of keys that it should not have: they are dropped. */
  readonly dropped: readonly string[];
}

/** Told of one. */
const MAX_PROBLEMS = 100;
const MAX_DROPPED = 20;

export function parseItem<Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  fields: Fields,
): ParsedItem<z.output<Schema>> {
  const checked = validateShape(schema, raw);
  const keys = findUnknownKeys(raw, fields, MAX_PROBLEMS);
  const said = [...(checked.success ? [] : checked.problems), ...keys.problems];
  const paths = new Set(said.map(({ path }) => path));
  const texts = findUnstorableTexts(raw).filter(({ path }) => !paths.has(path));
  const problems = [...said, ...texts].slice(0, MAX_PROBLEMS);
  return {
    data: checked.success && problems.length === 0 ? checked.data : undefined,
    problems,
    dropped: keys.dropped.slice(0, MAX_DROPPED),
  };
}
