import { describe, expect, test } from '@jest/globals';
import { fileSchema } from '../../src/config/schema.js';
import { validate } from '../../src/lib/validation.js';
import { isCron, nextTime, offsetMsOf } from '../../src/resync/cron.js';

const at = (text: string): number => Date.parse(text);
const ZONE = 'Europe/Warsaw';
const NIGHTLY = '0 3 * * *';

describe('a cron expression', () => {
  test.each(['0 3 * * *', '30 0 3 * * *', '0 3 * * THU', '*/15 2-4 * MAR 1,3'])('%s can be read', (text) => {
    expect(isCron(text)).toBe(true);
  });

  test.each([
    ['nothing', ''],
    ['too little', '0 3'],
    ['three fields', '* * *'],
    ['too much', '0 0 3 * * * *'],
    ['no numbers', 'at three in the night'],
    ['a day that never comes', '0 0 31 2 *'],
    ['another time whenever it is read', 'H 3 * * *'],
  ])('of %s cannot', (_, text) => {
    expect(isCron(text)).toBe(false);
  });

  test('that cannot be read is an error of the configuration, with its path', () => {
    const checked = validate(fileSchema, { resync: { cron: '0 3' } });
    expect(checked).toMatchObject({
      success: false,
      problems: [{ path: 'resync.cron', reason: 'is no cron expression such as 0 3 * * *' }],
    });
    expect(validate(fileSchema, { resync: { cron: NIGHTLY } })).toMatchObject({
      success: true,
      data: { resync: { cron: NIGHTLY, spreadMinutes: 60 } },
    });
  });

  test("is read in the account's zone, also one of a fixed offset", () => {
    const next = (zone: string, after: string) => nextTime(NIGHTLY, zone, 0, at(after));
    expect(next(ZONE, '2026-07-01T10:00:00Z')).toBe(at('2026-07-02T01:00:00Z'));
    expect(next(ZONE, '2026-12-01T10:00:00Z')).toBe(at('2026-12-02T02:00:00Z'));
    expect(next('UTC+5', '2026-12-01T10:00:00Z')).toBe(at('2026-12-01T22:00:00Z'));
  });
});

test('the next time is after the instant, and late by the offset', () => {
  const next = (offsetMinutes: number, after: string) =>
    nextTime(NIGHTLY, ZONE, offsetMinutes * 60_000, at(after));
  expect(next(0, '2026-12-02T01:59:59Z')).toBe(at('2026-12-02T02:00:00Z'));
  expect(next(0, '2026-12-02T02:00:00Z')).toBe(at('2026-12-03T02:00:00Z'));
  expect(next(40, '2026-12-02T02:00:00Z')).toBe(at('2026-12-02T02:40:00Z'));
  expect(next(40, '2026-12-02T02:40:00Z')).toBe(at('2026-12-03T02:40:00Z'));
});

test("an account's offset is always the same, within the spread, and spread over it", () => {
  const offsets = Array.from({ length: 100 }, (_, n) => offsetMsOf(`account-${n}`, 60_000));
  expect(offsets).toEqual(Array.from({ length: 100 }, (_, n) => offsetMsOf(`account-${n}`, 60_000)));
  expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...offsets)).toBeLessThan(60_000);
  for (const quarter of [0, 1, 2, 3]) {
    const within = offsets.filter((offset) => Math.floor(offset / 15_000) === quarter);
    expect(within.length).toBeGreaterThan(10);
  }
  expect(offsetMsOf('account-1', 0)).toBe(0);
});
