/** Validates unknown input by a schema, and reports every problem with its path. */
import type { z } from 'zod';
import { findUnstorable } from './storable-text.js';
import { messageFor } from './validation-messages.js';

export interface Problem {
  /** For example `accounts[0].clientId`; empty for the whole input. */
  readonly path: string;
  readonly reason: string;
}

export type ValidationResult<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly problems: readonly [Problem, ...Problem[]] };

const UNSTORABLE = 'has a character that no text can have: NUL, or half of a surrogate pair';

export const findUnstorableTexts = (input: unknown): Problem[] =>
  findUnstorable(input).map((path) => ({ path: formatPath(path), reason: UNSTORABLE }));

/** Also checks that every text can be stored. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): ValidationResult<z.output<Schema>> {
  const [first, ...rest] = findUnstorableTexts(input);
  return first === undefined ? validateShape(schema, input) : { success: false, problems: [first, ...rest] };
}

/** Without the check of texts, for input whose items are validated one by one. */
export function validateShape<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): ValidationResult<z.output<Schema>> {
  const parsed = schema.safeParse(input, { error: messageFor });
  if (parsed.success) return { success: true, data: parsed.data };
  const all = parsed.error.issues
    .flatMap(problemsOf)
    .map((problem) => [formatProblem(problem), problem] as const);
  const [first = { path: '', reason: 'invalid' }, ...rest] = new Map(all).values();
  return { success: false, problems: [first, ...rest] };
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: formatPath([...issue.path, key]), reason: 'is not known here' }));
  }
  if (issue.code === 'invalid_union') {
    // The branch of the union that fails only below its top level is the one that the sender meant.
    const meant = issue.errors.find((issues) =>
      issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
    );
    if (meant !== undefined) {
      return meant.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }));
    }
  }
  return [{ path: formatPath(issue.path), reason: issue.message }];
}

export const formatProblem = ({ path, reason }: Problem): string =>
  path === '' ? reason : `${path}: ${reason}`;

export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}
