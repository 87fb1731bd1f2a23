import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Place } from '../engine/backends.js';
import { ACCOUNT, ADDRESS, CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { embeddedFolder, recordDatabase } from '../store/databases.js';
import { freshRedisUrl } from '../support/redis.js';
import { type Clinic, clinicAt, type Running } from './clinic.js';
import { type Ran, run, type Way } from './run.js';

// Each test is several processes; a machine that is busy with others takes its time.
jest.setTimeout(180_000);

const { date, events, put } = upcomingExample();
const [{ windows }, { ref, start, end }] = events;
const whole = {
  calendar: CALENDAR,
  from: date,
  to: date,
  complete: true,
  windows,
  occupancy: [{ ref, start, end }],
};
const emptied = { ...whole, windows: [], occupancy: [] };
const lines = (...values: readonly unknown[]): string =>
  values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join('\n');
const summary = (numbers: string): string => {
  const [taken, refused, days, occupied, released, held] = numbers.split(' ');
  return (
    `${taken} snapshots taken in, ${refused} refused: ${days} days changed, ` +
    `${occupied} occupied, ${released} released, ${held} held\n`
  );
};

describe.each<{ name: string; fresh: () => Promise<Place> }>([
  { name: 'through the engine that has the folder', fresh: async () => ({ data: await embeddedFolder() }) },
  {
    name: 'into PostgreSQL',
    fresh: async () => ({ databaseUrl: await recordDatabase(), redisUrl: await freshRedisUrl() }),
  },
])('slotkeeper import and held, $name', ({ fresh }) => {
  let clinic: Clinic;
  let running: Running;
  let way: Way;
  let cwd: string;
  const days = async () =>
    (await running.call('GET', `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`)).body;

  beforeAll(async () => {
    clinic = await clinicAt(await fresh());
    running = await clinic.start();
    cwd = clinic.folder;
    way = { cwd, env: { ...clinic.env, LOG_LEVEL: 'fatal' } };
  });

  beforeEach(async () => {
    // As if nobody had spoken of it before.
    await running.call('DELETE', `/v1/calendars/${CALENDAR}`);
    await running.call('PUT', `/v1/calendars/${CALENDAR}`, { account: ACCOUNT, ...ADDRESS });
  });

  const imports = (stdin: string, ...more: readonly string[]): Promise<Ran> =>
    run(['import', ...more, '-'], { ...way, stdin });

  test('takes the founding example from stdin, and it is published', async () => {
    expect(await imports(`${lines(whole, '', { complete: true })}\n`)).toEqual({
      code: 0,
      stdout: summary('1 0 1 1 0 0'),
      stderr: '',
    });
    await running.settled();
    expect(await days()).toMatchObject([{ state: 'in-sync', published: put.body.slots }]);
  });

  test('names bad lines with file and number, takes the others, and exits 1', async () => {
    mkdirSync(join(cwd, 'night'), { recursive: true });
    writeFileSync(join(cwd, 'night', 'a.ndjson'), lines(whole, 'not json', { ...whole, calendar: 'nobody' }));
    writeFileSync(
      join(cwd, 'night', 'b.ndjson'),
      lines({ ...whole, occupancy: [{ ref, start: end, end: start }] }, { from: date }, whole).slice(0, -10),
    );
    writeFileSync(join(cwd, 'night', 'c.txt'), 'another matter');
    const { code, stdout, stderr } = await run(['import', 'night'], way);
    expect({ code, stdout }).toEqual({ code: 1, stdout: summary('1 5 1 1 0 0') });
    expect(stderr.trim().split('\n')).toEqual([
      'night/a.ndjson:2: is not JSON',
      'night/a.ndjson:3: there is no calendar "nobody"',
      'night/b.ndjson:1: occupancy[0].end: is not after the start',
      'night/b.ndjson:2: calendar: is required',
      'night/b.ndjson:3: is not JSON',
    ]);
    expect((await days())[0].busy).toMatchObject([{ ref }]);
  });

  test('takes a file for as old as it is: what an event said after that stays', async () => {
    await running.call('POST', '/v1/events', { events: [events[0], { ...events[1], id: 'evt-later' }] });
    const file = join(cwd, 'old.ndjson');
    writeFileSync(file, lines({ ...whole, occupancy: [] }));
    const hourAgo = new Date(Date.now() - 3_600_000);
    utimesSync(file, hourAgo, hourAgo);
    const { stdout } = await run(['import', '--json', file], way);
    expect(JSON.parse(stdout)).toMatchObject({ file, line: 1, calendar: CALENDAR, released: 0, stale: 1 });
    const monthAgo = new Date(Date.now() - 30 * 24 * 3_600_000);
    utimesSync(file, monthAgo, monthAgo);
    expect(await run(['import', file], way)).toMatchObject({
      code: 1,
      stderr: `${file}:1: takenAt: is more than 7 days ago (the age of the file)\n`,
    });
  });

  test('what would take away too much is held, shown, and released or dropped', async () => {
    await imports(lines(whole));
    const { code, stdout, stderr } = await imports(lines(emptied));
    expect({ code, stdout }).toEqual({ code: 0, stdout: summary('1 0 0 0 0 1') });
    const [, id = ''] = /would lose too much: held as (\d+)/.exec(stderr) ?? [];
    const [list, json, status] = await Promise.all([
      run(['held', 'list'], way),
      run(['held', 'list', '--json'], way),
      run(['status'], way),
    ]);
    expect(list.stdout).toMatch(
      new RegExp(`^${id} {2}${CALENDAR}: a snapshot of ${date} to ${date}, held since .*Z\n`),
    );
    expect(list.stdout).toContain('would take away 60 of 60 minutes of windows of the calendar\n');
    expect(JSON.parse(json.stdout)).toMatchObject([{ id, calendar: CALENDAR, dates: [date] }]);
    expect(status.stdout).toContain('1 are held');

    expect(await run(['held', 'drop', id, '0'], way)).toEqual({
      code: 1,
      stdout: '1 dropped\n',
      stderr: 'slotkeeper: nothing is held under 0\n',
    });
    await imports(lines(emptied));
    expect(await run(['held', 'release', '--all'], way)).toEqual({
      code: 0,
      stdout: '1 released\n',
      stderr: '',
    });
    expect(await days()).toMatchObject([{ windows: [], busy: [] }]);
    expect((await run(['held', 'list'], way)).stdout).toBe('nothing is held\n');
  });
});

describe('slotkeeper import, without an engine', () => {
  test.each<[string, readonly string[]]>([
    ['missing required argument', ['import']],
    ['nothing.ndjson: there is no such file', ['import', 'nothing.ndjson']],
    ['name ids, or say --all', ['held', 'release']],
    ['name ids, or say --all', ['held', 'drop', '1', '--all']],
    ['.: has no files that end in .ndjson', ['import', '.']],
  ])('refuses wrong use before anything is taken in: %s', async (reason, args) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(reason);
  });

  test('holds as slotkeeper.yaml says', async () => {
    const clinic = await clinicAt({ data: await embeddedFolder() });
    const running = await clinic.start();
    await running.process.kill('SIGTERM', { within: 60_000 });
    writeFileSync(join(clinic.folder, 'off.yaml'), 'holds: off\n');
    const way = { cwd: clinic.folder, env: { ...clinic.env, LOG_LEVEL: 'fatal' } };
    const off = { ...way, env: { ...way.env, SLOTKEEPER_CONFIG: 'off.yaml' } };
    expect((await run(['import', '-'], { ...way, stdin: lines(whole) })).stdout).toBe(summary('1 0 1 1 0 0'));
    expect((await run(['import', '-'], { ...way, stdin: lines(emptied) })).stdout).toBe(
      summary('1 0 0 0 0 1'),
    );
    expect((await run(['import', '-'], { ...off, stdin: lines(emptied) })).stdout).toBe(
      summary('1 0 1 0 1 0'),
    );
  });
});
