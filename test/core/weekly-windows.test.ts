import { describe, expect, test } from '@jest/globals';
import {
  computeSlotConfigs,
  InvalidScheduleError,
  type WeeklyInput,
  type Window,
  weeklyWindows,
} from '../../src/core/index.js';

const services = [{ id: '123', duration: 10 }];
const hours = (start: string, end: string) => ({ start, end, services });

/** A week that begins on Monday, 2026-11-16. */
const week = { timeZone: 'Europe/Warsaw', from: '2026-11-16', to: '2026-11-22', weekly: {} };

const texts = (windows: readonly Window[]) => windows.map(({ start, end }) => `${start}/${end}`);
const of = (input: Partial<WeeklyInput>) => texts(weeklyWindows({ ...week, ...input }));

test('each weekday has its windows in order', () => {
  expect(
    of({
      weekly: { mon: [hours('14:00', '17:00'), hours('09:00', '12:00')], sun: [hours('10:00', '10:30')] },
    }),
  ).toEqual([
    '2026-11-16T09:00:00+01:00/2026-11-16T12:00:00+01:00',
    '2026-11-16T14:00:00+01:00/2026-11-16T17:00:00+01:00',
    '2026-11-22T10:00:00+01:00/2026-11-22T10:30:00+01:00',
  ]);
});

test('windows have the same wall-clock time before and after a clock change', () => {
  const windows = of({
    from: '2026-10-23',
    to: '2026-10-26',
    weekly: { fri: [hours('09:00', '10:00')], mon: [hours('09:00', '10:00')] },
  });
  expect(windows).toEqual([
    '2026-10-23T09:00:00+02:00/2026-10-23T10:00:00+02:00',
    '2026-10-26T09:00:00+01:00/2026-10-26T10:00:00+01:00',
  ]);
});

test('the time 24:00 is the end of the date', () => {
  expect(of({ weekly: { mon: [hours('00:00', '24:00')] } })).toEqual([
    '2026-11-16T00:00:00+01:00/2026-11-17T00:00:00+01:00',
  ]);
});

test('a window is valid from its first to its last valid date', () => {
  const daily = { ...hours('09:00', '10:00'), validFrom: '2026-11-17', validTo: '2026-11-18' };
  const weekly = { mon: [daily], tue: [daily], wed: [daily], thu: [daily] };
  expect(of({ weekly }).map((text) => text.slice(0, 10))).toEqual(['2026-11-17', '2026-11-18']);
});

test('an exception replaces the weekly windows of its date', () => {
  const weekly = { mon: [hours('09:00', '10:00')], tue: [hours('09:00', '10:00')] };
  const exceptions = [
    { date: '2026-11-16', windows: [] },
    { date: '2026-11-18', windows: [hours('11:00', '12:00')] },
    { date: '2030-01-01', windows: [hours('11:00', '12:00')] },
  ];
  expect(of({ weekly, exceptions })).toEqual([
    '2026-11-17T09:00:00+01:00/2026-11-17T10:00:00+01:00',
    '2026-11-18T11:00:00+01:00/2026-11-18T12:00:00+01:00',
  ]);
});

describe('weeklyWindows on a day with a skipped hour', () => {
  const sunday = { from: '2026-03-29', to: '2026-03-29' };

  test('a time in that hour moves forward', () => {
    expect(of({ ...sunday, weekly: { sun: [hours('02:30', '05:00')] } })).toEqual([
      '2026-03-29T03:30:00+02:00/2026-03-29T05:00:00+02:00',
    ]);
  });

  test('a window without remaining time is omitted', () => {
    expect(of({ ...sunday, weekly: { sun: [hours('02:30', '03:30')] } })).toEqual([]);
  });
});

test('a date that the zone skipped has no windows', () => {
  const daily = [hours('09:00', '10:00')];
  const windows = of({
    timeZone: 'Pacific/Apia',
    from: '2011-12-29',
    to: '2011-12-31',
    weekly: { thu: daily, fri: daily, sat: daily },
  });
  expect(windows.map((text) => text.slice(0, 10))).toEqual(['2011-12-29', '2011-12-31']);
});

test('windows have their services and insurance terms and are valid input of computeSlotConfigs', () => {
  const insurance = { accepted: 'with-insurance-only', providers: ['5'] } as const;
  const windows = weeklyWindows({ ...week, weekly: { mon: [{ ...hours('09:00', '10:00'), insurance }] } });
  expect(windows).toEqual([
    { start: '2026-11-16T09:00:00+01:00', end: '2026-11-16T10:00:00+01:00', services, insurance },
  ]);
  expect(computeSlotConfigs({ timeZone: week.timeZone, windows })[0]?.slots).toHaveLength(1);
});

const weeklyOf = (change: object) => ({ weekly: { mon: [{ ...hours('09:00', '10:00'), ...change }] } });
const anything: (input: never) => unknown = weeklyWindows;

test.each<readonly [path: string, change: object]>([
  ['timeZone', { timeZone: 'Warsaw' }],
  ['from', { from: '2026-11-31' }],
  ['to', { to: '2026-11-15' }],
  ['to', { to: '2027-11-17' }],
  ['weekly', { weekly: undefined }],
  ['weekly', { weekly: { monday: [] } }],
  ['weekly.mon', { weekly: { mon: {} } }],
  ['weekly.mon[0]', { weekly: { mon: ['09:00'] } }],
  ['weekly.mon[0].start', weeklyOf({ start: '9:00' })],
  ['weekly.mon[0].start', weeklyOf({ start: '24:00', end: '24:00' })],
  ['weekly.mon[0].end', weeklyOf({ end: '24:01' })],
  ['weekly.mon[0].end', weeklyOf({ end: '09:00' })],
  ['weekly.mon[0].services', weeklyOf({ services: [] })],
  ['weekly.mon[0].services[0].duration', weeklyOf({ services: [{ id: '1', duration: 0 }] })],
  ['weekly.mon[0].insurance.accepted', weeklyOf({ insurance: {} })],
  ['weekly.mon[0].validFrom', weeklyOf({ validFrom: 'monday' })],
  ['weekly.mon[0].validTo', weeklyOf({ validFrom: '2026-11-17', validTo: '2026-11-16' })],
  ['exceptions', { exceptions: {} }],
  ['exceptions[0].date', { exceptions: [{ windows: [] }] }],
  ['exceptions[0].windows', { exceptions: [{ date: '2026-11-16' }] }],
  ['exceptions[1].date', { exceptions: [1, 2].map(() => ({ date: '2026-11-16', windows: [] })) }],
])('weeklyWindows throws an error at %s (case %#)', (path, change) => {
  const input = { ...week, ...change } as never;
  expect(() => anything(input)).toThrow(InvalidScheduleError);
  expect(() => anything(input)).toThrow(expect.objectContaining({ path }));
});
