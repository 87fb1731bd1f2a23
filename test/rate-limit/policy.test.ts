// What of an account's limits each kind of work may have.
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import {
  COMPARISON_PRIORITY,
  LOWEST_PRIORITY,
  priority,
  VERIFICATION_PRIORITY,
} from '../../src/core/index.js';
import type { Limits } from '../../src/db/tables/accounts.js';
import { comparisonSpacingMs, windowsFor } from '../../src/rate-limit/policy.js';

const limits: Limits = { writesPerMinute: 40, writesPerHour: 2_400, requestsPerHour: 8_000 };
const abroad = { ...limits, requestsPerFiveMinutes: 500 };
const NOW = 0;
const span = [{ start: 3_600_000, end: 7_200_000 }];
const closing = priority({ closed: span, opened: [], now: NOW });
const opening = priority({ closed: [], opened: span, now: NOW });
const found = priority({ closed: [], opened: span, now: NOW, resync: true });
/** `40 writes in 1`: in so many minutes. */
const shares = (write: boolean, value: number, given = limits) =>
  windowsFor(given, { write, priority: value }).map(
    ({ of, limit, perMs }) => `${limit} ${of} in ${perMs / 60_000}`,
  );
const readLimits = (value: number, given: Limits) =>
  windowsFor(given, { write: false, priority: value })
    .filter(({ of }) => of === 'reads')
    .map(({ limit }) => limit);

describe('the writes of an account', () => {
  test('are all there for time that closed', () => {
    expect(shares(true, closing)).toEqual(['40 writes in 1', '2400 writes in 60', '8000 requests in 60']);
  });

  test('leave a quarter to it, for everything else', () => {
    for (const value of [opening, found, LOWEST_PRIORITY]) {
      expect(shares(true, value)).toEqual(['30 writes in 1', '1800 writes in 60', '8000 requests in 60']);
    }
  });

  test('have one for asking that failed pushes are sent again, whatever is opened', () => {
    expect(shares(true, VERIFICATION_PRIORITY)).toEqual(shares(true, closing));
  });
});

describe('the readings of an account', () => {
  test('leave to the writes what they may need', () => {
    expect(shares(false, VERIFICATION_PRIORITY, abroad)).toEqual([
      '300 reads in 5',
      '5600 reads in 60',
      '500 requests in 5',
      '8000 requests in 60',
    ]);
  });

  test("are the day's but for what is kept for hearing, and a resync has three quarters of them", () => {
    for (const value of [closing, opening, LOWEST_PRIORITY]) {
      expect(readLimits(value, abroad)).toEqual([262, 4_900]);
    }
    for (const value of [found, COMPARISON_PRIORITY]) expect(readLimits(value, abroad)).toEqual([225, 4_200]);
  });

  test('are as many turns with breaks and with book as docs/strategies.md says', async () => {
    const [left = 0] = readLimits(closing, limits);
    const counts = [left, left / 2, left / 3].map((count) => Math.floor(count).toLocaleString('en'));
    const text = (await readFile(new URL('../../docs/strategies.md', import.meta.url), 'utf8')).replace(
      /\s+/g,
      ' ',
    );
    const [all, breaks, book] = counts;
    expect(text).toContain(`of these ${all} for publishing`);
    expect(text).toContain(`That is ${breaks} turns of calendars with \`breaks\`, ${book} with \`book\``);
  });

  test('are half of a limit that is smaller than what may be written', () => {
    const given = { ...limits, requestsPerFiveMinutes: 200 };
    expect(shares(false, VERIFICATION_PRIORITY, given)).toContain('100 reads in 5');
    expect(readLimits(closing, given)[0]).toBe(87);
    expect(readLimits(COMPARISON_PRIORITY, given)[0]).toBe(75);
  });

  test('are enough for one comparison, however few they are, as far as there are so many requests', () => {
    expect(readLimits(COMPARISON_PRIORITY, { ...limits, requestsPerFiveMinutes: 5 })[0]).toBe(3);
    const tiny = { writesPerMinute: 1, writesPerHour: 1, requestsPerHour: 1 };
    expect(shares(false, opening, tiny)).toEqual(['1 reads in 60', '1 requests in 60']);
    expect(shares(true, opening, tiny)).toEqual(['1 writes in 1', '1 writes in 60', '1 requests in 60']);
  });

  test('of comparisons fit where the comparisons are four seconds apart', () => {
    expect(comparisonSpacingMs(abroad)).toBe(4_000);
  });
});
