import { expect, test } from '@jest/globals';
import { type CalendarState, getCalendar, listAllCalendars } from '../../src/db/tables/calendars.js';
import { findFormerAddresses } from '../../src/db/tables/closing-calendars.js';
import type { FaultRule } from '../../src/sandbox/index.js';
import { bookedBookings, openFixture, patientBooks } from '../linked-bookings/booking-fixture.js';
import { addressOf, type ClinicFixture, type ClinicFixtureOptions } from '../support/clinic-fixture.js';

const STRATEGIES = ['slots', 'breaks', 'book'] as const;

const places = async (fixture: ClinicFixture): Promise<readonly CalendarState[]> =>
  await listAllCalendars(fixture.engine.db);
const isGone = (fixture: ClinicFixture) => async () =>
  (await places(fixture)).every(({ closing }) => closing === undefined);
const refuse = (fixture: ClinicFixture, operation: string, status: number, more: Partial<FaultRule> = {}) =>
  fixture.sandbox.faults.set([{ fault: { kind: 'status', status }, match: { operation }, ...more }]);
const at = (calendar: string, more: object = {}) => ({
  id: 'nowak',
  account: 'many',
  ...addressOf(calendar),
  strategy: 'slots' as const,
  ...more,
});
/** Two days with an appointment each, and a visit of a patient on the first. */
async function busy(options: ClinicFixtureOptions = {}): Promise<ClinicFixture> {
  const fixture = await openFixture(options);
  await fixture.open('nowak', fixture.dateAfter(1), { from: '10:00', to: '12:00' });
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.book('apt-2', '11:00', '11:20', 'nowak', fixture.dateAfter(1));
  await fixture.untilAtRest();
  patientBooks(fixture, '11:20');
  return fixture;
}

test.each(STRATEGIES)(
  'with %s, a deleted calendar is closed day by day, then its row is deleted',
  async (strategy) => {
    const fixture = await busy({ strategy });
    expect(await fixture.engine.deleteCalendar('nowak')).toBe('closing');
    await fixture.until(isGone(fixture));
    expect(await getCalendar(fixture.engine.db, 'nowak')).toBeUndefined();
    expect(fixture.shown()).toEqual([]);
    expect(fixture.shown('nowak', fixture.dateAfter(1))).toEqual([]);
    expect(
      fixture.sandbox.slots(
        addressOf('nowak'),
        fixture.at('00:00'),
        fixture.at('23:00', fixture.dateAfter(1)),
      ),
    ).toEqual([]);
    expect(fixture.sandbox.breaks(addressOf('nowak'))).toEqual([]);
    expect(bookedBookings(fixture)).toEqual(['11:20']);
    expect(await fixture.engine.deleteCalendar('nowak')).toBeUndefined();
  },
);

test.each(['breaks', 'book'] as const)(
  'with %s, the blocks are removed after everything is closed',
  async (strategy) => {
    const fixture = await busy({ strategy });
    const before = fixture.sandbox.requests.length;
    await fixture.engine.deleteCalendar('nowak');
    await fixture.until(isGone(fixture));
    const writes = fixture.sandbox.requests
      .slice(before)
      .filter(({ method, operation }) => method !== 'GET' && operation !== 'token')
      .map(({ operation }) => operation ?? '');
    const uncovers = ['deleteCalendarBreak', 'cancelBooking'];
    expect(writes.map((operation) => uncovers.includes(operation))).toEqual([false, true, true]);
    expect(writes[0]).toBe('replaceSlots');
  },
);

test('slots that the engine never published are closed too', async () => {
  const fixture = await openFixture();
  await fixture.open('nowak', fixture.dateAfter(40));
  await fixture.untilAtRest();
  await fixture.engine.deleteCalendar('nowak', { leave: true });
  expect(fixture.shown()).toHaveLength(6);
  await fixture.engine.putCalendar(at('nowak'));
  await fixture.engine.deleteCalendar('nowak');
  await fixture.until(isGone(fixture));
  expect(fixture.shown()).toEqual([]);
  expect(fixture.shown('nowak', fixture.dateAfter(40))).toEqual([]);
});

test('with leave, slots stay on sale, also of a calendar that is being closed', async () => {
  const fixture = await openFixture();
  refuse(fixture, 'replaceSlots', 403);
  refuse(fixture, 'deleteSlots', 403);
  await fixture.engine.deleteCalendar('nowak');
  expect(await fixture.engine.deleteCalendar('nowak', { leave: true })).toBe('deleted');
  expect(await fixture.engine.deleteCalendar('nowak', { leave: true })).toBeUndefined();
  fixture.sandbox.faults.clear();
  await fixture.passTime(60_000);
  expect(fixture.shown()).toHaveLength(6);
});

test('a calendar that is being closed accepts no events, and keeps its address', async () => {
  const fixture = await openFixture({ calendars: ['nowak', 'lis'] });
  refuse(fixture, 'deleteSlots', 503);
  await fixture.engine.deleteCalendar('nowak');
  expect(await fixture.engine.deleteCalendar('nowak')).toBe('closing');
  expect(await fixture.engine.status()).toMatchObject({ closing: 1 });
  await expect(fixture.book('apt-9', '10:20', '10:40')).rejects.toThrow(/is being deleted/);
  const snapshot = { from: fixture.date, to: fixture.date, windows: [], occupancy: [], complete: true };
  expect(await fixture.engine.snapshot('nowak', snapshot)).toEqual({
    kind: 'unknown-calendar',
    isClosing: true,
  });
  await expect(fixture.engine.resyncs.begin({ calendars: ['nowak'] })).rejects.toThrow(/nowak/);
  await expect(fixture.engine.putCalendar(at('nowak', { id: 'twin' }))).rejects.toThrow(/it is being closed/);
  await expect(fixture.engine.putCalendar(at('nowak', { id: 'twin', account: 'alone' }))).rejects.toThrow(
    /it is being closed/,
  );
  fixture.sandbox.faults.clear();
  await fixture.until(isGone(fixture));
  await fixture.engine.putCalendar(at('nowak', { id: 'twin' }));
  expect(fixture.shown('lis')).toHaveLength(6);
});

test('a calendar that is put again starts without data, and publishes what the clinic reports from then on', async () => {
  const fixture = await openFixture();
  refuse(fixture, 'deleteSlots', 503);
  await fixture.engine.deleteCalendar('nowak');
  await fixture.engine.putCalendar(at('nowak'));
  fixture.sandbox.faults.clear();
  await fixture.untilAtRest();
  expect(await getCalendar(fixture.engine.db, 'nowak')).not.toHaveProperty('closing');
  expect(fixture.shown()).toEqual([]);
  await fixture.open();
  await fixture.untilAtRest();
  expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);
});

test('an address that refuses is a visible failure, and is closed once it accepts requests', async () => {
  const fixture = await openFixture();
  refuse(fixture, 'deleteSlots', 403);
  await fixture.engine.deleteCalendar('nowak');
  await fixture.until(async () => (await getCalendar(fixture.engine.db, 'nowak'))?.failed !== undefined);
  expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'calendar', id: 'calendar/nowak' }]);
  fixture.sandbox.faults.clear();
  await fixture.engine.failures.settle('retry', ['calendar/nowak']);
  await fixture.until(isGone(fixture));
  expect(fixture.shown()).toEqual([]);
});

test('linked bookings stay unchanged when their calendar is deleted', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.engine.bookings.link('nowak', id, 'apt-1');
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  await fixture.engine.deleteCalendar('nowak');
  await fixture.until(isGone(fixture));
  expect(bookedBookings(fixture)).toEqual(['10:20']);
  expect(fixture.requests('cancelBooking')).toEqual([]);
});

test.each(STRATEGIES)('with %s, another address closes the old one and is published', async (strategy) => {
  const fixture = await busy({ strategy });
  // Heard of, and nobody's appointment.
  await fixture.engine.resyncs.begin({});
  await fixture.untilAtRest();
  expect(await fixture.engine.putCalendar(at('new', { strategy }))).toMatchObject({
    dates: expect.any(Array),
  });
  const [held] = await fixture.engine.holds.list();
  await fixture.engine.holds.settle('release', [held?.id ?? '']);
  expect(await findFormerAddresses(fixture.engine.db, 'nowak')).toHaveLength(1);
  await fixture.until(isGone(fixture));
  await fixture.untilAtRest();
  expect(
    fixture.sandbox.slots(addressOf('nowak'), fixture.at('00:00'), fixture.at('23:00', fixture.dateAfter(1))),
  ).toEqual([]);
  expect(fixture.sandbox.breaks(addressOf('nowak'))).toEqual([]);
  expect(bookedBookings(fixture)).toEqual(['11:20']);
  expect(fixture.shown('new')).toEqual(['10:00', '10:40', '11:00', '11:40']);
  expect(fixture.shown('new', fixture.dateAfter(1))).toEqual(['10:00', '10:20', '10:40', '11:20', '11:40']);
});

test('a calendar that returns to its former address is published there again', async () => {
  const fixture = await busy({ strategy: 'breaks' });
  refuse(fixture, 'replaceSlots', 503);
  await fixture.engine.putCalendar(at('new', { strategy: 'breaks' }));
  await fixture.engine.holds.settle('release', [(await fixture.engine.holds.list())[0]?.id ?? '']);
  await fixture.until(async () =>
    (await places(fixture)).some(
      ({ formerOf, retrying }) => formerOf !== undefined && retrying !== undefined,
    ),
  );
  await fixture.engine.putCalendar(at('nowak', { strategy: 'breaks' }));
  expect(
    (await places(fixture)).map(({ id, formerOf, addressId }) => [id === 'nowak', formerOf, addressId]),
  ).toEqual([
    [true, undefined, 'address-nowak'],
    [false, 'nowak', 'address-new'],
  ]);
  fixture.sandbox.faults.clear();
  await fixture.until(isGone(fixture));
  await fixture.untilAtRest();
  expect(fixture.shown('new')).toEqual([]);
  expect(fixture.shown()).toEqual(['10:00', '10:40', '11:00', '11:40']);
  expect(fixture.sandbox.breaks(addressOf('nowak'))).toHaveLength(2);
});

test('the same address under another account of the same host stays on sale', async () => {
  const fixture = await openFixture();
  await fixture.engine.putCalendar(at('nowak', { account: 'alone' }));
  await fixture.untilAtRest();
  expect(await findFormerAddresses(fixture.engine.db, 'nowak')).toEqual([]);
  expect(fixture.shown()).toHaveLength(6);
});
