import { describe, expect, test } from '@jest/globals';
import { nextRetry, parseRetryAfter } from '../../src/delivery/retry-policy.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

describe('a delivery that failed', () => {
  const first = Date.parse('2026-11-09T08:00:00Z');
  const wait = (failedBefore: number, random: number, pauseMs?: number) =>
    (nextRetry({ failedBefore, first, now: first, random, pauseMs }) ?? 0) - first;

  test('is tried again after 5 s, doubling up to half an hour, with jitter downwards', () => {
    const longest = [0, 1, 2, 3, 8, 9, 50].map((failed) => wait(failed, 1) / SECOND);
    expect(longest).toEqual([5, 10, 20, 40, 1_280, 1_800, 1_800]);
    expect([0, 1, 9].map((failed) => wait(failed, 0) / SECOND)).toEqual([2.5, 5, 900]);
  });

  test('is tried again when the clinic asks for it, within a second and an hour', () => {
    expect(wait(3, 1, 7 * SECOND)).toBe(7 * SECOND);
    expect(wait(3, 1, 0)).toBe(SECOND);
    expect(wait(0, 1, 5 * HOUR)).toBe(HOUR);
  });

  test('is tried for the last time 72 hours after the first, and then no more', () => {
    const end = first + 72 * HOUR;
    const next = (now: number) => nextRetry({ failedBefore: 200, first, now, random: 1 });
    expect(next(end - MINUTE)).toBe(end);
    expect(next(end)).toBeUndefined();
    expect(next(end + HOUR)).toBeUndefined();
  });

  test.each([
    ['120', 120 * SECOND],
    [' 0 ', 0],
    ['Mon, 09 Nov 2026 08:05:00 GMT', 5 * MINUTE],
    ['Mon, 09 Nov 2026 07:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads Retry-After: %s', (value, expected) => {
    expect(parseRetryAfter(value, first)).toBe(expected);
  });
});
