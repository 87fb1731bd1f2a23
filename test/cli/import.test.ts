import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { plural } from '../../src/cli/plural.js';
import { postgresDatabase } from '../db/databases.js';
import { ACCOUNT, ADDRESS, CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { type Clinic, clinicAt, folderHeldBy, type Open } from './clinic.js';
import { type Ran, run, type Way } from './run.js';

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
const summary = (numbers: string, more = ''): string => {
  const [taken, refused, days, occupied, released, held] = numbers.split(' ');
  return (
    `${plural(Number(taken), 'snapshot')} applied, ${refused} refused: ${plural(Number(days), 'day')} changed, ` +
    `${occupied} occupied, ${released} released, ${held} held${more}\n`
  );
};

/** Requests to the marketplace have a long timeout, for a busy machine. */
const PUBLISH = { timeoutMs: 60_000 };

describe('slotkeeper import and held', () => {
  let clinic: Clinic;
  let running: Open;
  let cwd: string;
  /** How a command connects: over HTTP where an engine has the folder, and to the database with PostgreSQL. */
  let ways: { readonly http: Way; readonly own: Way };
  const days = async () =>
    (await running.call('GET', `/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`)).body;

  beforeAll(async () => {
    clinic = await clinicAt({ databaseUrl: await postgresDatabase() }, PUBLISH);
    running = await clinic.open();
    cwd = clinic.folder;
    const env = { ...clinic.env, LOG_LEVEL: 'fatal' };
    const folder = await folderHeldBy(running.call.url);
    ways = {
      http: { cwd, env: { ...env, DATABASE_URL: '', SLOTKEEPER_DATA: folder } },
      own: { cwd, env },
    };
  });

  beforeEach(async () => {
    // The state before any event or snapshot of the calendar.
    await running.call('DELETE', `/v1/calendars/${CALENDAR}?leave=true`);
    await running.call('PUT', `/v1/calendars/${CALENDAR}`, { account: ACCOUNT, ...ADDRESS });
  });

  describe.each([
    { name: 'through a running engine', way: 'http' },
    { name: 'into PostgreSQL', way: 'own' },
  ] as const)('$name', ({ way }) => {
    const imports = (stdin: string, ...more: readonly string[]): Promise<Ran> =>
      run(['import', ...more, '-'], { ...ways[way], stdin });

    test('apply the founding example from stdin, which is published', async () => {
      expect(await imports(`${lines(whole, '', { complete: true })}\n`)).toEqual({
        code: 0,
        stdout: summary('1 0 1 1 0 0'),
        stderr: '',
      });
      await running.settled();
      expect(await days()).toMatchObject([{ state: 'in-sync', published: put.body.slots }]);
    });

    test('name invalid lines with file and number, apply the others, and exit 1', async () => {
      mkdirSync(join(cwd, 'night'), { recursive: true });
      writeFileSync(
        join(cwd, 'night', 'a.ndjson'),
        lines(whole, 'not json', { ...whole, calendar: 'nobody' }),
      );
      writeFileSync(
        join(cwd, 'night', 'b.ndjson'),
        lines({ ...whole, occupancy: [{ ref, start: end, end: start }] }, { from: date }, whole).slice(
          0,
          -10,
        ),
      );
      writeFileSync(join(cwd, 'night', 'c.txt'), 'another matter');
      const { code, stdout, stderr } = await run(['import', 'night'], ways[way]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: summary('2 4 1 1 0 0', ', 1 entry refused') });
      expect(stderr.trim().split('\n')).toEqual([
        'night/a.ndjson:2: is not JSON (at column 1)',
        'night/a.ndjson:3: there is no calendar "nobody"',
        'night/b.ndjson:1: occupancy[0].end: is not after the start',
        'night/b.ndjson:2: calendar: is required',
        'night/b.ndjson:3: is not JSON (it ends too early)',
      ]);
      expect((await days())[0].busy).toMatchObject([{ ref }]);
    });

    test('use the age of a file as the time of its snapshots: later events stay', async () => {
      await running.call('POST', '/v1/events', {
        events: [
          { ...events[0], id: `open-${way}` },
          { ...events[1], id: `later-${way}` },
        ],
      });
      const file = join(cwd, 'old.ndjson');
      writeFileSync(file, lines({ ...whole, occupancy: [] }));
      const hourAgo = new Date(Date.now() - 3_600_000);
      utimesSync(file, hourAgo, hourAgo);
      const { stdout } = await run(['import', '--json', file], ways[way]);
      expect(JSON.parse(stdout)).toMatchObject({ file, line: 1, calendar: CALENDAR, released: 0, stale: 1 });
      const monthAgo = new Date(Date.now() - 30 * 24 * 3_600_000);
      utimesSync(file, monthAgo, monthAgo);
      expect(await run(['import', file], ways[way])).toMatchObject({
        code: 1,
        stderr: `${file}:1: takenAt: is more than 7 days ago (the age of the file)\n`,
      });
    });

    test('hold what would remove too much, show it, and release or drop it', async () => {
      await imports(lines(whole));
      const { code, stdout, stderr } = await imports(lines(emptied));
      expect({ code, stdout }).toEqual({ code: 0, stdout: summary('1 0 0 0 0 1') });
      const [, id = ''] = /it is held as (\d+)/.exec(stderr) ?? [];
      const [list, json, status] = await Promise.all([
        run(['held', 'list'], ways[way]),
        run(['held', 'list', '--json'], ways[way]),
        run(['status'], ways[way]),
      ]);
      expect(list.stdout).toMatch(
        new RegExp(`^${id} {2}${CALENDAR}: a snapshot of ${date} to ${date}, held since .*Z\n`),
      );
      expect(list.stdout).toContain('would remove 60 of 60 minutes of windows of the calendar\n');
      expect(JSON.parse(json.stdout)).toMatchObject([{ id, calendar: CALENDAR, dates: [date] }]);
      expect(status.stdout).toContain(
        '1 day has a held change that a person must approve\n  → slotkeeper held list\n',
      );

      expect(await run(['held', 'drop', id, '0'], ways[way])).toEqual({
        code: 1,
        stdout: '1 dropped\n',
        stderr: 'slotkeeper: there is no held change 0\n',
      });
      await imports(lines(emptied));
      expect(await run(['held', 'release', '--all'], ways[way])).toEqual({
        code: 0,
        stdout: '1 released\n',
        stderr: '',
      });
      expect(await days()).toMatchObject([{ windows: [], busy: [] }]);
      expect((await run(['held', 'list'], ways[way])).stdout).toBe('nothing is held\n');
    });
  });
});

describe('slotkeeper import, without an engine', () => {
  test.each<[string, readonly string[]]>([
    ['missing required argument', ['import']],
    ['nothing.ndjson: there is no such file', ['import', 'nothing.ndjson']],
    ['give ids or --all', ['held', 'release']],
    ['give ids or --all', ['held', 'drop', '1', '--all']],
    ['.: contains no files with the extension .ndjson', ['import', '.']],
  ])('refuses wrong use before anything is applied: %s', async (reason, args) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(reason);
  });

  test('holds by the configuration of slotkeeper.yaml', async () => {
    const clinic = await clinicAt({ databaseUrl: await postgresDatabase() }, PUBLISH);
    await (await clinic.open()).close();
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
