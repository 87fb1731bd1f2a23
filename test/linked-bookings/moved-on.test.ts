// A booking that moved is shown as canceled under its old id: what is linked to it, and its time, are the new one's.
import { describe, expect, test } from '@jest/globals';
import { findBookings } from '../../src/db/tables/bookings.js';
import { resync } from '../resync/resync-fixture.js';
import { addressOf, type ClinicFixture } from '../support/clinic-fixture.js';
import { bookedBookings, linked, openFixture, patientBooks, withoutMoving } from './booking-fixture.js';

const STRATEGIES = ['slots', 'breaks', 'book'] as const;

/** The answers to moves are lost on their way back, once. */
const loseAnswer = (fixture: ClinicFixture): void =>
  fixture.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'moveBooking' }, times: 1 },
  ]);

const known = async (fixture: ClinicFixture, id: string) =>
  (await findBookings(fixture.engine.db, 'nowak', [id])).get(id);

const breaksAt = (fixture: ClinicFixture) =>
  fixture.sandbox.breaks(addressOf('nowak')).map(({ since }) => since.slice(11, 16));

describe.each(STRATEGIES)('with %s', (strategy) => {
  test('a move that is repeated after a lost answer is done, and keeps the link', async () => {
    const fixture = await openFixture({ strategy });
    const id = await linked(fixture);
    loseAnswer(fixture);
    const to = { start: fixture.at('11:00') };
    await expect(fixture.engine.bookings.move('nowak', id, to)).rejects.toMatchObject({
      mayHaveApplied: true,
    });
    await fixture.endLeases();
    const report = await fixture.engine.bookings.move('nowak', id, to);
    expect(report).toMatchObject({ calendar: 'nowak', status: 'booked', start: to.start, ref: 'apt-1' });
    expect(report?.id).not.toBe(id);
    expect(await known(fixture, id)).toMatchObject({ status: 'moved', movedTo: report?.id });
    expect(fixture.requests('moveBooking')).toHaveLength(1);
    await fixture.free('apt-1');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual([]);
  });

  test('a linked booking that the patient moved without a notification follows its appointment', async () => {
    const fixture = await openFixture({ strategy });
    const id = await linked(fixture);
    fixture.sandbox.move(id, { start: fixture.at('11:20') });
    await fixture.book('apt-1', '11:00', '11:20');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual(['11:00']);
    expect(await fixture.engine.failures.list()).toEqual([]);
    expect(fixture.shown()).not.toContain('11:00');
  });

  test('a booking that the patient moved without a notification is cancelled with its appointment', async () => {
    const fixture = await openFixture({ strategy });
    fixture.sandbox.move(await linked(fixture), { start: fixture.at('11:20') });
    await fixture.free('apt-1');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual([]);
    expect(await fixture.engine.failures.list()).toEqual([]);
  });

  test('a resync finds a moved booking, and keeps its link', async () => {
    const fixture = await openFixture({ strategy });
    const id = await linked(fixture);
    const moved = fixture.sandbox.move(id, { start: fixture.at('11:20') });
    await resync(fixture, { calendars: ['nowak'] });
    await fixture.untilAtRest();
    expect(await known(fixture, id)).toMatchObject({ status: 'moved', movedTo: moved.id });
    expect(await known(fixture, moved.id)).toMatchObject({ status: 'booked', ref: 'apt-1' });
    expect(fixture.shown()).not.toContain('10:20');
    expect(fixture.shown()).not.toContain('11:20');
  });
});

test('a placeholder whose move was lost is found under its new id', async () => {
  const fixture = await openFixture({ strategy: 'book' });
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  loseAnswer(fixture);
  await fixture.book('apt-1', '11:00', '11:20');
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual(['11:00']);
  const rows = await fixture.engine.db
    .selectFrom('slotkeeper.bookings')
    .select(['status', 'placeholder', 'ref'])
    .orderBy('start_at')
    .execute();
  const ours = { placeholder: true, ref: 'apt-1' };
  expect(rows).toEqual([
    { ...ours, status: 'moved' },
    { ...ours, status: 'booked' },
  ]);
  expect(breaksAt(fixture)).toEqual([]);
  expect(fixture.requests('moveBooking')).toHaveLength(1);
});

test('a moved booking is not cancelled, moved or linked under its old id, and the answer names the new one', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  const { bookings } = fixture.engine;
  await bookings.link('nowak', id, null);
  const moved = fixture.sandbox.move(id, { start: fixture.at('11:00') });
  const over = { name: 'BookingEndedError', message: expect.stringContaining(`it is "${moved.id}" now`) };
  // The record may be behind, and knows it afterwards.
  await expect(bookings.cancel('nowak', id)).rejects.toMatchObject(over);
  await expect(bookings.cancel('nowak', id)).rejects.toMatchObject(over);
  await expect(bookings.link('nowak', id, 'apt-1')).rejects.toMatchObject(over);
  expect(bookedBookings(fixture)).toEqual(['11:00']);
  expect(await known(fixture, moved.id)).toMatchObject({ status: 'booked' });
  expect(fixture.requests('cancelBooking')).toHaveLength(1);
});

test.each([
  ['before anybody asks', true],
  ['by who asks', false],
] as const)(
  'a booking whose move was lost and that the patient moved again is found %s, keeps the link and is refused by its old id',
  async (_, isKnownBefore) => {
    const fixture = await openFixture();
    const id = await linked(fixture);
    loseAnswer(fixture);
    const to = { start: fixture.at('11:00') };
    await expect(fixture.engine.bookings.move('nowak', id, to)).rejects.toMatchObject({
      mayHaveApplied: true,
    });
    const ours = fixture.sandbox.bookings(addressOf('nowak')).find(({ status }) => status === 'booked');
    const theirs = fixture.sandbox.move(ours?.id ?? '', { start: fixture.at('11:40') });
    if (isKnownBefore) await fixture.untilAtRest();
    await fixture.endLeases();
    await expect(fixture.engine.bookings.move('nowak', id, to)).rejects.toMatchObject({
      name: 'BookingEndedError',
      message: expect.stringContaining(`it is "${theirs.id}" now`),
    });
    expect(await known(fixture, theirs.id)).toMatchObject({ status: 'booked', ref: 'apt-1' });
    expect(await known(fixture, id)).toMatchObject({ status: 'moved', movedTo: theirs.id });
    expect(bookedBookings(fixture)).toEqual(['11:40']);
  },
);

test('a move whose answer was lost is read again while its successor is not shown yet', async () => {
  const fixture = await openFixture();
  const id = await linked(fixture);
  loseAnswer(fixture);
  const to = { start: fixture.at('11:00') };
  const move = () => fixture.engine.bookings.move('nowak', id, to);
  await expect(move()).rejects.toMatchObject({ mayHaveApplied: true });
  await fixture.endLeases();
  const moved = fixture.sandbox.bookings(addressOf('nowak')).find(({ status }) => status === 'booked');
  const unknown = { operation: 'getBooking', path: `/bookings/${moved?.id}` };
  fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 404 }, match: unknown }]);
  await expect(move()).rejects.toMatchObject({ name: 'BookingNotVisibleError' });
  expect(await known(fixture, id)).toMatchObject({ status: 'booked', ref: 'apt-1' });
  fixture.sandbox.faults.clear();
  expect(await move()).toMatchObject({ id: moved?.id, ref: 'apt-1' });
  expect(fixture.requests('moveBooking')).toHaveLength(1);
});

test('an old booking without the field of its move is searched by its time and its patient', async () => {
  const fixture = await openFixture(withoutMoving());
  const { id } = patientBooks(fixture, '10:20');
  await fixture.engine.bookings.link('nowak', id, 'apt-1');
  loseAnswer(fixture);
  const to = { start: fixture.at('11:00') };
  await expect(fixture.engine.bookings.move('nowak', id, to)).rejects.toMatchObject({ mayHaveApplied: true });
  await fixture.endLeases();
  expect(await fixture.engine.bookings.move('nowak', id, to)).toMatchObject({
    start: to.start,
    ref: 'apt-1',
  });
  expect(fixture.requests('moveBooking')).toHaveLength(1);
});

const KOT = { facilityId: 'facility', doctorId: 'kot', addressId: 'address-of-kot' };

describe.each(STRATEGIES)("another doctor's address of the facility, published with %s", (strategy) => {
  async function twoDoctors() {
    const fixture = await openFixture();
    await fixture.engine.putCalendar({ id: 'kot', account: 'many', ...KOT, strategy });
    await fixture.open('kot', fixture.date, { from: '10:00', to: '12:00' });
    await fixture.untilAtRest();
    const { id } = patientBooks(fixture, '10:20');
    const to = { start: fixture.at('11:00'), addressId: KOT.addressId };
    const move = () => fixture.engine.bookings.move('nowak', id, to);
    const busy = async (calendar: string) =>
      (await fixture.engine.days(calendar, fixture.date, fixture.date))?.[0]?.busy;
    const conflicts = async () =>
      (await fixture.engine.notifications()).items.filter(({ name }) => name === 'conflict');
    return { fixture, id, to, move, busy, conflicts };
  }

  test('gets a moved booking at once, however often the move is requested', async () => {
    const { fixture, to, move, busy } = await twoDoctors();
    const report = await move();
    expect(report).toMatchObject({ calendar: 'kot', status: 'booked', start: to.start });
    expect(await busy('kot')).toMatchObject([{ booking: report?.id, start: to.start }]);
    expect(await busy('nowak')).toEqual([]);
    expect(await move()).toEqual(report);
    expect(fixture.requests('moveBooking')).toHaveLength(1);
    // It is a booking of that calendar from then on.
    const again = await fixture.engine.bookings.move('kot', report?.id ?? '', { start: fixture.at('11:20') });
    expect(again).toMatchObject({ calendar: 'kot', start: fixture.at('11:20') });
  });

  test('gets it also where the answer was lost', async () => {
    const { fixture, to, move, busy } = await twoDoctors();
    loseAnswer(fixture);
    await expect(move()).rejects.toMatchObject({ mayHaveApplied: true });
    await fixture.endLeases();
    const report = await move();
    expect(report).toMatchObject({ calendar: 'kot', status: 'booked', start: to.start });
    expect(await busy('kot')).toMatchObject([{ booking: report?.id, start: to.start }]);
    expect(await busy('nowak')).toEqual([]);
    expect(fixture.requests('moveBooking')).toHaveLength(1);
  });

  test('reports a conflict with an appointment at that time, once', async () => {
    const { fixture, move, conflicts } = await twoDoctors();
    // What closes is on its way there for as long as it takes to sell the time twice.
    fixture.sandbox.faults.set(
      ['replaceSlots', 'addCalendarBreak', 'bookSlot'].map((operation) => ({
        fault: { kind: 'status', status: 500 },
        match: { operation, path: `/${KOT.addressId}/` },
      })),
    );
    await fixture.book('apt-kot', '11:10', '11:30', 'kot');
    const report = await move();
    expect(await conflicts()).toMatchObject([
      { calendar: 'kot', booking: report?.id, data: { occupancy: { ref: 'apt-kot' } } },
    ]);
    await move();
    fixture.sandbox.faults.clear();
    await fixture.untilAtRest();
    expect(await conflicts()).toHaveLength(1);
    expect((await fixture.engine.status()).conflicts).toBe(1);
  });
});

test.each(['after', 'never'] as const)(
  'a move to a doctor without a calendar is executed once, however often it is requested: answer lost: %s',
  async (lost) => {
    const fixture = await openFixture();
    const { id } = patientBooks(fixture, '10:20');
    await fixture.engine.putCalendar({ id: 'kot', account: 'many', ...KOT, strategy: 'slots' });
    await fixture.open('kot', fixture.date, { from: '10:00', to: '12:00' });
    await fixture.untilAtRest();
    await fixture.engine.db.deleteFrom('slotkeeper.calendars').where('id', '=', 'kot').execute();
    const move = () =>
      fixture.engine.bookings.move('nowak', id, { start: fixture.at('11:00'), addressId: KOT.addressId });
    if (lost === 'after') {
      loseAnswer(fixture);
      await expect(move()).rejects.toMatchObject({ mayHaveApplied: true });
      await fixture.endLeases();
    }
    const report = await move();
    const [moved] = fixture.sandbox.bookings(KOT);
    const there = { calendar: null, id: moved?.id, start: fixture.at('11:00'), end: fixture.at('11:20') };
    expect(report).toMatchObject(there);
    // Whoever published the calendar meanwhile has found out what became of it.
    await fixture.untilAtRest();
    expect(await move()).toEqual(report);
    expect(fixture.requests('moveBooking')).toHaveLength(1);
  },
);
