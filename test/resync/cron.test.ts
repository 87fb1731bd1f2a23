import { describe, expect, test } from '@jest/globals';
import { fileSchema } from '../../src/config/schema.js';
import { validate } from '../../src/lib/validation.js';
import { isCron, isDue, lastTime, turnMs } from '../../src/resync/cron.js';

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
    expect(lastTime(NIGHTLY, ZONE, at('2026-07-02T10:00:00Z'))).toBe(at('2026-07-02T01:00:00Z'));
    expect(lastTime(NIGHTLY, ZONE, at('2026-12-02T10:00:00Z'))).toBe(at('2026-12-02T02:00:00Z'));
    expect(lastTime(NIGHTLY, 'UTC+5', at('2026-12-02T10:00:00Z'))).toBe(at('2026-12-01T22:00:00Z'));
  });
});

describe('a time', () => {
  const due = (last: string, now: string, cron = NIGHTLY) => isDue(cron, ZONE, at(last), at(now));

  test('without a run since is due', () => {
    expect(due('2026-12-01T02:00:05Z', '2026-12-02T02:00:01Z')).toBe(true);
    expect(due('2026-12-01T02:00:05Z', '2026-12-02T09:00:00Z')).toBe(true);
  });

  test('that had its run is not', () => {
    expect(due('2026-12-02T02:00:05Z', '2026-12-02T09:00:00Z')).toBe(false);
    expect(due('2026-12-02T02:40:00Z', '2026-12-03T01:58:00Z')).toBe(false);
  });

  test('is met also where the clocks of two machines are seconds apart', () => {
    expect(due('2026-12-01T02:00:05Z', '2026-12-02T01:59:57Z')).toBe(true);
    expect(due('2026-12-02T01:59:57Z', '2026-12-02T02:00:01Z')).toBe(false);
    expect(due('2026-12-02T01:59:57Z', '2026-12-02T09:00:00Z')).toBe(false);
  });

  test('of every minute is due every minute', () => {
    expect(due('2026-12-02T02:00:01Z', '2026-12-02T02:00:05Z', '* * * * *')).toBe(false);
    expect(due('2026-12-02T02:00:01Z', '2026-12-02T02:01:00Z', '* * * * *')).toBe(true);
  });
});

test("an account's turn is always the same, within the spread, and spread over it", () => {
  const turns = Array.from({ length: 100 }, (_, n) => turnMs(`account-${n}`, 60_000));
  expect(turns).toEqual(Array.from({ length: 100 }, (_, n) => turnMs(`account-${n}`, 60_000)));
  expect(Math.min(...turns)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...turns)).toBeLessThan(60_000);
  for (const quarter of [0, 1, 2, 3]) {
    const within = turns.filter((turn) => Math.floor(turn / 15_000) === quarter);
    expect(within.length).toBeGreaterThan(10);
  }
  expect(turnMs('account-1', 0)).toBe(0);
});
