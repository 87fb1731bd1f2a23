/** Loads the configuration: slotkeeper.yaml, in which `${VARIABLES}` are replaced from the environment. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { formatPath, type Problem, validate } from '../lib/validation.js';
import { ConfigError } from './config-error.js';
import type { Environment } from './environment.js';
import { type FileConfig, fileSchema } from './schema.js';

const DEFAULT_FILE = 'slotkeeper.yaml';

/**
 * Matches a variable. In a YAML flow map a brace begins a nested map, so `{ secret: ${SECRET} }` is not valid YAML. Before
 * the YAML is parsed, two private-use characters replace the braces of a variable.
 */
const VARIABLE = /\$\{(\w+)\}/g;
const OPENING_MARK = '\uE000';
const CLOSING_MARK = '\uE001';
const MARKED_VARIABLE = new RegExp(`${OPENING_MARK}(\\w+)${CLOSING_MARK}`, 'g');

/**
 * @param configPath the configured file; if it is undefined, `slotkeeper.yaml` is read if it exists
 * @param folder the base of a relative path
 * @param sections the sections to read; other sections are ignored, so their variables may be absent
 * @throws {ConfigError} with the path of every problem
 */
export function loadConfig(
  configPath: string | undefined,
  environment: Environment,
  folder: string,
  sections?: readonly (keyof FileConfig)[],
): FileConfig {
  const file = resolve(folder, configPath ?? DEFAULT_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (configPath === undefined && code === 'ENOENT') return fileSchema.parse({});
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
  const document = parseDocument(text.replace(VARIABLE, `${OPENING_MARK}$1${CLOSING_MARK}`), {
    lineCounter: lines,
    prettyErrors: false,
  });
  // Only the first error is reported, because later parser errors usually follow from it.
  const [error] = document.errors;
  if (error !== undefined) {
    const path = `line ${lines.linePos(error.pos[0]).line}`;
    throw new ConfigError(source, [{ path, reason: error.message }]);
  }
  const problems: Problem[] = [];
  const value = substitute(pickSections(document.toJS() ?? {}, sections), [], environment, problems);
  if (problems.length > 0) throw new ConfigError(source, problems);
  const result = validate(fileSchema, value);
  if (result.success) return result.data;
  throw new ConfigError(source, result.problems);
}

function pickSections(value: unknown, sections: readonly string[] | undefined): unknown {
  if (sections === undefined || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => sections.includes(key)));
}

/** Replaces variables after the YAML is parsed, so that a secret may contain any character. */
function substitute(
  value: unknown,
  path: readonly PropertyKey[],
  environment: Environment,
  problems: Problem[],
): unknown {
  if (typeof value === 'string') {
    return value.replace(MARKED_VARIABLE, (_, name: string) => {
      const replacement = environment[name];
      if (replacement === undefined || replacement === '') {
        problems.push({ path: formatPath(path), reason: `the environment variable ${name} is not set` });
      }
      return replacement ?? '';
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
