/** Messages for zod's issues. No message repeats a value of the input. */
import { z } from 'zod';
import { findClosestName } from './closest-name.js';

type Issue = z.core.$ZodRawIssue;

const types: { readonly [type: string]: string } = {
  string: 'text',
  int: 'whole number',
  boolean: 'true or false',
  array: 'list',
  record: 'object',
  nan: 'number',
};

const formats: { readonly [format: string]: string } = {
  date: 'expected a date of the calendar, written YYYY-MM-DD',
  url: 'expected a URL',
};

/** The rest of a sentence that begins with the issue's path; undefined if the schema has its own message. */
export function messageFor(issue: Issue): string | undefined {
  if (issue.input === undefined) return 'is required';

  switch (issue.code) {
    case 'invalid_type':
      return `expected ${isWhole(issue) ? types.int : (types[issue.expected] ?? issue.expected)}`;
    case 'invalid_value':
      return oneOf(issue.values.map(String), issue.input);
    case 'too_big':
      return outOf(issue, issue.inclusive === false ? 'less than' : 'at most', Number(issue.maximum));
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1
        ? 'must not be empty'
        : outOf(issue, issue.inclusive === false ? 'more than' : 'at least', Number(issue.minimum));
    case 'invalid_format':
      return formats[issue.format] ?? 'is not written as it should be';
    case 'invalid_key':
      return 'is not a key as it should be';
    case 'invalid_union':
      return eitherOf(issue);
    default:
      return undefined;
  }
}

const isWhole = ({ inst, expected }: Extract<Issue, { code: 'invalid_type' }>): boolean =>
  expected === 'number' && inst instanceof z.ZodNumberFormat;

function oneOf(names: readonly string[], given: unknown): string {
  const near = typeof given === 'string' ? findClosestName(given, names) : undefined;
  const last = names.at(-1) ?? '';
  const list = names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${last}` : last;
  return `expected ${list}${near === undefined ? '' : `, did you mean "${near}"?`}`;
}

function eitherOf(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const { discriminator, options, errors, input } = issue;
  if (typeof discriminator === 'string' && Array.isArray(options)) {
    const given: unknown =
      typeof input === 'object' && input !== null ? Reflect.get(input, discriminator) : input;
    return given === undefined ? 'is required' : oneOf(options.map(String), given);
  }
  const forms = errors.flatMap((issues) => issues.filter(({ path }) => path.length === 0));
  const said = new Set(forms.map(({ message }) => message.replace(/^expected /, '')));
  return said.size === 0 ? 'is not as it should be' : `expected ${[...said].join(' or ')}`;
}

function outOf(
  { origin, path }: Extract<Issue, { code: 'too_big' | 'too_small' }>,
  bound: string,
  limit: number,
): string {
  if (Math.abs(limit) >= Number.MAX_SAFE_INTEGER) return 'is too large a number';
  const number = limit.toLocaleString('en-US');
  switch (origin) {
    case 'string':
      return `expected ${bound} ${number} ${limit === 1 ? 'character' : 'characters'}`;
    case 'array':
    case 'set':
    case 'map':
      return `expected ${bound} ${number} ${counted(limit, path?.at(-1))}`;
    default:
      return `expected ${bound} ${number}`;
  }
}

/** The items of a list by name: 1 event, 2 events. */
function counted(count: number, name: PropertyKey | undefined): string {
  const many = typeof name === 'string' && name.endsWith('s') ? name : 'entries';
  return count === 1 ? many.replace(/(ie)?s$/, (_, ie) => (ie === undefined ? '' : 'y')) : many;
}
