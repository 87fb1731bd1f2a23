/**
 * Tests civil time against luxon in every zone that the JavaScript engine supports, on single days and around each clock
 * change.
 */
import { describe, expect, test } from '@jest/globals';
import { DateTime, IANAZone } from 'luxon';
import {
  addDays,
  datesOf,
  InvalidScheduleError,
  isDate,
  isTimeZone,
  localDate,
  parseInstant,
  startOfDate,
  toIso,
} from '../../src/core/index.js';
import { isLong } from '../support/long.js';
import { clockChanges } from './cases.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

const zones = Intl.supportedValuesOf('timeZone');

/** Years with unusual clock changes, and the near future. */
const years = isLong ? [1987, 1995, 2010, 2011, 2018, 2026, 2027] : [2011, 2026];

/** Finds the clock changes of a zone by comparing luxon's offsets week by week and then by binary search. */
function changesOf(timeZone: string, year: number): number[] {
  const zone = IANAZone.create(timeZone);
  const changes: number[] = [];
  for (let ms = Date.UTC(year, 0); ms < Date.UTC(year + 1, 0); ms += WEEK) {
    let [low, high] = [ms, ms + WEEK];
    const old = zone.offset(low);
    if (old === zone.offset(high)) continue;
    while (high - low > 1000) {
      const middle = Math.round((low + high) / 2000) * 1000;
      if (zone.offset(middle) === old) low = middle;
      else high = middle;
    }
    changes.push(high);
  }
  return changes;
}

test(`each of ${zones.length} zones has the same civil time as in luxon around each clock change`, () => {
  const wrong: string[] = [];
  let changes = 0;
  for (const timeZone of zones) {
    for (const year of years) {
      for (const change of changesOf(timeZone, year)) {
        changes++;
        for (const minutes of [-1500, -61, -1, 0, 1, 29, 60, 1500]) {
          const ms = change + minutes * MINUTE;
          const time = DateTime.fromMillis(ms, { zone: timeZone });
          const expected = time.toISO({ suppressMilliseconds: true })?.replace('Z', '+00:00');
          if (toIso(ms, timeZone) !== expected) wrong.push(`${expected} ${timeZone}`);
          if (localDate(ms, timeZone) !== expected?.slice(0, 10))
            wrong.push(`date of ${expected} ${timeZone}`);
        }
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(changes).toBeGreaterThan(150 * years.length);
}, 240_000);

test('a wall-clock time in each zone has the same instant as in luxon', () => {
  const wrong: string[] = [];
  for (const timeZone of zones) {
    for (let day = 0; day < 10; day++) {
      const wall = new Date(Date.UTC(2026, 0, 1, 11, 23) + day * 37 * DAY).toISOString().slice(0, 16);
      const expected = DateTime.fromISO(wall, { zone: timeZone }).toMillis();
      if (parseInstant(wall, timeZone, 'start') !== expected) wrong.push(`${wall} ${timeZone}`);
    }
  }
  expect(wrong).toEqual([]);
}, 240_000);

test('a date in each zone begins when the clock first shows it', () => {
  const wrong: string[] = [];
  for (const timeZone of zones) {
    for (const year of isLong ? [2010, 2026] : [2026]) {
      for (const change of changesOf(timeZone, year)) {
        for (const day of [-1, 0, 1]) {
          const date = localDate(change + day * DAY, timeZone);
          const start = startOfDate(date, timeZone);
          if (localDate(start, timeZone) !== date) wrong.push(`${date} ${timeZone} is not begun`);
          if (localDate(start - 1, timeZone) >= date) wrong.push(`${date} ${timeZone} had begun`);
        }
      }
    }
  }
  expect(wrong).toEqual([]);
}, 240_000);

test.each(clockChanges)('%s changes its clock at %s: %s', (timeZone, at) => {
  const ms = Date.parse(at);
  const [before, after] = [ms - 1, ms].map(
    (instant) => DateTime.fromMillis(instant, { zone: timeZone }).offset,
  );
  expect(before).not.toBe(after);
  expect(toIso(ms, timeZone).slice(-6)).not.toBe(toIso(ms - MINUTE, timeZone).slice(-6));
});

describe('a date', () => {
  test.each([
    ['Europe/Warsaw', '2026-11-16', '2026-11-16T00:00:00+01:00'],
    ['America/Santiago', '2026-09-06', '2026-09-06T01:00:00-03:00'],
    ['Africa/Cairo', '2026-04-24', '2026-04-24T01:00:00+03:00'],
    ['Pacific/Apia', '2011-12-31', '2011-12-31T00:00:00+14:00'],
    ['UTC-03:30', '2026-01-01', '2026-01-01T00:00:00-03:30'],
  ])('in %s, %s begins at %s', (timeZone, date, start) => {
    expect(toIso(startOfDate(date, timeZone), timeZone)).toBe(start);
  });

  test('a date that a zone skipped has the start of the next date', () => {
    expect(startOfDate('2011-12-30', 'Pacific/Apia')).toBe(startOfDate('2011-12-31', 'Pacific/Apia'));
  });

  test.each([
    ['2026-03-29', 1, '2026-03-30'],
    ['2026-03-01', -1, '2026-02-28'],
    ['2028-02-28', 1, '2028-02-29'],
    ['2100-02-28', 1, '2100-03-01'],
    ['2026-12-31', 366, '2028-01-01'],
    ['2026-11-16', 0, '2026-11-16'],
  ])('%s plus %i days is %s', (date, n, expected) => {
    expect(addDays(date, n)).toBe(expected);
  });

  test('each date of 400 years is the successor of the previous date', () => {
    const wrong: string[] = [];
    let date = '1970-01-01';
    for (let day = 0; day < 146_097; day++) {
      const expected = new Date(day * DAY).toISOString().slice(0, 10);
      if (date !== expected || !isDate(date)) wrong.push(date);
      date = addDays(date, 1);
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '2026-1-1',
    '20260101',
    '2026-01-01T00:00',
    '',
    7,
    null,
  ])('%p is not a date', (value) => {
    expect(isDate(value)).toBe(false);
  });
});

describe('datesOf', () => {
  const dates = (start: string, end: string, timeZone = 'Europe/Warsaw') =>
    datesOf({ start: Date.parse(start), end: Date.parse(end) }, timeZone);

  test('an interval has the dates that it touches', () => {
    expect(dates('2026-11-16T10:00+01:00', '2026-11-16T11:00+01:00')).toEqual(['2026-11-16']);
    expect(dates('2026-11-16T23:00+01:00', '2026-11-18T00:01+01:00')).toEqual([
      '2026-11-16',
      '2026-11-17',
      '2026-11-18',
    ]);
  });

  test('an interval does not touch the date that begins at its end', () => {
    expect(dates('2026-11-16T10:00+01:00', '2026-11-17T00:00+01:00')).toEqual(['2026-11-16']);
  });

  test('an interval does not touch a date that the zone skipped', () => {
    expect(dates('2011-12-29T10:00Z', '2011-12-31T00:00Z', 'Pacific/Apia')).toEqual([
      '2011-12-29',
      '2011-12-31',
    ]);
  });

  test('an empty interval has no dates', () => {
    expect(dates('2026-11-16T10:00Z', '2026-11-16T10:00Z')).toEqual([]);
  });
});

describe('an instant', () => {
  test('the text of an instant has seconds and an offset, never Z', () => {
    expect(toIso(0, 'UTC')).toBe('1970-01-01T00:00:00+00:00');
    expect(toIso(61_999, 'UTC+2')).toBe('1970-01-01T02:01:01+02:00');
    expect(toIso(0, 'America/New_York')).toBe('1969-12-31T19:00:00-05:00');
  });

  test('a repeated wall-clock time is its first occurrence', () => {
    expect(parseInstant('2026-10-25T02:30', 'Europe/Warsaw', 'start')).toBe(
      Date.parse('2026-10-25T02:30+02:00'),
    );
    expect(parseInstant('20261025T023000', 'Europe/Warsaw', 'start')).toBe(
      Date.parse('2026-10-25T02:30+02:00'),
    );
  });

  test('a skipped wall-clock time moves forward', () => {
    expect(toIso(parseInstant('2026-03-29T02:30', 'Europe/Warsaw', 'start'), 'Europe/Warsaw')).toBe(
      '2026-03-29T03:30:00+02:00',
    );
    expect(toIso(parseInstant('2026-09-06T00:00', 'America/Santiago', 'start'), 'America/Santiago')).toBe(
      '2026-09-06T01:00:00-03:00',
    );
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('%p has no text', (ms) => {
    expect(() => toIso(ms, 'UTC')).toThrow(InvalidScheduleError);
    expect(() => localDate(ms, 'UTC')).toThrow(InvalidScheduleError);
    expect(() => datesOf({ start: 0, end: ms }, 'UTC')).toThrow(InvalidScheduleError);
  });
});

test.each(['Europe/Warsaw', 'europe/warsaw', 'UTC', 'utc+2', 'UTC-03:30', 'Etc/GMT-14', 'EST5EDT'])(
  '%s is a zone',
  (name) => {
    expect(isTimeZone(name)).toBe(true);
  },
);

test.each(['Warsaw', 'local', 'system', '+02:00', 'UTC+24', 'UTC+2:5', '', undefined, 2])(
  '%p is not a zone',
  (name) => {
    expect(isTimeZone(name)).toBe(false);
  },
);
