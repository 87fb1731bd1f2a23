// Linked bookings of a whole day that follow their appointments at once, and what the marketplace has no answer for.
import { describe, expect, test } from '@jest/globals';
import { getCalendar } from '../../src/db/tables/calendars.js';
import { addressOf, type Desk } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { linked, opened, patientBooks, standing } from './booking-fixture.js';

/** Patients' bookings at these times, each linked to an appointment: `apt-10:00` and so on. */
async function linkedAt(desk: Desk, times: readonly (readonly [string, string])[]): Promise<void> {
  for (const [from, to] of times) {
    const { id } = patientBooks(desk, from);
    await desk.book(`apt-${from}`, from, to);
    await desk.engine.bookings.link('nowak', id, `apt-${from}`);
  }
  await desk.rest();
}

const occupied = (desk: Desk, ref: string, from: string, to: string) =>
  ({ type: 'occupied', calendar: 'nowak', ref, start: desk.at(from), end: desk.at(to) }) as const;

// With slots the marketplace refuses it: what was taken is not on offer when it becomes free there.
describe.each(['breaks', 'book'] as const)('with %s', (strategy) => {
  test('a doctor who is late: all appointments move on, each to where the next one was', async () => {
    const desk = await opened({ strategy });
    await linkedAt(desk, [
      ['10:00', '10:20'],
      ['10:20', '10:40'],
      ['10:40', '11:00'],
    ]);
    await desk.say(
      occupied(desk, 'apt-10:00', '10:20', '10:40'),
      occupied(desk, 'apt-10:20', '10:40', '11:00'),
      occupied(desk, 'apt-10:40', '11:00', '11:20'),
    );
    await desk.rest();
    expect(await desk.engine.failures.list()).toEqual([]);
    expect(standing(desk)).toEqual(['10:20', '10:40', '11:00']);
    expect(desk.requests('moveBooking').map(({ status }) => status)).toEqual([201, 201, 201]);
  });

  test('an appointment takes the time of one that is released with it', async () => {
    const desk = await opened({ strategy });
    await linkedAt(desk, [
      ['10:00', '10:20'],
      ['10:40', '11:00'],
    ]);
    await desk.say(occupied(desk, 'apt-10:00', '10:40', '11:00'), {
      type: 'released',
      calendar: 'nowak',
      ref: 'apt-10:40',
    });
    await desk.rest();
    expect(await desk.engine.failures.list()).toEqual([]);
    expect(standing(desk)).toEqual(['10:40']);
  });
});

const released = (ref: string) => ({ type: 'released', calendar: 'nowak', ref }) as const;

const fails = (desk: Desk, operation: string, times?: number): void =>
  desk.sandbox.faults.set([
    {
      fault: { kind: 'status', status: 500 },
      match: { operation },
      ...(times === undefined ? {} : { times }),
    },
  ]);

test('a cancellation that gets no answer keeps no other time open, and is done once it gets one', async () => {
  const desk = await opened();
  await linked(desk);
  fails(desk, 'cancelBooking', 2);
  await desk.say(released('apt-1'), occupied(desk, 'apt-2', '11:40', '12:00'));
  // Before anything is tried again: no time passes here.
  await eventually(() => !desk.shown().includes('11:40'));
  expect(standing(desk)).toEqual(['10:20']);
  await desk.rest();
  expect(standing(desk)).toEqual([]);
  expect(desk.requests('cancelBooking').map(({ status }) => status)).toEqual([500, 500, 204]);
});

test('a move that gets no answer keeps other time open for some tries; then its new time is closed, too', async () => {
  const desk = await opened();
  const id = await linked(desk);
  fails(desk, 'moveBooking');
  await desk.say(occupied(desk, 'apt-1', '11:00', '11:20'), occupied(desk, 'apt-2', '11:40', '12:00'));
  await desk.until(() => !desk.shown().includes('11:40'));
  expect(desk.shown()).toEqual(['10:00', '10:40', '11:20']);
  expect(desk.requests('moveBooking')).toHaveLength(4);
  expect(standing(desk)).toEqual(['10:20']);
  expect((await desk.engine.status()).pending).toBeGreaterThan(0);
  desk.sandbox.faults.clear();
  // Where it was to go nothing is on offer any more: that is refused, and shows.
  await desk.rest();
  expect(await desk.engine.failures.list()).toMatchObject([{ kind: 'booking', booking: id }]);
});

test('however long a cancellation gets no answer, what closes is published when it comes', async () => {
  const desk = await opened();
  await linked(desk);
  fails(desk, 'cancelBooking');
  const retrying = async () => (await getCalendar(desk.engine.db, 'nowak'))?.retrying;
  await desk.free('apt-1');
  await desk.until(async () => (await retrying())?.attempts === 3);
  // The next try is the last that the calendar waits for.
  const tried = desk.requests('cancelBooking').length;
  await desk.until(() => desk.requests('cancelBooking').length > tried);
  const at = desk.engine.now();
  for (const [from, to] of [
    ['11:40', '12:00'],
    ['11:20', '11:40'],
    ['11:00', '11:20'],
  ] as const) {
    await desk.book(`apt-${from}`, from, to);
    await desk.until(() => !desk.shown().includes(from));
  }
  expect(desk.engine.now()).toBe(at);
  // The calendar itself is not one that has to be retried.
  expect((await retrying())?.attempts).toBe(3);
  expect(standing(desk)).toEqual(['10:20']);
  desk.sandbox.faults.clear();
  await desk.rest();
  expect(standing(desk)).toEqual([]);
  await desk.until(async () => (await retrying()) === undefined);
});

test('while what became of a move cannot be found out, what closes is published', async () => {
  const desk = await opened();
  await linked(desk);
  desk.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'before' }, match: { operation: 'moveBooking' }, times: 1 },
    { fault: { kind: 'status', status: 500 }, match: { operation: 'getBooking' } },
  ]);
  await desk.book('apt-1', '11:00', '11:20');
  await desk.book('apt-2', '11:40', '12:00');
  await desk.until(() => !desk.shown().includes('11:40'));
});

test('a booking that the marketplace does not know minutes after it told of it is cancelled once it does', async () => {
  const desk = await opened();
  const id = await linked(desk);
  const path = `/bookings/${id}`;
  desk.sandbox.faults.set(
    ['cancelBooking', 'getBooking'].map((operation) => ({
      fault: { kind: 'status', status: 404 },
      match: { operation, path },
      times: 1,
    })),
  );
  await desk.free('apt-1');
  await desk.rest();
  expect(standing(desk)).toEqual([]);
  expect(await desk.engine.failures.list()).toEqual([]);
});

test('an appointment whose booking is cancelled by hand is hidden by something else at once', async () => {
  const desk = await opened({ strategy: 'breaks' });
  const id = await linked(desk);
  const breaks = () => desk.sandbox.breaks(addressOf('nowak'));
  expect(breaks()).toEqual([]);
  await desk.engine.bookings.cancel('nowak', id);
  await eventually(() => breaks().length === 1);
  expect(desk.shown()).not.toContain('10:20');
  expect(standing(desk)).toEqual([]);
});

test('a cancellation that is refused is tried again by itself, after a pause', async () => {
  const desk = await opened();
  const id = await linked(desk);
  desk.sandbox.faults.set([
    { fault: { kind: 'status', status: 403 }, match: { operation: 'cancelBooking' } },
  ]);
  await desk.say(released('apt-1'));
  await desk.rest();
  expect(await desk.engine.failures.list()).toMatchObject([{ kind: 'booking', booking: id }]);
  desk.sandbox.faults.clear();
  await desk.pass(20_000);
  await desk.rest();
  expect(desk.requests('cancelBooking')).toHaveLength(1);
  await desk.until(async () => (await desk.engine.failures.list()).length === 0);
  expect(desk.requests('cancelBooking').map(({ status }) => status)).toEqual([403, 204]);
  expect(standing(desk)).toEqual([]);
});
