/** Runs the examples of docs/library.md: the last expression of each must equal its comment. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import * as core from '../../src/core/index.js';

const page = readFileSync(new URL('../../docs/library.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);

/** Converts the imports of an example into parameters, and its last expression and comment into a returned pair. */
function toRunnable(code: string): string {
  const [before = '', comment = ''] = code.split('// → ');
  const expected = comment.replaceAll(/^\/\/ ?/gm, '');
  const lines = before.replace(/^import \{(.*?)\} from 'slotkeeper\/core';$/ms, 'const {$1} = core;');
  const last = lines.search(/\n\n(?!.*\n\n)/s);
  const source = `${lines.slice(0, last)}\nreturn [${lines.slice(last).trim().replace(/;$/, '')}, ${expected}];`;
  return ts.transpileModule(`(core: any) => {${source}}`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022 },
  }).outputText;
}

describe('the library page', () => {
  test('all examples are found', () => {
    expect(examples.length).toBeGreaterThan(7);
    expect(page.match(/```(ts|js)/g)).toHaveLength(examples.length);
  });

  test.each(examples.map((code, i) => [i + 1, code] as const))(
    'example %i returns its documented result',
    (_, code) => {
      expect(code).toContain('// → ');
      expect(code).toContain("from 'slotkeeper/core'");
      // biome-ignore lint/security/noGlobalEval: the page's examples are the project's own code.
      const [found, expected] = globalThis.eval(toRunnable(code))(core);
      expect(found).toEqual(expected);
    },
  );
});
