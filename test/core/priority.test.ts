import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LOWEST_PRIORITY, priority } from '../../src/core/index.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const now = Date.parse('2026-11-16T09:00Z');
const span = (after: number, length = 10 * MINUTE) => ({ start: now + after, end: now + after + length });

const closing = (...after: number[]) => priority({ closed: after.map((ms) => span(ms)), opened: [], now });
const opening = (...after: number[]) => priority({ closed: [], opened: after.map((ms) => span(ms)), now });

describe('priority', () => {
  test('a change that closes current time has the highest priority', () => {
    expect(closing(0)).toBe(1);
    expect(closing(-5 * MINUTE)).toBe(1);
  });

  test('every closing change precedes every opening change, and both precede a resync', () => {
    const when = fc.integer({ min: -400 * DAY, max: 400 * DAY });
    fc.assert(
      fc.property(when, when, (closed, opened) => {
        expect(closing(closed)).toBeLessThan(opening(opened));
        expect(opening(opened)).toBeLessThan(
          priority({ closed: [span(closed)], opened: [], now, resync: true }),
        );
      }),
    );
  });

  test('a change that closes and opens time has the priority of the closed time', () => {
    expect(priority({ closed: [span(3 * DAY)], opened: [span(0)], now })).toBe(closing(3 * DAY));
  });

  test('nearer time precedes later time, by minutes in the first week and by hours after it', () => {
    expect(closing(MINUTE)).toBeLessThan(closing(2 * MINUTE));
    expect(closing(6 * DAY)).toBeLessThan(closing(6 * DAY + MINUTE));
    expect(closing(30 * DAY)).toBe(closing(30 * DAY + MINUTE));
    expect(closing(30 * DAY)).toBeLessThan(closing(30 * DAY + HOUR));
    expect(opening(DAY)).toBeLessThan(opening(2 * DAY));
  });

  test('the priority never rises with the distance', () => {
    const when = fc.integer({ min: 0, max: 100 * DAY });
    fc.assert(
      fc.property(when, when, (a, b) => {
        expect(closing(Math.min(a, b))).toBeLessThanOrEqual(closing(Math.max(a, b)));
      }),
    );
  });

  test('a change has the priority of its nearest interval', () => {
    expect(closing(5 * DAY, HOUR, 2 * DAY)).toBe(closing(HOUR));
  });

  test('all times beyond the horizon of 12 weeks and in the past have the same priority', () => {
    expect(closing(85 * DAY)).toBe(closing(300 * DAY));
    expect(closing(83 * DAY)).toBeLessThan(closing(85 * DAY));
    expect(closing(-DAY)).toBe(closing(300 * DAY));
    expect(closing(-DAY, HOUR)).toBe(closing(HOUR));
  });

  test('a change without closed or opened time has the lowest priority', () => {
    expect(priority({ closed: [], opened: [], now })).toBe(LOWEST_PRIORITY);
    expect(priority({ closed: [], opened: [], now, resync: true })).toBe(LOWEST_PRIORITY);
  });

  test('the priority is always a whole number that BullMQ accepts', () => {
    const ms = fc.double({ noNaN: true });
    const spans = fc.array(fc.record({ start: ms, end: ms }));
    fc.assert(
      fc.property(spans, spans, fc.integer(), fc.boolean(), (closed, opened, at, resync) => {
        const value = priority({ closed, opened, now: at, resync });
        expect(Number.isInteger(value) && value >= 1 && value <= 2_097_151).toBe(true);
      }),
    );
  });
});
