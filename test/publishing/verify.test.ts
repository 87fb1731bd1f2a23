import { describe, expect, test } from '@jest/globals';
import { busyTimeBy, differences, type Reading } from '../../src/publishing/diff-availability.js';
import { NOW, slot } from '../db/seed-rows.js';

const DAY = '2026-11-16';
const at = (clock: string) => `${DAY}T${clock}:00+01:00`;
const half = { ...slot, start: at('10:00'), end: at('10:30') };
const dateOf = (ms: number) => new Date(ms + 3_600_000).toISOString().slice(0, 10);
const found = (reading: Partial<Reading>, now = NOW.getTime(), slots = [half]) =>
  differences([{ date: DAY, slots }], { starts: [], busyTime: [], ...reading }, dateOf, now).map(
    ({ date, missing, extra }) => ({ date, missing: missing.map(clock), extra: extra.map(clock) }),
  );
const clock = ({ at: ms }: { at: number }) => new Date(ms + 3_600_000).toISOString().slice(11, 16);
const shown = (...clocks: string[]) =>
  clocks.map((one) => ({ start: at(one), services: ['123'] })) as Reading['starts'];

describe('the shown availability', () => {
  test('is equal where exactly the expected starts are shown', () => {
    expect(found({ starts: shown('10:00', '10:10', '10:20') })).toEqual([]);
  });

  test('differs by missing and extra starts', () => {
    expect(found({ starts: shown('10:00', '10:20', '10:30') })).toEqual([
      { date: DAY, missing: ['10:10'], extra: ['10:30'] },
    ]);
    expect(found({ starts: shown('09:00') }, NOW.getTime(), [])).toEqual([
      { date: DAY, missing: [], extra: ['09:00'] },
    ]);
  });

  test('misses no start that a booking or break of the marketplace blocks', () => {
    const busyTime = [{ start: Date.parse(at('10:05')), end: Date.parse(at('10:15')) }];
    expect(found({ starts: shown('10:20'), busyTime })).toEqual([]);
    expect(found({ starts: shown(), busyTime })).toEqual([{ date: DAY, missing: ['10:20'], extra: [] }]);
  });

  test('does not count in the past', () => {
    expect(found({ starts: shown('10:20') }, Date.parse(at('10:15')))).toEqual([]);
  });

  test('has a start per service, where the marketplace names services', () => {
    const other = [{ start: at('10:00'), services: ['999'] }] as Reading['starts'];
    const ten = [{ ...slot, start: at('10:00'), end: at('10:10') }];
    expect(found({ starts: other }, NOW.getTime(), ten)).toEqual([
      { date: DAY, missing: ['10:00'], extra: ['10:00'] },
    ]);
    const untold = [{ start: at('10:00') }] as Reading['starts'];
    expect(found({ starts: untold }, NOW.getTime(), ten)).toEqual([]);
  });

  test('is reduced by booked bookings, not by canceled ones', () => {
    const booking = (status: string) => ({ status, start_at: at('10:00'), end_at: at('10:10') });
    const list = [booking('booked'), booking('canceled')] as unknown as Parameters<typeof busyTimeBy>[0];
    expect(busyTimeBy(list, [])).toEqual([{ start: Date.parse(at('10:00')), end: Date.parse(at('10:10')) }]);
  });
});
