import { beforeAll, describe, expect, test } from '@jest/globals';
import { describeCalendars } from '../../src/cli/calendars.js';
import { describeDay } from '../../src/cli/day.js';
import { drawDayChart } from '../../src/cli/day-chart.js';
import { describeExplanation } from '../../src/cli/why.js';
import type { Explanation } from '../../src/monitoring/explanation.js';
import type { DayReport } from '../../src/publishing/day-report.js';
import { postgresDatabase } from '../db/databases.js';
import { CALENDAR, upcomingExample } from '../engine/founding-example.js';
import { clinicAt, folderHeldBy } from './clinic.js';
import { run, type Way } from './run.js';

const { date, events, put } = upcomingExample();
const [offset = ''] = put.body.slots.map(({ start }) => start.slice(19));

const DAY: DayReport = {
  date: '2026-11-16',
  state: 'in-sync',
  windows: [
    {
      start: '2026-11-16T10:00:00+01:00',
      end: '2026-11-16T11:00:00+01:00',
      services: [{ id: '123', duration: 10 }],
    },
  ],
  busy: [{ ref: 'apt-77', start: '2026-11-15T22:00:00+01:00', end: '2026-11-16T10:10:00+01:00' }],
  wanted: [],
  published: [{ start: '2026-11-16T10:10:00+01:00', end: '2026-11-16T11:00:00+01:00', address_services: [] }],
  publishedAt: '2026-11-15T20:00:00.000Z',
  shown: [
    { start: '2026-11-16T10:10:00+01:00', services: ['123'] },
    { start: '2026-11-16T10:40:00+01:00', services: ['123'] },
  ],
  shownAt: '2026-11-15T20:00:01.000Z',
  error: null,
};

const EXPLANATION: Explanation = {
  calendar: 'nowak',
  at: '2026-11-16T10:30:00+01:00',
  service: null,
  wanted: false,
  published: false,
  shown: false,
  state: 'in-sync',
  checks: [
    { check: 'calendar', ok: true, detail: 'the calendar is published' },
    { check: 'busy', ok: false, detail: 'taken by appointment apt-77 from 10:30 to 10:40' },
    { check: 'rules', ok: null, detail: 'not checked: an earlier check failed' },
  ],
  next: 'the day is in sync: nothing follows until it changes',
  timeline: [],
};

describe('the text of an explanation', () => {
  const text = (what: Partial<Explanation> = {}) =>
    describeExplanation({ ...EXPLANATION, ...what }, { colour: false });

  test('has a line for each check with its mark, and then what happens next', () => {
    expect(text()).toBe(
      [
        'nowak 2026-11-16T10:30:00+01:00: is not on offer',
        '  ✔ calendar  the calendar is published',
        '  ✘ busy      taken by appointment apt-77 from 10:30 to 10:40',
        '  – rules     not checked: an earlier check failed',
        '  → the day is in sync: nothing follows until it changes',
        '',
      ].join('\n'),
    );
  });

  test('ends with what happened', () => {
    const entry = {
      cursor: '7',
      at: '2026-11-15T19:59:58.120Z',
      kind: 'event',
      account: 'warsaw',
      calendar: 'nowak',
      date: '2026-11-16',
      ref: 'apt-77',
      booking: null,
      actor: 'api',
      detail: { type: 'occupied', outcome: 'accepted' },
    } as const;
    expect(
      text({ timeline: [entry] })
        .split('\n')
        .slice(-4),
    ).toEqual([
      '',
      'What happened',
      '  2026-11-15 19:59:58Z  event       nowak         2026-11-16  apt-77 type occupied, outcome accepted  (api)',
      '',
    ]);
  });

  test.each([
    [true, true, 'is on offer'],
    [true, false, 'should be on offer, and is not shown'],
    [true, null, 'should be on offer'],
    [false, true, 'should not be on offer, and is shown'],
    [false, null, 'should not be on offer'],
  ])('begins with the verdict: wanted %s, shown %s', (wanted, shown, verdict) => {
    expect(text({ wanted, shown, service: '123' }).split('\n')[0]).toBe(
      `nowak 2026-11-16T10:30:00+01:00, service 123: ${verdict}`,
    );
  });
});

describe('the chart of a day', () => {
  test('has what is busy, free, published and shown, also where busy time began the day before', () => {
    expect(describeDay('nowak', DAY, { colour: false, shown: true })).toBe(
      [
        'nowak  2026-11-16  in-sync',
        '',
        '               10:00  11:00',
        'nowak  clinic  │█░░░░░│',
        '       online  │ ▓▓▓▓▓│',
        '       shown   │ ▒  ▒ │',
        '',
        '               █ busy   ░ free   ▓ published: what a patient can book online   ▒ shown when it was last read',
        '',
        'published: 2026-11-15T20:00:00.000Z   read: 2026-11-15T20:00:01.000Z',
        '',
      ].join('\n'),
    );
  });

  test('reaches midnight, and is empty where there is nothing to draw', () => {
    const night = {
      ...DAY.windows[0],
      services: [],
      start: '2026-11-16T23:00:00+01:00',
      end: '2026-11-17T00:00:00+01:00',
    };
    const nothing = { ...DAY, windows: [], busy: [], published: null, shown: null };
    const chart = drawDayChart([{ name: 'n', day: { ...nothing, windows: [night] } }], { colour: false });
    expect(chart).toContain('n  clinic  │░░░░░░│');
    expect(drawDayChart([{ name: 'n', day: nothing }], { colour: false })).toBe('');
    const text = describeDay('nowak', { ...nothing, error: { reason: 'refused' } }, { colour: false });
    expect(text).toContain('there are no windows on this date');
    expect(text).toContain('error: refused');
  });
});

test('the list of calendars is aligned, with the reason of each that fails', () => {
  const calendar = { account: 'warsaw', strategy: 'slots', state: 'active', failed: null } as const;
  const days = { pending: 0, failed: 0, held: 0 };
  expect(
    describeCalendars([
      { ...calendar, id: 'lis', days, publishedAt: null },
      {
        ...calendar,
        id: 'nowak',
        days: { pending: 12, failed: 1, held: 3 },
        publishedAt: '2026-11-15T20:00:00.000Z',
        failed: { reason: 'not commercial', at: '2026-11-15T19:00:00.000Z' },
      },
    ]),
  ).toBe(
    [
      'calendar  account  strategy  state   pending  failed  held  last published',
      'lis       warsaw   slots     active  0        0       0     never',
      'nowak     warsaw   slots     failed  12       1       3     2026-11-15T20:00:00.000Z',
      '',
      'nowak fails since 2026-11-15T19:00:00.000Z: not commercial',
      '',
    ].join('\n'),
  );
  expect(describeCalendars([])).toBe('there are no calendars\n');
});

describe('slotkeeper why, day and calendars', () => {
  const ways: Way[] = [];

  beforeAll(async () => {
    const clinic = await clinicAt({ databaseUrl: await postgresDatabase() }, { timeoutMs: 60_000 });
    const running = await clinic.open();
    expect((await running.call('POST', '/v1/events', { events })).status).toBe(202);
    await running.settled();
    const folder = await folderHeldBy(running.call.url);
    const env = { ...clinic.env, LOG_LEVEL: 'fatal' };
    ways.push(
      { cwd: clinic.folder, env },
      { cwd: clinic.folder, env: { ...env, DATABASE_URL: '', SLOTKEEPER_DATA: folder } },
    );
  });

  /** The answer of an engine in the process, which must be that of a running engine. */
  async function both(...args: readonly string[]) {
    const [own, http] = [await run(args, ways[0]), await run(args, ways[1])];
    expect(http).toEqual(own);
    return own;
  }

  test('explain a start as text and as JSON', async () => {
    const taken = await both('why', CALENDAR, `${date}T10:30`);
    expect(taken).toMatchObject({ code: 0, stderr: '' });
    expect(taken.stdout).toContain(`${CALENDAR} ${date}T10:30:00${offset}: is not on offer\n`);
    expect(taken.stdout).toMatch(/✘ busy +taken by appointment apt-77 from 10:30 to 10:40\n/);
    const json = await both('why', CALENDAR, `${date}T10:20`, '--service', '123', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      service: '123',
      wanted: true,
      published: true,
      shown: true,
    });
    const unknown = await both('why', CALENDAR, `${date}T10:20`, '--service', '9', '--json');
    expect(JSON.parse(unknown.stdout)).toMatchObject({ wanted: false });
  });

  test('exit with 1 for an unknown calendar, and with 2 for wrong use', async () => {
    const unknown = { code: 1, stdout: '', stderr: 'slotkeeper: there is no calendar "nobody"\n' };
    expect(await both('why', 'nobody', `${date}T10:30`)).toEqual(unknown);
    expect(await both('day', 'nobody', date)).toEqual(unknown);
    expect(await both('day', 'nobody')).toEqual(unknown);
    expect(await both('why', CALENDAR, 'noon')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^slotkeeper: at:? must be an instant/),
    });
    expect(await both('why', CALENDAR)).toMatchObject({ code: 2 });
    expect(await both('day', CALENDAR, '2026-02-30')).toMatchObject({ code: 2, stdout: '' });
  });

  test('draw a day, today by default', async () => {
    const drawn = await both('day', CALENDAR, date);
    expect(drawn.stdout).toContain(`${CALENDAR}  ${date}  in-sync\n`);
    expect(drawn.stdout).toContain(
      'nowak  clinic  │░░░█░░│\n       online  │▓▓▓ ▓▓│\n       shown   │▒▒▒ ▒▒│\n',
    );
    const json = await both('day', CALENDAR, date, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ date, published: put.body.slots });
    expect((await both('day', CALENDAR)).stdout).toContain('there are no windows on this date');
  });

  test('list the calendars', async () => {
    const listed = await both('calendars');
    expect(listed.stdout).toMatch(/^calendar +account .*\nnowak +warsaw +slots +active +0 +0 +0 +\d{4}-/);
    const json = await both('calendars', '--json');
    expect(JSON.parse(json.stdout)).toEqual([
      {
        id: CALENDAR,
        account: 'warsaw',
        strategy: 'slots',
        state: 'active',
        failed: null,
        days: { pending: 0, failed: 0, held: 0 },
        publishedAt: expect.any(String),
      },
    ]);
  });
});
