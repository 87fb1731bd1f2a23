// A booking that moved is shown as canceled under its old id: what is linked to it, and its time, are the new one's.
import { describe, expect, test } from '@jest/globals';
import { findBookings } from '../../src/db/tables/bookings.js';
import { resync } from '../resync/resync-fixture.js';
import { addressOf, type Desk } from '../support/clinic-fixture.js';
import { beforeMovesAreTold, linked, opened, patientBooks, standing } from './booking-fixture.js';

const STRATEGIES = ['slots', 'breaks', 'book'] as const;

/** The answers to moves are lost on their way back, once. */
const loseAnswer = (desk: Desk): void =>
  desk.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'moveBooking' }, times: 1 },
  ]);

const known = async (desk: Desk, id: string) => (await findBookings(desk.engine.db, 'nowak', [id])).get(id);

const breaksAt = (desk: Desk) =>
  desk.sandbox.breaks(addressOf('nowak')).map(({ since }) => since.slice(11, 16));

describe.each(STRATEGIES)('with %s', (strategy) => {
  test('a move that is asked for again after its answer was lost is done, and keeps its link', async () => {
    const desk = await opened({ strategy });
    const id = await linked(desk);
    loseAnswer(desk);
    const to = { start: desk.at('11:00') };
    await expect(desk.engine.bookings.move('nowak', id, to)).rejects.toMatchObject({ mayHaveApplied: true });
    await desk.endLeases();
    const report = await desk.engine.bookings.move('nowak', id, to);
    expect(report).toMatchObject({ calendar: 'nowak', status: 'booked', start: to.start, ref: 'apt-1' });
    expect(report?.id).not.toBe(id);
    expect(await known(desk, id)).toMatchObject({ status: 'moved', movedTo: report?.id });
    expect(desk.requests('moveBooking')).toHaveLength(1);
    await desk.free('apt-1');
    await desk.rest();
    expect(standing(desk)).toEqual([]);
  });

  test('a linked booking that the patient has moved goes where its appointment goes, though nobody told of it', async () => {
    const desk = await opened({ strategy });
    const id = await linked(desk);
    desk.sandbox.move(id, { start: desk.at('11:20') });
    await desk.book('apt-1', '11:00', '11:20');
    await desk.rest();
    expect(standing(desk)).toEqual(['11:00']);
    expect(await desk.engine.failures.list()).toEqual([]);
    expect(desk.shown()).not.toContain('11:00');
  });

  test('what a patient has moved is cancelled with its appointment, though nobody told of it', async () => {
    const desk = await opened({ strategy });
    desk.sandbox.move(await linked(desk), { start: desk.at('11:20') });
    await desk.free('apt-1');
    await desk.rest();
    expect(standing(desk)).toEqual([]);
    expect(await desk.engine.failures.list()).toEqual([]);
  });

  test('a resync finds that a booking has moved, with its link', async () => {
    const desk = await opened({ strategy });
    const id = await linked(desk);
    const moved = desk.sandbox.move(id, { start: desk.at('11:20') });
    await resync(desk, { calendars: ['nowak'] });
    await desk.rest();
    expect(await known(desk, id)).toMatchObject({ status: 'moved', movedTo: moved.id });
    expect(await known(desk, moved.id)).toMatchObject({ status: 'booked', ref: 'apt-1' });
    expect(desk.shown()).not.toContain('10:20');
    expect(desk.shown()).not.toContain('11:20');
  });
});

test('a placeholder whose move was lost is found as what it is now', async () => {
  const desk = await opened({ strategy: 'book' });
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  loseAnswer(desk);
  await desk.book('apt-1', '11:00', '11:20');
  await desk.rest();
  expect(standing(desk)).toEqual(['11:00']);
  const rows = await desk.engine.db
    .selectFrom('slotkeeper.bookings')
    .select(['status', 'placeholder', 'ref'])
    .orderBy('start_at')
    .execute();
  const ours = { placeholder: true, ref: 'apt-1' };
  expect(rows).toEqual([
    { ...ours, status: 'moved' },
    { ...ours, status: 'booked' },
  ]);
  expect(breaksAt(desk)).toEqual([]);
  expect(desk.requests('moveBooking')).toHaveLength(1);
});

test('a booking that has moved is not cancelled, moved or linked under its old id, and the answer names the new one', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');
  const { bookings } = desk.engine;
  await bookings.link('nowak', id, null);
  const moved = desk.sandbox.move(id, { start: desk.at('11:00') });
  const over = { name: 'BookingEndedError', message: expect.stringContaining(`it is "${moved.id}" now`) };
  // The record may be behind, and knows it afterwards.
  await expect(bookings.cancel('nowak', id)).rejects.toMatchObject(over);
  await expect(bookings.cancel('nowak', id)).rejects.toMatchObject(over);
  await expect(bookings.link('nowak', id, 'apt-1')).rejects.toMatchObject(over);
  expect(standing(desk)).toEqual(['11:00']);
  expect(await known(desk, moved.id)).toMatchObject({ status: 'booked' });
  expect(desk.requests('cancelBooking')).toHaveLength(1);
});

test.each([
  ['before anybody asks', true],
  ['by who asks', false],
] as const)(
  'a move whose answer was lost, and that the patient has moved on, is found out %s, keeps the link and is refused by its old id',
  async (_, isKnownBefore) => {
    const desk = await opened();
    const id = await linked(desk);
    loseAnswer(desk);
    const to = { start: desk.at('11:00') };
    await expect(desk.engine.bookings.move('nowak', id, to)).rejects.toMatchObject({ mayHaveApplied: true });
    const ours = desk.sandbox.bookings(addressOf('nowak')).find(({ status }) => status === 'booked');
    const theirs = desk.sandbox.move(ours?.id ?? '', { start: desk.at('11:40') });
    if (isKnownBefore) await desk.rest();
    await desk.endLeases();
    await expect(desk.engine.bookings.move('nowak', id, to)).rejects.toMatchObject({
      name: 'BookingEndedError',
      message: expect.stringContaining(`it is "${theirs.id}" now`),
    });
    expect(await known(desk, theirs.id)).toMatchObject({ status: 'booked', ref: 'apt-1' });
    expect(await known(desk, id)).toMatchObject({ status: 'moved', movedTo: theirs.id });
    expect(standing(desk)).toEqual(['11:40']);
  },
);

test('a move whose answer was lost is asked about again while what it led to is not shown yet', async () => {
  const desk = await opened();
  const id = await linked(desk);
  loseAnswer(desk);
  const to = { start: desk.at('11:00') };
  const move = () => desk.engine.bookings.move('nowak', id, to);
  await expect(move()).rejects.toMatchObject({ mayHaveApplied: true });
  await desk.endLeases();
  const moved = desk.sandbox.bookings(addressOf('nowak')).find(({ status }) => status === 'booked');
  const unknown = { operation: 'getBooking', path: `/bookings/${moved?.id}` };
  desk.sandbox.faults.set([{ fault: { kind: 'status', status: 404 }, match: unknown }]);
  await expect(move()).rejects.toMatchObject({ name: 'BookingNotVisibleError' });
  expect(await known(desk, id)).toMatchObject({ status: 'booked', ref: 'apt-1' });
  desk.sandbox.faults.clear();
  expect(await move()).toMatchObject({ id: moved?.id, ref: 'apt-1' });
  expect(desk.requests('moveBooking')).toHaveLength(1);
});

test('a booking from before the marketplace told its moves is looked for by its time and its patient', async () => {
  const desk = await opened(beforeMovesAreTold());
  const { id } = patientBooks(desk, '10:20');
  await desk.engine.bookings.link('nowak', id, 'apt-1');
  loseAnswer(desk);
  const to = { start: desk.at('11:00') };
  await expect(desk.engine.bookings.move('nowak', id, to)).rejects.toMatchObject({ mayHaveApplied: true });
  await desk.endLeases();
  expect(await desk.engine.bookings.move('nowak', id, to)).toMatchObject({ start: to.start, ref: 'apt-1' });
  expect(desk.requests('moveBooking')).toHaveLength(1);
});

const KOT = { facilityId: 'facility', doctorId: 'kot', addressId: 'address-of-kot' };

describe.each(STRATEGIES)("another doctor's address of the facility, published with %s", (strategy) => {
  async function twoDoctors() {
    const desk = await opened();
    await desk.engine.putCalendar({ id: 'kot', account: 'many', ...KOT, strategy });
    await desk.open('kot', desk.date, { from: '10:00', to: '12:00' });
    await desk.rest();
    const { id } = patientBooks(desk, '10:20');
    const to = { start: desk.at('11:00'), addressId: KOT.addressId };
    const move = () => desk.engine.bookings.move('nowak', id, to);
    const busy = async (calendar: string) =>
      (await desk.engine.days(calendar, desk.date, desk.date))?.[0]?.busy;
    const conflicts = async () =>
      (await desk.engine.notifications()).items.filter(({ name }) => name === 'conflict');
    return { desk, id, to, move, busy, conflicts };
  }

  test('has the booking that moves there at once, however often that is asked for', async () => {
    const { desk, to, move, busy } = await twoDoctors();
    const report = await move();
    expect(report).toMatchObject({ calendar: 'kot', status: 'booked', start: to.start });
    expect(await busy('kot')).toMatchObject([{ booking: report?.id, start: to.start }]);
    expect(await busy('nowak')).toEqual([]);
    expect(await move()).toEqual(report);
    expect(desk.requests('moveBooking')).toHaveLength(1);
    // It is a booking of that calendar from then on.
    const again = await desk.engine.bookings.move('kot', report?.id ?? '', { start: desk.at('11:20') });
    expect(again).toMatchObject({ calendar: 'kot', start: desk.at('11:20') });
  });

  test('has it also where the answer was lost', async () => {
    const { desk, to, move, busy } = await twoDoctors();
    loseAnswer(desk);
    await expect(move()).rejects.toMatchObject({ mayHaveApplied: true });
    await desk.endLeases();
    const report = await move();
    expect(report).toMatchObject({ calendar: 'kot', status: 'booked', start: to.start });
    expect(await busy('kot')).toMatchObject([{ booking: report?.id, start: to.start }]);
    expect(await busy('nowak')).toEqual([]);
    expect(desk.requests('moveBooking')).toHaveLength(1);
  });

  test('has an appointment at that time: a conflict, and told once', async () => {
    const { desk, move, conflicts } = await twoDoctors();
    // What closes is on its way there for as long as it takes to sell the time twice.
    desk.sandbox.faults.set(
      ['replaceSlots', 'addCalendarBreak', 'bookSlot'].map((operation) => ({
        fault: { kind: 'status', status: 500 },
        match: { operation, path: `/${KOT.addressId}/` },
      })),
    );
    await desk.book('apt-kot', '11:10', '11:30', 'kot');
    const report = await move();
    expect(await conflicts()).toMatchObject([
      { calendar: 'kot', booking: report?.id, data: { occupancy: { ref: 'apt-kot' } } },
    ]);
    await move();
    desk.sandbox.faults.clear();
    await desk.rest();
    expect(await conflicts()).toHaveLength(1);
    expect((await desk.engine.status()).conflicts).toBe(1);
  });
});

test.each(['after', 'never'] as const)(
  'a move to a doctor of whom no calendar is here is done once, however often it is asked for: answer lost: %s',
  async (lost) => {
    const desk = await opened();
    const { id } = patientBooks(desk, '10:20');
    await desk.engine.putCalendar({ id: 'kot', account: 'many', ...KOT, strategy: 'slots' });
    await desk.open('kot', desk.date, { from: '10:00', to: '12:00' });
    await desk.rest();
    await desk.engine.db.deleteFrom('slotkeeper.calendars').where('id', '=', 'kot').execute();
    const move = () =>
      desk.engine.bookings.move('nowak', id, { start: desk.at('11:00'), addressId: KOT.addressId });
    if (lost === 'after') {
      loseAnswer(desk);
      await expect(move()).rejects.toMatchObject({ mayHaveApplied: true });
      await desk.endLeases();
    }
    const report = await move();
    const [moved] = desk.sandbox.bookings(KOT);
    const there = { calendar: null, id: moved?.id, start: desk.at('11:00'), end: desk.at('11:20') };
    expect(report).toMatchObject(there);
    // Whoever published the calendar meanwhile has found out what became of it.
    await desk.rest();
    expect(await move()).toEqual(report);
    expect(desk.requests('moveBooking')).toHaveLength(1);
  },
);
