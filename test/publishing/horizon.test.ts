import { describe, expect, test } from '@jest/globals';
import { backoffMs, FIREWALL, RETRY } from '../../src/lib/backoff.js';
import { horizonOf } from '../../src/publishing/horizon.js';

describe('the horizon', () => {
  test.each([
    ['Europe/Warsaw', '2026-11-16T08:00:00+01:00', '2026-11-16', '2027-02-07'],
    ['Europe/Warsaw', '2026-11-16T23:30:00+01:00', '2026-11-16', '2027-02-07'],
    ['Europe/Warsaw', '2026-11-17T00:00:00+01:00', '2026-11-17', '2027-02-08'],
    ['America/Santiago', '2026-11-17T02:00:00+01:00', '2026-11-16', '2027-02-07'],
  ])('in %s at %s is from %s to %s, the last date that lies whole within 12 weeks', (zone, now, from, to) => {
    expect(horizonOf(zone, Date.parse(now))).toEqual({ from, to });
  });

  test('shrinks by a date where a clock change within it makes the last date end too late', () => {
    expect(horizonOf('Europe/Warsaw', Date.parse('2026-09-01T00:30:00+02:00')).to).toBe('2026-11-22');
    expect(horizonOf('Europe/Warsaw', Date.parse('2026-09-01T01:30:00+02:00')).to).toBe('2026-11-23');
  });
});

describe('the backoff', () => {
  test('doubles, is capped, and spreads over half of itself', () => {
    const whole = [1, 2, 3, 4, 9, 10, 99].map((attempt) => backoffMs(RETRY, attempt, 1));
    expect(whole).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000]);
    expect(backoffMs(RETRY, 3, 0)).toBe(2_000);
    expect(backoffMs(FIREWALL, 1, 1)).toBe(60_000);
  });
});
