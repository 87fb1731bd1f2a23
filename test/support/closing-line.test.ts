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

describe('what tests acquire', () => {
  const note = (what: string) => `require('fs').appendFileSync('order', '${what} ');`;
  const acquire = (name: string) =>
    `globalThis.slotkeeperReleases.push(async () => ${note(name).replace(';', '')});`;
  const orderOf = async ({ rootDir }: { rootDir: string }) => await readFile(join(rootDir, 'order'), 'utf8');

  test('is released at the end of the test or else of the file, after the last hook, newest first, also when a test fails', async () => {
    const run = await jest({
      'a.test.js': `${acquire('file')}
        beforeAll(() => { ${acquire('files')} });
        beforeEach(() => { ${acquire('hook')} });
        afterEach(() => { ${note('over:')} });
        afterAll(() => { ${note('end:')} });
        test("fails", () => {
          globalThis.slotkeeperReleases.push(
            Object.assign(async () => ${note('lasts').replace(';', '')}, { outlivesTest: true }),
          );
          ${acquire('first')}
          throw new Error();
        });
        test("passes", () => { ${acquire('second')} });`,
    });
    expect(run).toMatchObject({ code: 1, lastLine: '1 passed, 1 failed' });
    expect(await orderOf(run)).toBe('over: first hook over: second hook end: lasts files file ');
  });

  test('is released at the end of the file where tests run at the same time', async () => {
    const run = await jest({
      'a.test.js': `test.concurrent("one", async () => { ${acquire('one')} });
        test.concurrent("other", async () => { ${acquire('other')} });
        afterAll(() => { ${note('end:')} });`,
    });
    expect(await orderOf(run)).toBe('end: other one ');
  });

  test('fails the test or else the file when it cannot be released, after everything else was', async () => {
    const stuck = "globalThis.slotkeeperReleases.push(async () => { throw new Error('stuck') });";
    const test = await jest({ 'a.test.js': `test("t", () => { ${acquire('first')} ${stuck} });` });
    expect(test).toMatchObject({ code: 1, lastLine: '0 passed, 1 failed' });
    const file = await jest({ 'a.test.js': `${acquire('first')} ${stuck} ${PASSES}` });
    expect(file).toMatchObject({ code: 1, lastLine: expect.stringContaining('1 failed') });
    for (const run of [test, file]) {
      expect(run.all).toContain('stuck');
      expect(await orderOf(run)).toBe('first ');
    }
  });
});
