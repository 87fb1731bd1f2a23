// Addresses that cut periods with services of different durations by their greatest common divisor.
import { describe, expect, test } from '@jest/globals';
import type { Strategy } from '../../src/db/schema.js';
import { getAddressBehavior } from '../../src/db/tables/address-behavior.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { availabilityOf } from '../../src/notifications/availability-check.js';
import { resync } from '../resync/resync-fixture.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';

const services = [
  { id: 'long', duration: 60 },
  { id: 'short', duration: 20 },
];
const ADDRESS = addressOf('nowak');

/** Open from 10:00 to 12:00 for visits of 60 and of 20 minutes. */
async function opened(
  strategy: Strategy = 'slots',
  cutting: 'duration' | 'divisor' = 'divisor',
): Promise<ClinicFixture> {
  const fixture = await ClinicFixture.open({ still: true, strategy });
  fixture.sandbox.setCutting(ADDRESS, cutting);
  await openDay(fixture, fixture.date);
  await fixture.untilAtRest();
  return fixture;
}

async function openDay(fixture: ClinicFixture, date: string): Promise<void> {
  const windows = [{ start: `${date}T10:00:00`, end: `${date}T12:00:00`, services }];
  await fixture.send({ type: 'available', calendar: 'nowak', from: date, to: date, windows });
}

const dayOf = async (fixture: ClinicFixture, date = fixture.date) =>
  (await fixture.engine.days('nowak', date, date))?.[0];
const cutOf = async (fixture: ClinicFixture) => (await getAddressBehavior(fixture.engine.db, 'nowak')).cut;
const startsOf = (fixture: ClinicFixture, service: string) =>
  fixture.sandbox
    .patientView(ADDRESS, fixture.at('00:00'), fixture.at('23:59'))
    .filter((one) => one.services.includes(service))
    .map(({ start }) => start.slice(11, 16));
const puts = (fixture: ClinicFixture) => fixture.requests('replaceSlots').length;

describe('an address that cuts by the greatest common divisor', () => {
  test.each(['slots', 'breaks', 'book'] as const)('is in sync with the strategy %s', async (strategy) => {
    const fixture = await opened(strategy);
    expect(startsOf(fixture, 'long')).toEqual(['10:00', '10:20', '10:40', '11:00']);
    expect(await dayOf(fixture)).toMatchObject({ state: 'in-sync', error: null });
    expect([puts(fixture), await cutOf(fixture)]).toEqual([1, 'divisor']);
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(await dayOf(fixture)).toMatchObject({ state: 'in-sync', error: null });
    expect(startsOf(fixture, 'long')).toEqual(['10:40', '11:00']);
    expect(startsOf(fixture, 'short')).toEqual(['10:00', '10:40', '11:00', '11:20', '11:40']);
    expect(puts(fixture)).toBe(strategy === 'slots' ? 2 : 1);
    const report = await resync(fixture);
    expect(report).toMatchObject({ differences: { missing: 0, extra: 0, stale: 0 }, writes: 0 });
  });

  test('books an appointment at a start that only the divisor has, once the cut is observed', async () => {
    const fixture = await opened('book');
    await fixture.send({
      type: 'occupied',
      calendar: 'nowak',
      ref: 'apt-1',
      start: fixture.at('10:20'),
      end: fixture.at('11:20'),
      service: 'long',
    });
    await fixture.untilAtRest();
    const booked = fixture.sandbox
      .bookings(ADDRESS)
      .map(({ start_at: start, address_service: { id } }) => `${start.slice(11, 16)} ${id}`);
    expect(booked).toEqual(['10:20 long']);
    expect(fixture.sandbox.breaks(ADDRESS)).toEqual([]);
    expect(await dayOf(fixture)).toMatchObject({ state: 'in-sync' });
  });

  test('is observed to cut otherwise, without a write', async () => {
    const fixture = await opened('slots', 'duration');
    expect(await cutOf(fixture)).toBe('duration');
    fixture.sandbox.setCutting(ADDRESS, 'divisor');
    await openDay(fixture, fixture.dateAfter(1));
    await fixture.untilAtRest();
    expect(await dayOf(fixture, fixture.dateAfter(1))).toMatchObject({ state: 'in-sync', error: null });
    expect([puts(fixture), await cutOf(fixture)]).toEqual([2, 'divisor']);
    const report = await resync(fixture);
    expect(report).toMatchObject({ differences: { missing: 0, extra: 0 }, writes: 0 });
  });

  test('is observed to cut otherwise by a resync', async () => {
    const fixture = await opened('slots', 'duration');
    fixture.sandbox.setCutting(ADDRESS, 'divisor');
    const report = await resync(fixture);
    expect(report).toMatchObject({ differences: { missing: 0, extra: 0 }, writes: 0 });
    expect(await cutOf(fixture)).toBe('divisor');
  });

  test('has an unknown cut after the calendar moves to another address', async () => {
    const fixture = await opened();
    const calendar = { id: 'nowak', account: 'many', ...addressOf('kowalski'), strategy: 'slots' } as const;
    await putCalendar(fixture.engine.db, calendar, new Date());
    expect(await cutOf(fixture)).toBeUndefined();
  });
});

test('an approval for a start of either cut is given where its time is free', () => {
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
