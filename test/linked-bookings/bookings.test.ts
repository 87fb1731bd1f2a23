// What a clinic does to bookings that patients made in the marketplace: cancel, move, link; and appointments they follow.
import { expect, test } from '@jest/globals';
import { addressOf } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { linked, opened, patientBooks, refuseMoves, standing } from './booking-fixture.js';

test('a booking is cancelled, and its time is on offer again', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');
  expect(desk.shown()).not.toContain('10:20');

  const report = await desk.engine.bookings.cancel('nowak', id, { reason: 'the doctor is ill' });
  await desk.rest();

  expect(report).toMatchObject({ calendar: 'nowak', id, status: 'canceled', ref: null });
  expect(standing(desk)).toEqual([]);
  expect(desk.shown()).toContain('10:20');
});

test('cancelling again changes nothing and is no error', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');
  await desk.engine.bookings.cancel('nowak', id);
  const again = await desk.engine.bookings.cancel('nowak', id);
  expect(again).toMatchObject({ id, status: 'canceled' });
  expect(desk.requests('cancelBooking')).toHaveLength(1);
});

test('a cancellation whose answer was lost is found to be done', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');
  desk.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'cancelBooking' }, times: 1 },
  ]);
  await expect(desk.engine.bookings.cancel('nowak', id)).rejects.toThrow();
  await desk.endLeases();
  expect(await desk.engine.bookings.cancel('nowak', id)).toMatchObject({ status: 'canceled' });
});

const notBooked = (applied: boolean) => ({
  fault: { kind: 'status', status: 400, applied } as const,
  match: { operation: 'cancelBooking' },
});

test('a booking that is over already, says a 400, is over: by hand, and when its appointment is released', async () => {
  const desk = await opened();
  desk.sandbox.faults.set([notBooked(true)]);
  const { id } = patientBooks(desk, '11:00');
  expect(await desk.engine.bookings.cancel('nowak', id)).toMatchObject({ id, status: 'canceled' });
  await linked(desk);
  await desk.free('apt-1');
  await desk.rest();
  expect(await desk.engine.failures.list()).toEqual([]);
  expect(desk.shown()).toContain('10:20');
});

test('a booking that stands after a 400 to its cancellation is one that the marketplace refused', async () => {
  const desk = await opened();
  const id = await linked(desk);
  desk.sandbox.faults.set([notBooked(false)]);
  await expect(desk.engine.bookings.cancel('nowak', id)).rejects.toMatchObject({ status: 400 });
  await desk.free('apt-1');
  await desk.rest();
  expect(await desk.engine.failures.list()).toMatchObject([{ kind: 'booking', booking: id }]);
  expect(desk.shown()).not.toContain('10:20');
});

test('a booking moves, has a new id, and the record follows at once', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');

  const report = await desk.engine.bookings.move('nowak', id, { start: desk.at('11:00') });
  expect(report).toMatchObject({ calendar: 'nowak', status: 'booked', start: desk.at('11:00') });
  expect(report?.id).not.toBe(id);
  await desk.rest();
  const [day] = (await desk.engine.days('nowak', desk.date, desk.date)) ?? [];
  expect(day?.busy).toEqual([{ booking: report?.id, start: desk.at('11:00'), end: desk.at('11:20') }]);
  expect(desk.shown()).toContain('10:20');
  expect(desk.shown()).not.toContain('11:00');
});

test('a move is not made twice, whoever lost the answer', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');
  desk.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'moveBooking' }, times: 1 },
  ]);
  await expect(desk.engine.bookings.move('nowak', id, { start: desk.at('11:00') })).rejects.toThrow();
  await desk.endLeases();
  const first = await desk.engine.bookings.move('nowak', id, { start: desk.at('11:00') });
  const second = await desk.engine.bookings.move('nowak', id, { start: desk.at('11:00') });
  expect(first).toMatchObject({ status: 'booked', start: desk.at('11:00') });
  expect(second).toEqual(first);
  expect(standing(desk)).toEqual(['11:00']);
});

test('a booking that the marketplace does not move stays, and it says why', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');
  refuseMoves(desk);
  await expect(desk.engine.bookings.move('nowak', id, { start: desk.at('11:00') })).rejects.toMatchObject({
    name: 'UnprocessableError',
  });
  await expect(desk.engine.bookings.cancel('nowak', '999')).rejects.toMatchObject({ name: 'NotFoundError' });
});

test('a linked booking goes where its appointment goes, once, and is cancelled with it', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');
  expect(await desk.engine.bookings.link('nowak', id, 'apt-1')).toMatchObject({ id, ref: 'apt-1' });
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  expect(standing(desk)).toEqual(['10:20']);

  await desk.book('apt-1', '11:00', '11:20');
  await desk.rest();
  expect(standing(desk)).toEqual(['11:00']);
  await desk.book('apt-1', '11:00', '11:20');
  await desk.rest();
  expect(desk.requests('moveBooking')).toHaveLength(1);
  expect(desk.shown()).toEqual(['10:00', '10:20', '10:40', '11:20', '11:40']);

  await desk.free('apt-1');
  await desk.rest();
  expect(standing(desk)).toEqual([]);
  expect(desk.shown()).toEqual(['10:00', '10:20', '10:40', '11:00', '11:20', '11:40']);
});

test('a linked booking whose move was lost on the way is moved once', async () => {
  const desk = await opened();
  await linked(desk);
  desk.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'moveBooking' }, times: 1 },
  ]);
  await desk.book('apt-1', '11:00', '11:20');
  await desk.rest();
  expect(standing(desk)).toEqual(['11:00']);
  const bookings = desk.sandbox.bookings(addressOf('nowak'));
  expect(bookings.map(({ status }) => status)).toEqual(['canceled', 'booked']);
});

test('a linked booking moves before its new time is closed, also while a publish is under way', async () => {
  const desk = await opened();
  await linked(desk);
  const match = { operation: 'replaceSlots' } as const;
  // It is under way until the faults are cleared.
  desk.sandbox.faults.set([{ fault: { kind: 'latency', ms: 45_000 }, match, times: 1 }]);
  const writes = desk.requests('replaceSlots').length;
  await desk.book('apt-2', '11:40', '12:00');
  await eventually(() => desk.requests('replaceSlots').length > writes);
  await desk.book('apt-1', '11:00', '11:20');
  desk.sandbox.faults.clear();
  await desk.rest();
  expect(standing(desk)).toEqual(['11:00']);
  expect(await desk.engine.failures.list()).toEqual([]);
});

test('a linked booking moves before another is cancelled, which only frees time', async () => {
  const desk = await opened();
  const [first, second] = [patientBooks(desk, '10:00'), patientBooks(desk, '10:40')];
  await desk.book('apt-1', '10:00', '10:20');
  await desk.book('apt-2', '10:40', '11:00');
  await desk.engine.bookings.link('nowak', first.id, 'apt-1');
  await desk.engine.bookings.link('nowak', second.id, 'apt-2');
  await desk.rest();
  const order: string[] = [];
  desk.sandbox.on('request', ({ operation }) => order.push(operation ?? ''));
  await desk.say(
    { type: 'released', calendar: 'nowak', ref: 'apt-1' },
    {
      type: 'occupied',
      calendar: 'nowak',
      ref: 'apt-2',
      start: desk.at('11:20'),
      end: desk.at('11:40'),
    },
  );
  await desk.rest();
  expect(standing(desk)).toEqual(['11:20']);
  const moves = order.filter((one) => one === 'cancelBooking' || one === 'moveBooking');
  expect(moves).toEqual(['moveBooking', 'cancelBooking']);
});

test('a cancellation whose answer was lost is not given up because it cannot be looked up', async () => {
  const desk = await opened();
  await linked(desk);
  desk.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'cancelBooking' }, times: 1 },
    { fault: { kind: 'status', status: 500 }, match: { operation: 'getBooking' }, times: 1 },
  ]);
  await desk.free('apt-1');
  await desk.rest();
  expect(standing(desk)).toEqual([]);
  expect(await desk.engine.failures.list()).toEqual([]);
});

test('what the marketplace refuses of a linked booking fails where it can be seen, and is given up by hand', async () => {
  const desk = await opened();
  const id = await linked(desk);
  refuseMoves(desk);
  await desk.book('apt-1', '11:00', '11:20');
  await desk.rest();
  expect(await desk.engine.failures.list()).toEqual([
    {
      kind: 'booking',
      id: `booking/nowak/${id}`,
      calendar: 'nowak',
      booking: id,
      reason: expect.stringContaining('paid'),
    },
  ]);
  expect((await desk.engine.status()).failed).toBe(1);

  await desk.engine.failures.settle('retry', [`booking/nowak/${id}`]);
  await desk.rest();
  expect(await desk.engine.failures.list()).toHaveLength(1);
  expect(desk.requests('moveBooking')).toHaveLength(2);
  expect(await desk.engine.failures.settle('drop', [`booking/nowak/${id}`])).toEqual({
    done: 1,
    unknown: [],
  });
  expect(await desk.engine.failures.list()).toEqual([]);
  expect(desk.shown()).not.toContain('10:20');
});

test.each([
  ['cancelBooking', 'released'],
  ['moveBooking', 'moved'],
] as const)(
  "a 403 to %s is that booking's, not the calendar's, which goes on being published",
  async (operation, how) => {
    const desk = await opened();
    const id = await linked(desk);
    desk.sandbox.faults.set([{ fault: { kind: 'status', status: 403 }, match: { operation } }]);
    if (how === 'released') await desk.free('apt-1');
    else await desk.book('apt-1', '11:00', '11:20');
    await desk.book('apt-2', '11:40', '12:00');
    await desk.rest();
    expect(await desk.engine.failures.list()).toMatchObject([{ kind: 'booking', booking: id }]);
    expect(standing(desk)).toEqual(['10:20']);
    expect(desk.shown()).not.toContain('11:40');
  },
);

test('the founding page moves by another path, where the account asks for it', async () => {
  const desk = await opened();
  const { engine } = desk;
  const account = await desk.account();
  await engine.putAccount({ ...account, foundingMovePath: true });
  await desk.rest();
  const { id } = patientBooks(desk, '10:20');
  await engine.bookings.move('nowak', id, { start: desk.at('11:00') });
  expect(desk.requests('moveBooking').map(({ path }) => path.endsWith('/move'))).toEqual([false]);
});
