import { describe, expect, test } from '@jest/globals';
import { LEAST_URGENT, urgency } from '../../src/core/index.js';
import type { Limits } from '../../src/store/accounts.js';
import { windowsFor } from '../../src/sync/budget.js';

const limits: Limits = { writesPerMinute: 40, writesPerHour: 2_400, requestsPerHour: 8_000 };
const NOW = 0;
const span = [{ start: 3_600_000, end: 7_200_000 }];
const closing = urgency({ closed: span, opened: [], now: NOW });
const opening = urgency({ closed: [], opened: span, now: NOW });
const per = (write: boolean, value: number, given = limits) =>
  windowsFor(given, { write, urgency: value }).map(({ limit, perMs, writesOnly }) => [
    limit,
    perMs / 60_000,
    writesOnly,
  ]);

describe('the budget of an account', () => {
  test('is all there for time that closed', () => {
    expect(per(true, closing)).toEqual([
      [40, 1, true],
      [2_400, 60, true],
      [8_000, 60, false],
    ]);
  });

  test('leaves a quarter of the writes to it, for everything else', () => {
    expect(per(true, opening)).toEqual([
      [30, 1, true],
      [1_800, 60, true],
      [8_000, 60, false],
    ]);
  });

  test('leaves to the writes what they may need, when something is read', () => {
    expect(per(false, closing)).toEqual([[5_600, 60, false]]);
  });

  test('leaves a quarter of the readings to the day, when a resync reads', () => {
    expect(per(false, LEAST_URGENT)).toEqual([[4_200, 60, false]]);
  });

  test('in five minutes holds for everything, and readings leave to the writes what they may need there, too', () => {
    const given = { ...limits, requestsPerFiveMinutes: 500 };
    expect(per(true, closing, given)).toContainEqual([500, 5, false]);
    expect(per(false, closing, given)).toEqual([
      [300, 5, false],
      [5_600, 60, false],
    ]);
    expect(per(false, LEAST_URGENT, given)).toEqual([
      [225, 5, false],
      [4_200, 60, false],
    ]);
    expect(per(false, LEAST_URGENT, { ...given, requestsPerFiveMinutes: 100 })[0]).toEqual([1, 5, false]);
  });

  test('always allows one request, however small it is', () => {
    const tiny = { writesPerMinute: 1, writesPerHour: 1, requestsPerHour: 1 };
    expect(per(true, opening, tiny).map(([limit]) => limit)).toEqual([1, 1, 1]);
    expect(per(false, opening, tiny).map(([limit]) => limit)).toEqual([1]);
  });
});
