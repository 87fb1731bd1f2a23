// Where text ends to be JSON: told by line and column, and without any of it.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readJson } from '../../src/lib/read-json.js';
import { sampleOf } from '../support/long.js';

const reasonOf = (text: string): string => {
  const read = readJson(text);
  return read.success ? 'fine' : read.reason;
};

test.each([
  ['{"a": 1, "b" 2}', 'is not JSON (at column 14)'],
  ['{"a": 1,}', 'is not JSON (at column 9)'],
  ['[1, 2', 'is not JSON (it ends too early)'],
  ['', 'is not JSON (it ends too early)'],
  ['nonsense', 'is not JSON (at column 1)'],
  ['{\n  "a": 1,\n  b: 2\n}', 'is not JSON (at line 3, column 3)'],
  ['[1] 2', 'is not JSON (at column 5)'],
  ['[01]', 'is not JSON (at column 2)'],
  ['["a\u0001"]', 'is not JSON (at column 2)'],
  ['{"a": [1}', 'is not JSON (at column 9)'],
  ['"\\\u0001\\"', 'is not JSON (at column 1)'],
  ['["a\\u12', 'is not JSON (it ends too early)'],
])('%j %s', (text, reason) => {
  expect(reasonOf(text)).toBe(reason);
});

test('what JSON.parse reads is read, and what it does not read has its place', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\u00e9"',
    '1',
    '-0.5e3',
    'true',
    'null',
    ' ',
    '\n',
    'x',
    '"',
    '.',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 10 }), (list) => {
      const text = list.join('');
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect(reasonOf(text)).toMatch(
        isJson ? /^fine$/ : /^is not JSON \((it ends too early|at (line \d+, )?column \d+)\)$/,
      );
    }),
    { numRuns: sampleOf(20_000) },
  );
});

test('of JSON with a wrong character put in, the place is not after it', () => {
  const json = fc.json().filter((text) => text.length > 0);
  fc.assert(
    fc.property(json, fc.nat(), (text, n) => {
      const at = n % (text.length + 1);
      const [, column] =
        /column (\d+)\)$/.exec(reasonOf(`${text.slice(0, at)}\u0001${text.slice(at)}`)) ?? [];
      expect(Number(column)).toBeLessThanOrEqual(at + 1);
    }),
    { numRuns: sampleOf(5_000) },
  );
});

test.each([
  ['a long string', `"${'x'.repeat(16_000_000)}`],
  ['a long string and more', `["${'x'.repeat(16_000_000)}" 1]`],
  ['many escapes', `"${'\\n'.repeat(8_000_000)}" x`],
  ['deep lists', '['.repeat(1_000_000)],
])('%s is told, too', (_, text) => {
  expect(reasonOf(text)).toMatch(/^is not JSON/);
});
