import { stripVTControlCharacters, styleText } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import type { ResyncReport } from '../../src/api/resyncs-api.js';
import { describeProgress, progressOn } from '../../src/cli/resync/progress-bar.js';
import { describeDays, describeReport } from '../../src/cli/resync/resync-text.js';
import { parseInstant, toIso } from '../../src/core/index.js';
import { Slotkeeper } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';
import { ENCRYPTION_KEY, postgresDatabase } from '../db/databases.js';
import { CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { atEndOfTest } from '../support/release.js';
import { type Clinic, clinicAt, folderHeldBy } from './clinic.js';
import { run, type Way } from './run.js';

/** Requests to the marketplace have a long timeout, for a busy machine. */
const PUBLISH = { timeoutMs: 60_000 };
const { date, events } = upcomingExample();
const ZONE = 'Europe/Warsaw';
const at = (time: string): string => toIso(parseInstant(`${date}T${time}:00`, ZONE, 'time'), ZONE);

const REPORT: ResyncReport = {
  id: 'rsy_1',
  state: 'running',
  dryRun: false,
  calendars: 4,
  calendarsDone: 1,
  daysCompared: 84,
  differences: { missing: 1, extra: 1, stale: 1, foreign: 1 },
  reads: 2,
  writes: 1,
  startedAt: '2026-11-16T02:00:00.000Z',
  finishedAt: null,
  durationMs: 10_000,
  failures: [],
  waiting: [],
  sources: [],
  days: [
    {
      calendar: 'lis',
      date: '2026-11-17',
      missing: ['2026-11-17T10:00:00+01:00 (1)'],
      extra: [],
      stale: 0,
      foreign: false,
    },
    {
      calendar: 'lis',
      date: '2026-11-18',
      missing: [],
      extra: ['2026-11-18T10:20:00+01:00'],
      stale: 2,
      foreign: false,
    },
    { calendar: 'nowak', date: '2026-11-17', missing: [], extra: [], stale: 0, foreign: true },
  ],
};
const STARTED = Date.parse(REPORT.startedAt);

describe('the progress of a resync', () => {
  const stream = (isTTY: boolean) => {
    const written: string[] = [];
    return { isTTY, written, write: (text: string) => written.push(text) > 0 };
  };

  test('contains the remaining time while the resync runs', () => {
    expect(describeProgress(REPORT, STARTED + 10_000)).toBe(
      '1/4 calendars, 4 differences, 1 write, 30 s left',
    );
    expect(describeProgress(REPORT, STARTED + 60_000)).toBe(
      '1/4 calendars, 4 differences, 1 write, 3 min left',
    );
    expect(describeProgress({ ...REPORT, calendarsDone: 0 }, STARTED)).toBe(
      '0/4 calendars, 4 differences, 1 write',
    );
    const over = { ...REPORT, calendarsDone: 4, finishedAt: '2026-11-16T02:01:00.000Z' };
    expect(describeProgress(over, STARTED + 60_000)).toBe('4/4 calendars, 4 differences, 1 write');
  });

  test('contains each account that it waits for once, and no remaining time', () => {
    const waiting = [
      { account: 'berlin', calendars: 2, reason: 'token was refused' },
      { account: 'warsaw', calendars: 1, reason: null },
    ];
    for (const isTTY of [true, false]) {
      const output = stream(isTTY);
      const progress = progressOn(output, () => STARTED + 10_000);
      progress.show({ ...REPORT, waiting });
      progress.show({ ...REPORT, waiting });
      const written = output.written.join('');
      expect(written.match(/waiting for .*/g)).toEqual([
        'waiting for 2 calendars of berlin: token was refused',
      ]);
      expect(written).not.toContain('left');
    }
  });

  test('is a bar in one line on a terminal', () => {
    const terminal = stream(true);
    const progress = progressOn(terminal, () => STARTED + 10_000);
    progress.show(REPORT);
    progress.show({ ...REPORT, calendarsDone: 4 });
    progress.end();
    const [first, second, end] = terminal.written;
    expect(first).toMatch(/^\r.*█{6}░{18} 1\/4 calendars/u);
    expect(second).toMatch(/^\r.*█{24} 4\/4 calendars/u);
    expect(end).toBe('\n');
  });

  test('is a plain line at intervals without a terminal, and one at the end', () => {
    let now = STARTED;
    const file = stream(false);
    const progress = progressOn(file, () => now);
    progress.show(REPORT);
    now += 1_000;
    progress.show(REPORT);
    now += 5_000;
    progress.show(REPORT);
    progress.show({ ...REPORT, finishedAt: '2026-11-16T02:00:06.000Z' });
    progress.end();
    expect(file.written).toHaveLength(3);
    expect(file.written.join('')).not.toContain('\u001b');
    expect(file.written.every((line) => line.endsWith('\n'))).toBe(true);
  });
});

describe('the result of a resync', () => {
  test('contains one line for each reason of a failure', () => {
    const failures = [
      ...['a', 'b', 'c', 'd', 'e', 'f'].map((calendar) => ({ calendar, reason: 'refused' })),
      { account: 'berlin', reason: 'its source does not answer' },
    ];
    expect(describeReport({ ...REPORT, failures })).toContain(
      's\nfailed: a, b, c, d, e and 1 more: refused\nfailed: berlin: its source does not answer\n',
    );
  });

  test('lists the differences by day', () => {
    expect(stripVTControlCharacters(describeDays(REPORT, { colour: true }))).toBe(
      [
        'lis',
        '  2026-11-17',
        '    + 10:00 (1) is missing',
        '  2026-11-18',
        '    - 10:20 should not be shown',
        '    ~ 2 breaks or placeholders of slotkeeper block nothing',
        'nowak',
        '  2026-11-17',
        '    ! bookings or breaks that the database does not have',
        '',
      ].join('\n'),
    );
    const nothing = { missing: 0, extra: 0, stale: 0, foreign: 0 };
    expect(describeDays({ ...REPORT, days: [], differences: nothing }, { colour: true })).toBe('');
  });

  test('contains the sums and the failures', () => {
    const failures = [
      { calendar: 'lis', reason: '403: no right' },
      { account: 'warsaw', reason: 'broke off' },
    ];
    expect(describeReport({ ...REPORT, failures })).toBe(
      '4 calendars, 84 days compared: 1 missing, 1 extra, 1 stale, 1 foreign; 2 reads, 1 write, 10.0 s\n' +
        'failed: lis: 403: no right\nfailed: warsaw: broke off\n',
    );
    const sources = [{ account: 'warsaw', unknown: ['nobody'], omitted: ['lis', 'wilk'] }];
    expect(describeReport({ ...REPORT, sources })).toContain(
      'warsaw: the source has unknown calendars: nobody\n' +
        'warsaw: the source does not contain lis, wilk; they are unchanged\n',
    );
    expect(describeReport({ ...REPORT, dryRun: true })).toContain('2 reads, nothing written, 10.0 s\n');
  });
});

/** This process may write to any terminal or file. */
const FORCED = { validateStream: false } as const;

describe.each([
  { name: 'through a running engine', isRunning: true, code: 1 },
  { name: 'by itself, where PostgreSQL is and no engine', isRunning: false, code: 2 },
])('slotkeeper resync, $name', ({ isRunning, code }) => {
  let clinic: Clinic;
  let way: Way;

  beforeAll(async () => {
    clinic = await clinicAt({ databaseUrl: await postgresDatabase() }, PUBLISH);
    const { call, settled, close } = await clinic.open();
    await call('POST', '/v1/events', { events });
    await settled();
    const env = { ...clinic.env, LOG_LEVEL: 'fatal' };
    if (!isRunning) await close();
    const folder = isRunning ? { DATABASE_URL: '', SLOTKEEPER_DATA: await folderHeldBy(call.url) } : {};
    way = { cwd: clinic.folder, env: { ...env, ...folder } };
  });

  test('writes nothing where nothing differs, and prints its progress as lines', async () => {
    const ran = await run(['resync'], way);
    expect(ran).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^1 calendar, 1 day compared: 0 missing, 0 extra, 0 stale, 0 foreign; \d reads, 0 writes, \d+\.\d s\n$/,
      ),
    });
    expect(ran.stderr).toMatch(/^1\/1 calendar, 0 differences, 0 writes\n$/m);
    expect(ran.stderr).not.toContain('\u001b');
  });

  test('prints the differences with --dry-run, and writes them without', async () => {
    const { facilityId, doctorId, addressId } = clinic.sandbox.requests.findLast(
      ({ operation }) => operation === 'replaceSlots',
    )?.address ?? { facilityId: '', doctorId: '', addressId: '' };
    clinic.sandbox.addBreak({ facilityId, doctorId, addressId }, { since: at('00:00'), till: at('23:59') });
    const before = clinic.sandbox.requests.length;
    const coloured = { ...way, env: { ...way.env, FORCE_COLOR: '1' } };
    const dry = await run(['resync', '--dry-run', '--calendar', CALENDAR], coloured);
    expect(dry.code).toBe(0);
    expect(stripVTControlCharacters(dry.stdout)).toMatch(
      new RegExp(
        `^${CALENDAR}\n {2}${date}\n {4}! bookings or breaks that the database does not have\n1 calendar, `,
      ),
    );
    expect(dry.stdout).toContain(
      styleText('cyan', '    ! bookings or breaks that the database does not have', FORCED),
    );
    const asked = clinic.sandbox.requests.slice(before).map(({ method, operation }) => [method, operation]);
    expect(asked.filter(([method, operation]) => method !== 'GET' && operation !== 'token')).toEqual([]);

    const real = await run(['resync', '--json'], way);
    expect(real.code).toBe(0);
    expect(JSON.parse(real.stdout)).toMatchObject({
      state: 'done',
      dryRun: false,
      differences: { missing: 0, extra: 0, stale: 0, foreign: 1 },
      days: [{ calendar: CALENDAR, date, foreign: true }],
    });
  });

  test('refuses an unknown calendar', async () => {
    const ran = await run(['resync', '--calendar', CALENDAR, 'nobody'], way);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toContain('there is no calendar "nobody"');
  });

  test('exits 1 where a calendar failed, and names it', async () => {
    clinic.sandbox.faults.set([
      { fault: { kind: 'status', status: 403, message: 'no right' }, match: { operation: 'getSlots' } },
    ]);
    const ran = await run(['resync'], way);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(new RegExp(`^failed: ${CALENDAR}: .*no right`, 'm'));
    clinic.sandbox.faults.clear();
  });
});

describe('slotkeeper resync --dry-run with PostgreSQL and without an engine', () => {
  test('only compares: pending changes stay pending, and nothing is stored', async () => {
    const databaseUrl = await postgresDatabase();
    const clinic = await clinicAt({ databaseUrl }, PUBLISH);
    const { call, settled, close } = await clinic.open();
    await call('POST', '/v1/events', { events });
    await settled();
    await close();
    const way = { cwd: clinic.folder, env: { ...clinic.env, LOG_LEVEL: 'fatal' } };
    const asks = new Slotkeeper({
      databaseUrl,
      encryptionKey: ENCRYPTION_KEY,
      roles: [],
      log: createLog('silent'),
    });
    atEndOfTest(() => asks.stop());
    await asks.start();
    const wish = {
      type: 'occupied',
      calendar: CALENDAR,
      start: `${date}T10:00`,
      end: `${date}T10:10`,
    } as const;
    await asks.events([{ ...wish, id: 'waits', ref: 'waits' }]);
    await asks.enqueue([{ ...wish, id: 'queued', ref: 'queued' }]);
    const jobs = async () =>
      (await sql`SELECT queue, id FROM bullmq.job ORDER BY 1, 2`.execute(asks.db)).rows;
    const before = { jobs: await jobs(), requests: clinic.sandbox.requests.length };

    const ran = await run(['resync', '--dry-run'], way);
    expect(ran).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^1 calendar, 0 days compared: .*; 0 reads, nothing written, /),
    });
    const asked = clinic.sandbox.requests.slice(before.requests);
    expect(asked.map(({ operation }) => operation).filter((name) => name !== 'token')).toEqual([]);
    expect((await asks.status()).pending).toBe(1);
    expect(await jobs()).toEqual(before.jobs);
    expect(await asks.db.selectFrom('slotkeeper.resyncs').selectAll().execute()).toEqual([]);
  });
});
