// A package that a module or a published type imports is installed with the library, not only in this checkout.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  dependencies: Record<string, string>;
};
const IMPORT = /(?:\bfrom |\bimport[ (])'((?:@[\w-]+\/)?\w[\w./:-]*)'/g;

const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

/** `@scope/name` or `name` of every package that these files import. */
function packagesOf(files: readonly string[]): string[] {
  const specifiers = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, name]) => name ?? ''),
  );
  const packages = specifiers
    .filter((name) => !isBuiltin(name) && name !== 'slotkeeper')
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  return [...new Set(packages)].sort();
}

test('every package that a module imports is a dependency', () => {
  const imported = packagesOf(filesIn('src', '.ts'));
  expect(imported).toContain('bullmq');
  expect(imported.filter((name) => dependencies[name] === undefined)).toEqual([]);
});

test('so are the types of every package that a published type names', () => {
  const named = packagesOf(filesIn('dist', '.d.ts')).map((name) => `@types/${name}`);
  expect(named).toContain('@types/pg');
  const apart = named.filter((name) => existsSync(join('node_modules', name)));
  expect(apart.filter((name) => dependencies[name] === undefined)).toEqual([]);
});
