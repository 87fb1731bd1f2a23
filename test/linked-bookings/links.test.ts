// What being linked, or not any more, means for the appointment, for what hides a time, and for the clinic.
import { describe, expect, test } from '@jest/globals';
import { requestAsAnotherClient } from '../resync/resync-fixture.js';
import { addressOf } from '../support/clinic-fixture.js';
import { bookedBookings, openFixture, patientBooks, withoutMoving } from './booking-fixture.js';

describe('a booking that is linked to an appointment', () => {
  test('is cancelled when the appointment is released, although it was never known to be occupied', async () => {
    const fixture = await openFixture();
    const { id } = patientBooks(fixture, '10:20');
    await fixture.engine.bookings.link('nowak', id, 'apt-1');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual(['10:20']);
    await fixture.free('apt-1');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual([]);
    expect(await fixture.engine.failures.list()).toEqual([]);
  });

  test('stays where the appointment was released before, until that is reported again', async () => {
    const fixture = await openFixture();
    await fixture.book('apt-1', '11:00', '11:20');
    await fixture.free('apt-1');
    const { id } = patientBooks(fixture, '10:20');
    await fixture.engine.bookings.link('nowak', id, 'apt-1');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual(['10:20']);
    await fixture.free('apt-1');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual([]);
  });

  test('blocks its time: the break is deleted, and made again where the two part', async () => {
    const fixture = await openFixture({ strategy: 'breaks' });
    const { id } = patientBooks(fixture, '10:20');
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    const breaks = () => fixture.sandbox.breaks(addressOf('nowak')).map(({ since }) => since.slice(11, 16));
    expect(breaks()).toEqual(['10:20']);
    await fixture.engine.bookings.link('nowak', id, 'apt-1');
    await fixture.untilAtRest();
    expect(breaks()).toEqual([]);
    await fixture.engine.bookings.link('nowak', id, null);
    await fixture.untilAtRest();
    expect(breaks()).toEqual(['10:20']);
  });
});

test('a conflict that begins with an unlink is notified', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  await fixture.engine.bookings.link('nowak', id, 'apt-1');
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  const conflicts = async () =>
    (await fixture.engine.notifications()).items.filter(({ name }) => name === 'conflict');
  expect(await conflicts()).toEqual([]);
  await fixture.engine.bookings.link('nowak', id, null);
  expect(await conflicts()).toMatchObject([{ calendar: 'nowak', booking: id }]);
  expect((await fixture.engine.status()).conflicts).toBe(1);
});

test('a booking that moves to another address is busy time there at once, and its report names the calendar', async () => {
  const fixture = await openFixture({ calendars: ['nowak', 'lis'] });
  const { id } = patientBooks(fixture, '10:20');
  const to = { start: fixture.at('11:00'), addressId: addressOf('lis').addressId };
  const report = await fixture.engine.bookings.move('nowak', id, to);
  expect(report).toMatchObject({ calendar: 'lis', status: 'booked', start: fixture.at('11:00') });
  const busy = async (calendar: string) =>
    (await fixture.engine.days(calendar, fixture.date, fixture.date))?.[0]?.busy;
  expect(await busy('nowak')).toEqual([]);
  expect(await busy('lis')).toMatchObject([{ booking: report?.id, start: fixture.at('11:00') }]);
  expect(await fixture.engine.bookings.move('nowak', id, to)).toEqual(report);
  expect(fixture.requests('moveBooking')).toHaveLength(1);
});

test('a booking that moves to an address without a calendar moves once, however often it is requested', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  const service = { address_service_id: 'visit', duration: 20 };
  const slot = { start: fixture.at('10:00'), end: fixture.at('12:00'), address_services: [service] };
  await requestAsAnotherClient(fixture, 'PUT', '/slots', { slots: [slot] }, 'elsewhere');
  const to = { start: fixture.at('11:00'), addressId: addressOf('elsewhere').addressId };
  const report = await fixture.engine.bookings.move('nowak', id, to);
  expect(report).toMatchObject({ calendar: null, status: 'booked', start: fixture.at('11:00') });
  expect(await fixture.engine.bookings.move('nowak', id, to)).toEqual(report);
  expect(fixture.requests('moveBooking')).toHaveLength(1);
});

test('a linked booking at another address does not count as the successor of a move in doubt', async () => {
  const fixture = await openFixture({ ...withoutMoving(), calendars: ['nowak', 'lis'] });
  const { id } = patientBooks(fixture, '10:20');
  // Of the same patient, and known by its appointment there.
  const other = fixture.sandbox.book(addressOf('lis'), {
    start: fixture.at('11:00'),
    serviceId: 'visit',
    patient: { name: 'Anna', surname: 'Kowalska', phone: '+48600000000' },
  });
  await fixture.engine.bookings.link('lis', other.id, 'apt-lis');
  await fixture.engine.bookings.link('nowak', id, 'apt-1');
  fixture.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'before' }, match: { operation: 'moveBooking' }, times: 1 },
  ]);
  const to = { start: fixture.at('11:00'), addressId: addressOf('lis').addressId };
  await expect(fixture.engine.bookings.move('nowak', id, to)).rejects.toThrow();
  await fixture.endLeases();
  fixture.sandbox.move(id, { start: fixture.at('11:40') });
  await expect(fixture.engine.bookings.move('nowak', id, to)).rejects.toMatchObject({
    name: 'ConflictError',
  });
});
