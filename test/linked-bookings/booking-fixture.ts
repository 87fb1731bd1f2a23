// A desk whose doctor is open from 10:00 to 12:00, patients who book there, and which of their visits stand.
import { addressOf, ClinicFixture, type ClinicFixtureOptions } from '../support/clinic-fixture.js';

export async function openFixture(options: ClinicFixtureOptions = {}): Promise<ClinicFixture> {
  const fixture = await ClinicFixture.open({ still: true, ...options });
  for (const calendar of options.calendars ?? ['nowak']) {
    await fixture.open(calendar, fixture.date, { from: '10:00', to: '12:00' });
  }
  await fixture.untilAtRest();
  return fixture;
}

/** A desk of a time of which the marketplace does not tell what its bookings have become. */
export function withoutMoving(): ClinicFixtureOptions {
  const began = Date.now();
  return { still: false, now: () => Date.parse('2025-03-01T12:00:00Z') + Date.now() - began };
}

/** Somebody else each time who has another name. */
export const patientBooks = (fixture: ClinicFixture, time: string, { name = 'Anna' } = {}) =>
  fixture.sandbox.book(addressOf('nowak'), {
    start: fixture.at(time),
    serviceId: 'visit',
    patient: { name, surname: 'Kowalska', phone: '+48600000000' },
  });

/** As it does of one that is paid, to an address of another payment account. */
export const refuseMoves = (fixture: ClinicFixture): void =>
  fixture.sandbox.faults.set([
    {
      fault: { kind: 'status', status: 422, message: 'the booking is paid' },
      match: { operation: 'moveBooking' },
    },
  ]);

/** A patient's booking at 10:20, linked to the appointment `apt-1`. */
export async function linked(fixture: ClinicFixture): Promise<string> {
  const { id } = patientBooks(fixture, '10:20');
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.engine.bookings.link('nowak', id, 'apt-1');
  await fixture.untilAtRest();
  return id;
}

export const bookedBookings = (fixture: ClinicFixture, calendar = 'nowak') =>
  fixture.sandbox
    .bookings(addressOf(calendar))
    .filter(({ status }) => status === 'booked')
    .map(({ start_at }) => start_at.slice(11, 16))
    .sort();
