// A desk whose doctor is open from 10:00 to 12:00, patients who book there, and which of their visits stand.
import { addressOf, Desk, type DeskOptions } from '../support/clinic-fixture.js';

export async function opened(options: DeskOptions = {}): Promise<Desk> {
  const desk = await Desk.open({ still: true, ...options });
  for (const calendar of options.calendars ?? ['nowak']) {
    await desk.open(calendar, desk.date, { from: '10:00', to: '12:00' });
  }
  await desk.rest();
  return desk;
}

/** A desk of a time of which the marketplace does not tell what its bookings have become. */
export function beforeMovesAreTold(): DeskOptions {
  const began = Date.now();
  return { still: false, now: () => Date.parse('2025-03-01T12:00:00Z') + Date.now() - began };
}

/** Somebody else each time who has another name. */
export const patientBooks = (desk: Desk, time: string, { name = 'Anna' } = {}) =>
  desk.sandbox.book(addressOf('nowak'), {
    start: desk.at(time),
    serviceId: 'visit',
    patient: { name, surname: 'Kowalska', phone: '+48600000000' },
  });

/** As it does of one that is paid, to an address of another payment account. */
export const refuseMoves = (desk: Desk): void =>
  desk.sandbox.faults.set([
    {
      fault: { kind: 'status', status: 422, message: 'the booking is paid' },
      match: { operation: 'moveBooking' },
    },
  ]);

/** A patient's booking at 10:20, linked to the appointment `apt-1`. */
export async function linked(desk: Desk): Promise<string> {
  const { id } = patientBooks(desk, '10:20');
  await desk.book('apt-1', '10:20', '10:40');
  await desk.engine.bookings.link('nowak', id, 'apt-1');
  await desk.rest();
  return id;
}

export const standing = (desk: Desk, calendar = 'nowak') =>
  desk.sandbox
    .bookings(addressOf(calendar))
    .filter(({ status }) => status === 'booked')
    .map(({ start_at }) => start_at.slice(11, 16))
    .sort();
