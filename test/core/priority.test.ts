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

describe('the priority of a change', () => {
  test('that closes something now is the most there is', () => {
    expect(closing(0)).toBe(1);
    expect(closing(-5 * MINUTE)).toBe(1);
  });

  test('is more for any closing than for any opening', () => {
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

  test('is that of the closing where something also opened', () => {
    expect(priority({ closed: [span(3 * DAY)], opened: [span(0)], now })).toBe(closing(3 * DAY));
  });

  test('is more the nearer it is, to the minute this week and to the hour later', () => {
    expect(closing(MINUTE)).toBeLessThan(closing(2 * MINUTE));
    expect(closing(6 * DAY)).toBeLessThan(closing(6 * DAY + MINUTE));
    expect(closing(30 * DAY)).toBe(closing(30 * DAY + MINUTE));
    expect(closing(30 * DAY)).toBeLessThan(closing(30 * DAY + HOUR));
    expect(opening(DAY)).toBeLessThan(opening(2 * DAY));
  });

  test('never grows with the distance', () => {
    const when = fc.integer({ min: 0, max: 100 * DAY });
    fc.assert(
      fc.property(when, when, (a, b) => {
        expect(closing(Math.min(a, b))).toBeLessThanOrEqual(closing(Math.max(a, b)));
      }),
    );
  });

  test('is that of its nearest interval', () => {
    expect(closing(5 * DAY, HOUR, 2 * DAY)).toBe(closing(HOUR));
  });

  test('beyond the horizon of 12 weeks is all the same, and so is the past', () => {
    expect(closing(85 * DAY)).toBe(closing(300 * DAY));
    expect(closing(83 * DAY)).toBeLessThan(closing(85 * DAY));
    expect(closing(-DAY)).toBe(closing(300 * DAY));
    expect(closing(-DAY, HOUR)).toBe(closing(HOUR));
  });

  test('of which nothing is known, or by which nothing changed, is the least there is', () => {
    expect(priority({ closed: [], opened: [], now })).toBe(LOWEST_PRIORITY);
    expect(priority({ closed: [], opened: [], now, resync: true })).toBe(LOWEST_PRIORITY);
  });

  test('is always a whole number that BullMQ takes as a priority', () => {
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
