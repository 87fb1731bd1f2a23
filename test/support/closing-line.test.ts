import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { RunningProcess } from './process.js';
import { tempDir } from './temp-dir.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Runs Jest itself over these files, with this project's reporter and environment. */
async function jest(files: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const rootDir = await tempDir();
  await mkdir(join(rootDir, 'test'));
  await Promise.all(
    Object.entries(files).map(([name, text]) => writeFile(join(rootDir, 'test', name), text)),
  );
  const config = {
    rootDir,
    cacheDirectory: join(rootDir, 'cache'),
    transform: {},
    reporters: ['default', path('./jest/closing-line.mjs')],
    testEnvironment: path('./jest/environment.mjs'),
    passWithNoTests: true,
  };
  const command = [
    path('../../node_modules/jest/bin/jest.js'),
    '--config',
    JSON.stringify(config),
    '-i',
    ...args,
  ];
  const running = await RunningProcess.start(process.execPath, command, { cwd: rootDir });
  const { code } = await running.exited;
  return { code, lastLine: running.stdout.split('\n').at(-2), all: running.stdout + running.stderr, rootDir };
}

const PASSES = 'test("passes", () => {});';

describe('the closing line', () => {
  test('counts what passed', async () => {
    expect(await jest({ 'a.test.js': PASSES })).toMatchObject({ code: 0, lastLine: '1 passed, 0 failed' });
  });

  test('counts failures, skipped tests, and files that cannot be loaded or fail outside of a test', async () => {
    const run = await jest({
      'a.test.js': `${PASSES} test("fails", () => { throw new Error() }); test.skip("s", () => {}); test.todo("t");`,
      'b.test.js': 'require("./missing.js");',
      'c.test.js': `${PASSES} afterAll(() => { throw new Error() });`,
      'd.test.js': '',
    });
    expect(run).toMatchObject({ code: 1, lastLine: '2 passed, 4 failed, 2 skipped' });
  });

  test('is there for a run that finds no test, which fails', async () => {
    expect(await jest({})).toMatchObject({ code: 1, lastLine: '0 passed, 0 failed' });
  });

  test('is there for a run that skips every test', async () => {
    const run = await jest({ 'a.test.js': PASSES }, '-t', 'no such name');
    expect(run).toMatchObject({ code: 0, lastLine: '0 passed, 0 failed, 1 skipped' });
  });

  test('calls a run failed that breaks off', async () => {
    const run = await jest({ 'a.test.js': 'test("ends it all", () => process.exit(0));' });
    expect(run).toMatchObject({ lastLine: '0 passed, 1 failed' });
  });
});

describe('what a test file acquires', () => {
  const acquire = (name: string) =>
    `globalThis.slotkeeperReleases.push(async () => require('fs').appendFileSync('order', '${name} '));`;

  test('is released after its last hook, newest first, also when a test fails', async () => {
    const run = await jest({
      'a.test.js': `${acquire('first')} ${acquire('second')}
        afterAll(() => require('fs').appendFileSync('order', 'hook '));
        test("fails", () => { throw new Error() });`,
    });
    expect(await readFile(join(run.rootDir, 'order'), 'utf8')).toBe('hook second first ');
  });

  test('fails the file when it cannot be released, after everything else was', async () => {
    const run = await jest({
      'a.test.js': `${acquire('first')}
        globalThis.slotkeeperReleases.push(async () => { throw new Error('stuck') }); ${PASSES}`,
    });
    expect(run).toMatchObject({ code: 1, lastLine: expect.stringContaining('1 failed') });
    expect(run.all).toContain('stuck');
    expect(await readFile(join(run.rootDir, 'order'), 'utf8')).toBe('first ');
  });
});
