import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { environmentOf } from '../engine/backends.js';
import { CALENDAR, foundingExample, upcomingExample } from '../engine/founding-example.js';
import { eventually } from '../support/eventually.js';
import { freshRedisUrl } from '../support/redis.js';
import { tempDir } from '../support/temp-dir.js';
import { clinicAt, folderHeldBy, KEY } from './clinic.js';
import { begin, run, type Underway } from './run.js';

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const { days, input } = foundingExample();

describe('slotkeeper compute', () => {
  test('computes a file, and stdin', async () => {
    const [file, piped] = await Promise.all([
      run(['compute', fixture('founding-example.json')]),
      run(['compute', '-'], { stdin: JSON.stringify(input) }),
    ]);
    expect(file).toEqual({ code: 0, stdout: expect.any(String), stderr: '' });
    expect(JSON.parse(file.stdout)).toEqual(days);
    expect(piped).toEqual(file);
  });

  test.each([
    ['what is not JSON', '{"timeZone":', /^slotkeeper: stdin: is not JSON/],
    ['what is no schedule', 'null', /^slotkeeper: /],
    [
      'a window that ends before it starts',
      JSON.stringify({ ...input, windows: [{ ...input.windows[0], end: '2026-11-16T09:00' }] }),
      /windows\[0\]\.end/,
    ],
    ['a zone that there is not', JSON.stringify({ ...input, timeZone: 'Mars' }), /timeZone/],
  ])('refuses %s with exit code 2 and its place', async (_, stdin, message) => {
    const { code, stdout, stderr } = await run(['compute'], { stdin });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('refuses a missing file with exit code 2', async () => {
    expect(await run(['compute', 'nothing.json'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'slotkeeper: nothing.json: there is no such file\n',
    });
  });
});

describe('slotkeeper', () => {
  test('prints its help and version on stdout, and refuses unknown commands', async () => {
    const [help, version, unknown, nothing] = await Promise.all([
      run(['--help']),
      run(['--version']),
      run(['publish']),
      run(['enqueue']),
    ]);
    expect(help).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/start.*demo.*sandbox.*compute.*enqueue.*status/s),
    });
    const { version: released } = JSON.parse(readFileSync(fixture('../package.json'), 'utf8'));
    expect(version).toEqual({ code: 0, stdout: `${released}\n`, stderr: '' });
    expect(unknown).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining("unknown command 'publish'"),
    });
    expect(nothing).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining("missing required argument 'file'"),
    });
  });

  test('reads .env, and does not override variables that are set', async () => {
    const cwd = await tempDir();
    writeFileSync(join(cwd, '.env'), 'PORT=eighty\nLOG_LEVEL=loud\n');
    const { code, stderr } = await run(['status'], { cwd, env: { LOG_LEVEL: 'fatal' } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/PORT: must be a port number/);
    expect(stderr).not.toMatch(/LOG_LEVEL/);
    expect(process.env.PORT).not.toBe('eighty');
  });
});

describe('slotkeeper enqueue and status', () => {
  const example = upcomingExample();
  const lines = example.events.map((event) => JSON.stringify(event));
  let cwd: string;

  beforeAll(async () => {
    cwd = await tempDir();
    writeFileSync(join(cwd, 'good.ndjson'), `${lines.join('\n')}\n\n`);
    writeFileSync(
      join(cwd, 'bad.ndjson'),
      [
        lines[0],
        'not json',
        '{"type":"occupied"}',
        lines[1],
        lines[1]?.replace('"ref":"apt-77"', '"ref":""'),
      ].join('\n'),
    );
  });

  test('enqueue the founding example of the fixtures', async () => {
    const place = { databaseUrl: await postgresDatabase(), redisUrl: await freshRedisUrl() };
    const env = { ...environmentOf(place), LOG_LEVEL: 'fatal' };
    expect(await run(['enqueue', fixture('founding-example.ndjson')], { env })).toEqual({
      code: 0,
      stdout: '2 events enqueued, 0 refused\n',
      stderr: '',
    });
  });

  test('name invalid lines, enqueue the others, and exit 1', async () => {
    const env = { DATABASE_URL: await postgresDatabase(), LOG_LEVEL: 'fatal' };
    const { code, stdout, stderr } = await run(['enqueue', 'bad.ndjson'], { cwd, env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '2 events enqueued, 3 refused\n' });
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^bad\.ndjson:2: is not JSON/),
      expect.stringMatching(/^bad\.ndjson:3: /),
      expect.stringMatching(/^bad\.ndjson:5: ref: /),
    ]);
    const status = await run(['status', '--json'], { cwd, env });
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(status.stdout)).toMatchObject({
      pending: 0,
      failed: 0,
      held: 0,
      lag: 0,
      queues: { 'slotkeeper-occupancy': { waiting: 2 }, 'slotkeeper-publish': expect.any(Object) },
    });
  });

  test('report all problems of an event, and its unknown keys', async () => {
    const env = { DATABASE_URL: await postgresDatabase(), LOG_LEVEL: 'fatal' };
    const [, occupied] = example.events;
    const stdin = [
      { ...occupied, ref: 1.5, start: 1_796_636_400, verison: 3 },
      { ...occupied, id: 5, ref: 77, note: 'private' },
    ].map((event) => JSON.stringify(event));
    expect(await run(['enqueue', '-'], { cwd, env, stdin: stdin.join('\n') })).toEqual({
      code: 1,
      stdout: '1 event enqueued, 1 refused\n',
      stderr:
        'stdin:1: ref: expected text or whole number; start: looks like seconds: send milliseconds or ISO 8601; ' +
        'verison: unknown key "verison", did you mean "version"?\n' +
        'stdin:2: warning: note: unknown key "note" was dropped\n',
    });
  });

  test('report the outcome with --dry-run, and enqueue nothing', async () => {
    const env = { DATABASE_URL: await postgresDatabase(), LOG_LEVEL: 'fatal' };
    const way = { cwd, env, stdin: `${lines[1]}\n${lines[1]}` };
    expect(await run(['enqueue', '--dry-run', '-'], way)).toMatchObject({
      code: 1,
      stdout: '0 events would be enqueued, 2 refused\n',
      stderr: expect.stringContaining('stdin:2: calendar: there is no calendar'),
    });
    const json = await run(['enqueue', '--dry-run', '--json', '-'], way);
    expect(JSON.parse(json.stdout)).toMatchObject({
      accepted: 0,
      rejected: [{ line: 1, problems: [{ path: 'calendar' }] }, { line: 2 }],
    });
    const status = await run(['status', '--json'], way);
    expect(JSON.parse(status.stdout).queues['slotkeeper-occupancy']).toMatchObject({ waiting: 0 });
  });

  test('report a missing database without a stack', async () => {
    const env = { DATABASE_URL: 'postgres://user:s3cret@127.0.0.1:1/none', LOG_LEVEL: 'fatal' };
    const { code, stderr } = await run(['status'], { cwd, env });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^slotkeeper: PostgreSQL at postgres:\/\/127\.0\.0\.1:1\/none cannot be used: .+\n$/,
    );
  });

  test('use the HTTP API of the engine that has the folder open', async () => {
    const clinic = await clinicAt({ databaseUrl: await postgresDatabase() }, { timeoutMs: 60_000 });
    const running = await clinic.open();
    const folder = await folderHeldBy(running.call.url);
    const env = { ...clinic.env, DATABASE_URL: '', SLOTKEEPER_DATA: folder, LOG_LEVEL: 'fatal' };
    const way = { cwd: clinic.folder, env };
    expect(await run(['enqueue', '-'], { ...way, stdin: lines.join('\n') })).toEqual({
      code: 0,
      stdout: '2 events enqueued, 0 refused\n',
      stderr: '',
    });
    await running.settled();
    const { body } = await running.call(
      'GET',
      `/v1/calendars/${CALENDAR}/days?from=${example.date}&to=${example.date}`,
    );
    expect(body).toMatchObject([{ state: 'in-sync', published: example.put.body.slots }]);

    const again = [lines[0], JSON.stringify({ ...example.events[1], end: `${example.date}T10:55` })];
    expect(await run(['enqueue', '-'], { ...way, stdin: again.join('\n') })).toEqual({
      code: 0,
      stdout: '2 events enqueued (2 duplicates), 0 refused\n',
      stderr: expect.stringMatching(/^stdin:2: warning: another event with the id/),
    });
    const lost = { ...example.events[1], id: 'lost', calendar: 'nobody' };
    expect(await run(['enqueue', '-'], { ...way, stdin: `\n${JSON.stringify(lost)}` })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stdin:2: calendar: there is no calendar "nobody"'),
    });
    const [json, words, wrongKey, noKey] = await Promise.all([
      run(['status', '--json'], way),
      run(['status'], way),
      run(['status'], { ...way, env: { ...way.env, SLOTKEEPER_API_KEY: 'another' } }),
      run(['status'], { ...way, env: { ...way.env, SLOTKEEPER_API_KEY: '' } }),
    ]);
    expect(JSON.parse(json.stdout)).toMatchObject({ pending: 0, failed: 0 });
    expect(words).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('everything is published'),
    });
    expect(wrongKey).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("SLOTKEEPER_API_KEY is not the engine's API key"),
    });
    expect(noKey).toMatchObject({ code: 2, stderr: expect.stringContaining('set SLOTKEEPER_API_KEY') });
    for (const { stdout, stderr } of [json, words, wrongKey]) expect(stdout + stderr).not.toContain(KEY);
  });
});

describe('slotkeeper sandbox', () => {
  const listening = async (sandbox: Underway): Promise<string> =>
    await eventually(() => /^the sandbox listens on (.*)\n/.exec(sandbox.written.stdout)?.[1]);

  test('refuses an invalid or occupied port', async () => {
    const first = await begin(['sandbox', '--port', '0']);
    const { port } = new URL(await listening(first));
    const [none, taken] = await Promise.all([
      run(['sandbox', '--port', 'x']),
      run(['sandbox', '--port', port]),
    ]);
    expect(none).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a port is a number from 0 to 65535'),
    });
    expect(taken).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `slotkeeper: cannot listen on 127.0.0.1:${port}: another process uses the port; set another one with --port\n`,
    });
    first.signal('SIGINT');
    expect((await first.ended).code).toBe(0);
  });
});
