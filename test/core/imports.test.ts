import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const folder = new URL('../../src/core/', import.meta.url);

test('the core imports only luxon and its own files', () => {
  const loaded = new Set<string>();
  for (const file of readdirSync(folder)) {
    const source = readFileSync(new URL(file, folder), 'utf8');
    for (const [, from = ''] of source.matchAll(/\bfrom '([^']+)'/g))
      loaded.add(from.replace(/^\.\/[\w-]+\.js$/, 'its own'));
    expect(source).not.toMatch(/\bimport ?\(|\brequire\(/);
  }
  expect([...loaded].sort()).toEqual(['its own', 'luxon']);
});

test('the core reads no clock and does no I/O', () => {
  for (const file of readdirSync(folder)) {
    const source = readFileSync(new URL(file, folder), 'utf8');
    expect(source).not.toMatch(
      /Date\.now|new Date\(\)|DateTime\.(now|local)|process\.|console\.|setTimeout|fetch\(/,
    );
  }
});
