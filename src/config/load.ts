/** Reads the configuration: slotkeeper.yaml with `${VARIABLES}` of the environment in it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { formatPath, type Problem, validate } from '../lib/validation.js';
import { ConfigError } from './config-error.js';
import type { Environment } from './environment.js';
import { type FileConfig, fileSchema } from './schema.js';

const DEFAULT_FILE = 'slotkeeper.yaml';

/**
 * In a YAML flow map a brace begins another map, so `{ secret: ${SECRET} }` is no YAML. The variable is read
 * with two characters that nobody types in place of its braces.
 */
const VARIABLE = /\$\{(\w+)\}/g;
const OPEN = '\uE000';
const CLOSE = '\uE001';
const MARKED = new RegExp(`${OPEN}(\\w+)${CLOSE}`, 'g');

/**
 * @param named the file that was asked for; without one, `slotkeeper.yaml` is read if it is there
 * @param folder what a relative path is relative to
 * @param sections what is read of the file; the rest is not looked at, so that its variables need not be set
 * @throws {ConfigError} with the path of everything that is wrong
 */
export function loadConfig(
  named: string | undefined,
  environment: Environment,
  folder: string,
  sections?: readonly (keyof FileConfig)[],
): FileConfig {
  const file = resolve(folder, named ?? DEFAULT_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (named === undefined && code === 'ENOENT') return fileSchema.parse({});
    const reason = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`;
    throw new ConfigError(file, [{ path: '', reason }]);
  }
  return parseConfig(text, file, environment, sections);
}

export function parseConfig(
  text: string,
  source: string,
  environment: Environment,
  sections?: readonly (keyof FileConfig)[],
): FileConfig {
  const lines = new LineCounter();
  const document = parseDocument(text.replace(VARIABLE, `${OPEN}$1${CLOSE}`), {
    lineCounter: lines,
    prettyErrors: false,
  });
  // What the parser says after the first error is only confusion.
  const [error] = document.errors;
  if (error !== undefined) {
    const path = `line ${lines.linePos(error.pos[0]).line}`;
    throw new ConfigError(source, [{ path, reason: error.message }]);
  }
  const problems: Problem[] = [];
  const value = substitute(pickSections(document.toJS() ?? {}, sections), [], environment, problems);
  if (problems.length > 0) throw new ConfigError(source, problems);
  const checked = validate(fileSchema, value);
  if (checked.success) return checked.data;
  throw new ConfigError(source, checked.problems);
}

function pickSections(value: unknown, sections: readonly string[] | undefined): unknown {
  if (sections === undefined || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => sections.includes(key)));
}

/** Puts the environment in, after the YAML is read, so that a secret may contain any character. */
function substitute(
  value: unknown,
  path: readonly PropertyKey[],
  environment: Environment,
  problems: Problem[],
): unknown {
  if (typeof value === 'string') {
    return value.replace(MARKED, (_, name: string) => {
      const found = environment[name];
      if (found === undefined || found === '') {
        problems.push({ path: formatPath(path), reason: `the environment variable ${name} is not set` });
      }
      return found ?? '';
    });
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => substitute(item, [...path, index], environment, problems));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        substitute(item, [...path, key], environment, problems),
      ]),
    );
  }
  return value;
}
