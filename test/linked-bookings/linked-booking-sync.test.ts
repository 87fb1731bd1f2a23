// Linked bookings of a whole day that follow their appointments at once, and what the marketplace has no answer for.
import { describe, expect, test } from '@jest/globals';
import { getCalendar } from '../../src/db/tables/calendars.js';
import { addressOf, type ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { bookedBookings, linked, openFixture, patientBooks } from './booking-fixture.js';

/** Patients' bookings at these times, each linked to an appointment: `apt-10:00` and so on. */
async function linkedAt(
  fixture: ClinicFixture,
  times: readonly (readonly [string, string])[],
): Promise<void> {
  for (const [from, to] of times) {
    const { id } = patientBooks(fixture, from);
    await fixture.book(`apt-${from}`, from, to);
    await fixture.engine.bookings.link('nowak', id, `apt-${from}`);
  }
  await fixture.untilAtRest();
}

const occupied = (fixture: ClinicFixture, ref: string, from: string, to: string) =>
  ({ type: 'occupied', calendar: 'nowak', ref, start: fixture.at(from), end: fixture.at(to) }) as const;

// With slots the marketplace refuses it: what was taken is not on offer when it becomes free there.
describe.each(['breaks', 'book'] as const)('with %s', (strategy) => {
  test('appointments that all move to the time of the next one are followed', async () => {
    const fixture = await openFixture({ strategy });
    await linkedAt(fixture, [
      ['10:00', '10:20'],
      ['10:20', '10:40'],
      ['10:40', '11:00'],
    ]);
    await fixture.send(
      occupied(fixture, 'apt-10:00', '10:20', '10:40'),
      occupied(fixture, 'apt-10:20', '10:40', '11:00'),
      occupied(fixture, 'apt-10:40', '11:00', '11:20'),
    );
    await fixture.untilAtRest();
    expect(await fixture.engine.failures.list()).toEqual([]);
    expect(bookedBookings(fixture)).toEqual(['10:20', '10:40', '11:00']);
    expect(fixture.requests('moveBooking').map(({ status }) => status)).toEqual([201, 201, 201]);
  });

  test('an appointment moves to the time of one that is released with it', async () => {
    const fixture = await openFixture({ strategy });
    await linkedAt(fixture, [
      ['10:00', '10:20'],
      ['10:40', '11:00'],
    ]);
    await fixture.send(occupied(fixture, 'apt-10:00', '10:40', '11:00'), {
      type: 'released',
      calendar: 'nowak',
      ref: 'apt-10:40',
    });
    await fixture.untilAtRest();
    expect(await fixture.engine.failures.list()).toEqual([]);
    expect(bookedBookings(fixture)).toEqual(['10:40']);
  });
});

const released = (ref: string) => ({ type: 'released', calendar: 'nowak', ref }) as const;

const fails = (fixture: ClinicFixture, operation: string, times?: number): void =>
  fixture.sandbox.faults.set([
    {
      fault: { kind: 'status', status: 500 },
      match: { operation },
      ...(times === undefined ? {} : { times }),
    },
  ]);

test('a cancellation without an answer delays no closing, and is done once it gets one', async () => {
  const fixture = await openFixture();
  await linked(fixture);
  fails(fixture, 'cancelBooking', 2);
  await fixture.send(released('apt-1'), occupied(fixture, 'apt-2', '11:40', '12:00'));
  // Before anything is tried again: no time passes here.
  await eventually(() => !fixture.shown().includes('11:40'));
  expect(bookedBookings(fixture)).toEqual(['10:20']);
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual([]);
  expect(fixture.requests('cancelBooking').map(({ status }) => status)).toEqual([500, 500, 204]);
});

test('a move without an answer delays closings for some attempts; then its new time is closed too', async () => {
  const fixture = await openFixture();
  const id = await linked(fixture);
  fails(fixture, 'moveBooking');
  await fixture.send(
    occupied(fixture, 'apt-1', '11:00', '11:20'),
    occupied(fixture, 'apt-2', '11:40', '12:00'),
  );
  await fixture.until(() => !fixture.shown().includes('11:40'));
  expect(fixture.shown()).toEqual(['10:00', '10:40', '11:20']);
  expect(fixture.requests('moveBooking')).toHaveLength(4);
  expect(bookedBookings(fixture)).toEqual(['10:20']);
  expect((await fixture.engine.status()).pending).toBeGreaterThan(0);
  fixture.sandbox.faults.clear();
  // Where it was to go nothing is on offer any more: that is refused, and shows.
  await fixture.untilAtRest();
  expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'booking', booking: id }]);
});

test('a cancellation without an answer never delays a later closing', async () => {
  const fixture = await openFixture();
  await linked(fixture);
  fails(fixture, 'cancelBooking');
  const retrying = async () => (await getCalendar(fixture.engine.db, 'nowak'))?.retrying;
  await fixture.free('apt-1');
  await fixture.until(async () => (await retrying())?.attempts === 3);
  // The next try is the last that the calendar waits for.
  const tried = fixture.requests('cancelBooking').length;
  await fixture.until(() => fixture.requests('cancelBooking').length > tried);
  const at = fixture.engine.now();
  for (const [from, to] of [
    ['11:40', '12:00'],
    ['11:20', '11:40'],
    ['11:00', '11:20'],
  ] as const) {
    await fixture.book(`apt-${from}`, from, to);
    await fixture.until(() => !fixture.shown().includes(from));
  }
  expect(fixture.engine.now()).toBe(at);
  // The calendar itself is not one that has to be retried.
  expect((await retrying())?.attempts).toBe(3);
  expect(bookedBookings(fixture)).toEqual(['10:20']);
  fixture.sandbox.faults.clear();
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual([]);
  await fixture.until(async () => (await retrying()) === undefined);
});

test('a closing is published while the result of a move is unknown', async () => {
  const fixture = await openFixture();
  await linked(fixture);
  fixture.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'before' }, match: { operation: 'moveBooking' }, times: 1 },
    { fault: { kind: 'status', status: 500 }, match: { operation: 'getBooking' } },
  ]);
  await fixture.book('apt-1', '11:00', '11:20');
  await fixture.book('apt-2', '11:40', '12:00');
  await fixture.until(() => !fixture.shown().includes('11:40'));
});

test('a notified booking that is unknown for minutes is cancelled once it is known', async () => {
  const fixture = await openFixture();
  const id = await linked(fixture);
  const path = `/bookings/${id}`;
  fixture.sandbox.faults.set(
    ['cancelBooking', 'getBooking'].map((operation) => ({
      fault: { kind: 'status', status: 404 },
      match: { operation, path },
      times: 1,
    })),
  );
  await fixture.free('apt-1');
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual([]);
  expect(await fixture.engine.failures.list()).toEqual([]);
});

test('an appointment whose booking is cancelled by hand is blocked otherwise at once', async () => {
  const fixture = await openFixture({ strategy: 'breaks' });
  const id = await linked(fixture);
  const breaks = () => fixture.sandbox.breaks(addressOf('nowak'));
  expect(breaks()).toEqual([]);
  await fixture.engine.bookings.cancel('nowak', id);
  await eventually(() => breaks().length === 1);
  expect(fixture.shown()).not.toContain('10:20');
  expect(bookedBookings(fixture)).toEqual([]);
});

test('a refused cancellation is retried after a delay', async () => {
  const fixture = await openFixture();
  const id = await linked(fixture);
  fixture.sandbox.faults.set([
    { fault: { kind: 'status', status: 403 }, match: { operation: 'cancelBooking' } },
  ]);
  await fixture.send(released('apt-1'));
  await fixture.untilAtRest();
  expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'booking', booking: id }]);
  fixture.sandbox.faults.clear();
  await fixture.passTime(20_000);
  await fixture.untilAtRest();
  expect(fixture.requests('cancelBooking')).toHaveLength(1);
  await fixture.until(async () => (await fixture.engine.failures.list()).length === 0);
  expect(fixture.requests('cancelBooking').map(({ status }) => status)).toEqual([403, 204]);
  expect(bookedBookings(fixture)).toEqual([]);
});
