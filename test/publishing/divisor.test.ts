// Addresses that cut periods with services of different durations by their greatest common divisor.
import { describe, expect, test } from '@jest/globals';
import type { Strategy } from '../../src/db/schema.js';
import { getAddressBehavior } from '../../src/db/tables/address-behavior.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { availabilityOf } from '../../src/notifications/availability-check.js';
import { resync } from '../resync/resync-fixture.js';
import { addressOf, Desk } from '../support/clinic-fixture.js';

const services = [
  { id: 'long', duration: 60 },
  { id: 'short', duration: 20 },
];
const ADDRESS = addressOf('nowak');

/** Open from 10:00 to 12:00 for visits of 60 and of 20 minutes. */
async function opened(
  strategy: Strategy = 'slots',
  cutting: 'duration' | 'divisor' = 'divisor',
): Promise<Desk> {
  const desk = await Desk.open({ still: true, strategy });
  desk.sandbox.setCutting(ADDRESS, cutting);
  await openDay(desk, desk.date);
  await desk.rest();
  return desk;
}

async function openDay(desk: Desk, date: string): Promise<void> {
  const windows = [{ start: `${date}T10:00:00`, end: `${date}T12:00:00`, services }];
  await desk.say({ type: 'available', calendar: 'nowak', from: date, to: date, windows });
}

const dayOf = async (desk: Desk, date = desk.date) => (await desk.engine.days('nowak', date, date))?.[0];
const cutOf = async (desk: Desk) => (await getAddressBehavior(desk.engine.db, 'nowak')).cut;
const startsOf = (desk: Desk, service: string) =>
  desk.sandbox
    .patientView(ADDRESS, desk.at('00:00'), desk.at('23:59'))
    .filter((one) => one.services.includes(service))
    .map(({ start }) => start.slice(11, 16));
const puts = (desk: Desk) => desk.requests('replaceSlots').length;

describe('an address that cuts by the greatest common divisor', () => {
  test.each(['slots', 'breaks', 'book'] as const)('is in sync with the strategy %s', async (strategy) => {
    const desk = await opened(strategy);
    expect(startsOf(desk, 'long')).toEqual(['10:00', '10:20', '10:40', '11:00']);
    expect(await dayOf(desk)).toMatchObject({ state: 'in-sync', error: null });
    expect([puts(desk), await cutOf(desk)]).toEqual([1, 'divisor']);
    await desk.book('apt-1', '10:20', '10:40');
    await desk.rest();
    expect(await dayOf(desk)).toMatchObject({ state: 'in-sync', error: null });
    expect(startsOf(desk, 'long')).toEqual(['10:40', '11:00']);
    expect(startsOf(desk, 'short')).toEqual(['10:00', '10:40', '11:00', '11:20', '11:40']);
    expect(puts(desk)).toBe(strategy === 'slots' ? 2 : 1);
    const report = await resync(desk);
    expect(report).toMatchObject({ differences: { missing: 0, extra: 0, stale: 0 }, writes: 0 });
  });

  test('books an appointment where only the divisor has a start, once that is known', async () => {
    const desk = await opened('book');
    await desk.say({
      type: 'occupied',
      calendar: 'nowak',
      ref: 'apt-1',
      start: desk.at('10:20'),
      end: desk.at('11:20'),
      service: 'long',
    });
    await desk.rest();
    const booked = desk.sandbox
      .bookings(ADDRESS)
      .map(({ start_at: start, address_service: { id } }) => `${start.slice(11, 16)} ${id}`);
    expect(booked).toEqual(['10:20 long']);
    expect(desk.sandbox.breaks(ADDRESS)).toEqual([]);
    expect(await dayOf(desk)).toMatchObject({ state: 'in-sync' });
  });

  test('is found to cut otherwise now, without a write', async () => {
    const desk = await opened('slots', 'duration');
    expect(await cutOf(desk)).toBe('duration');
    desk.sandbox.setCutting(ADDRESS, 'divisor');
    await openDay(desk, desk.dateAfter(1));
    await desk.rest();
    expect(await dayOf(desk, desk.dateAfter(1))).toMatchObject({ state: 'in-sync', error: null });
    expect([puts(desk), await cutOf(desk)]).toEqual([2, 'divisor']);
    const report = await resync(desk);
    expect(report).toMatchObject({ differences: { missing: 0, extra: 0 }, writes: 0 });
  });

  test('is found to cut otherwise by a resync', async () => {
    const desk = await opened('slots', 'duration');
    desk.sandbox.setCutting(ADDRESS, 'divisor');
    const report = await resync(desk);
    expect(report).toMatchObject({ differences: { missing: 0, extra: 0 }, writes: 0 });
    expect(await cutOf(desk)).toBe('divisor');
  });

  test('is unknown again when the calendar is at another address', async () => {
    const desk = await opened();
    const calendar = { id: 'nowak', account: 'many', ...addressOf('kowalski'), strategy: 'slots' } as const;
    await putCalendar(desk.engine.db, calendar, new Date());
    expect(await cutOf(desk)).toBeUndefined();
  });
});

test('a question about a start of either cut is answered yes, where the visit is free', () => {
  const [open, shut] = [Date.parse('2026-11-16T10:00:00Z'), Date.parse('2026-11-16T12:00:00Z')];
  const offers = [{ start: open, end: shut, services }];
  const visit = (minutes: number) => ({
    start: open + minutes * 60_000,
    end: open + (minutes + 60) * 60_000,
  });
  expect([0, 20, 40, 60, 80].map((minutes) => availabilityOf(visit(minutes), 'long', offers, []))).toEqual([
    'free',
    'free',
    'free',
    'free',
    'not-offered',
  ]);
});
