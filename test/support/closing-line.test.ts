import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
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

describe('a run whose tests fail in every way', () => {
  const note = (file: string, what: string) => `require('fs').appendFileSync('order-${file}', '${what} ');`;
  const releasing = (file: string, name: string) => `async () => { ${note(file, name)} }`;
  const acquire = (file: string, name: string) =>
    `globalThis.slotkeeperReleases.push(${releasing(file, name)});`;
  const stuck = (file: string) =>
    `globalThis.slotkeeperReleases.push(async () => { throw new Error('stuck in ${file}') });`;

  const files = {
    'fails.test.js': `${PASSES} test("fails", () => { throw new Error() }); test.skip("s", () => {}); test.todo("t");`,
    'unloaded.test.js': 'require("./missing.js");',
    'outside.test.js': `${PASSES} afterAll(() => { throw new Error() });`,
    'empty.test.js': '',
    'order.test.js': `${acquire('order', 'file')}
      beforeAll(() => { ${acquire('order', 'files')} });
      beforeEach(() => { ${acquire('order', 'hook')} });
      afterEach(() => { ${note('order', 'over:')} });
      afterAll(() => { ${note('order', 'end:')} });
      test("fails", () => {
        globalThis.slotkeeperReleases.push(
          Object.assign(${releasing('order', 'lasts')}, { outlivesTest: true }),
        );
        ${acquire('order', 'first')}
        throw new Error();
      });
      test("passes", () => { ${acquire('order', 'second')} });`,
    'concurrent.test.js': `test.concurrent("one", async () => { ${acquire('concurrent', 'one')} });
      test.concurrent("other", async () => { ${acquire('concurrent', 'other')} });
      afterAll(() => { ${note('concurrent', 'end:')} });`,
    'stuck-test.test.js': `test("t", () => { ${acquire('stuck-test', 'first')} ${stuck('a test')} });`,
    'stuck-file.test.js': `${acquire('stuck-file', 'first')} ${stuck('a file')} ${PASSES}`,
  };
  let run: Awaited<ReturnType<typeof jest>>;

  beforeAll(async () => {
    run = await jest(files);
  });

  const orderIn = async (file: string) => await readFile(join(run.rootDir, `order-${file}`), 'utf8');

  test('ends with a line that counts what passed, failed or was skipped, and files that failed outside of a test', () => {
    // Of each file but `concurrent` one failed; of a file that fails as a whole nothing passed.
    expect(run).toMatchObject({ code: 1, lastLine: '5 passed, 7 failed, 2 skipped' });
  });

  test('releases what a test acquires at its end or else the file’s, after the last hook, newest first', async () => {
    expect(await orderIn('order')).toBe('over: first hook over: second hook end: lasts files file ');
  });

  test('releases at the end of the file where tests run at the same time', async () => {
    expect(await orderIn('concurrent')).toBe('end: other one ');
  });

  test.each([
    ['test', 'stuck in a test', 'stuck-test'],
    ['file', 'stuck in a file', 'stuck-file'],
  ])('says that a %s could not release something, after everything else was', async (_, reason, file) => {
    expect(run.all).toContain(reason);
    expect(run.all).toContain(`FAIL test/${file}.test.js`);
    expect(await orderIn(file)).toBe('first ');
  });
});

describe('the closing line', () => {
  test('is there for a run that finds no test, which fails', async () => {
    expect(await jest({})).toMatchObject({ code: 1, lastLine: '0 passed, 0 failed' });
  });

  test('is there for a run that skips every test, which does not', async () => {
    const run = await jest({ 'a.test.js': PASSES }, '-t', 'no such name');
    expect(run).toMatchObject({ code: 0, lastLine: '0 passed, 0 failed, 1 skipped' });
  });

  test('calls a run failed that breaks off', async () => {
    const run = await jest({ 'a.test.js': 'test("ends it all", () => process.exit(0));' });
    expect(run).toMatchObject({ lastLine: '0 passed, 1 failed' });
  });
});
