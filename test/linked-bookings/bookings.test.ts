// What a clinic does to bookings that patients made in the marketplace: cancel, move, link; and appointments they follow.
import { expect, test } from '@jest/globals';
import { addressOf } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { bookedBookings, linked, openFixture, patientBooks, refuseMoves } from './booking-fixture.js';

test('a booking is cancelled, and its time is offered again', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  expect(fixture.shown()).not.toContain('10:20');

  const report = await fixture.engine.bookings.cancel('nowak', id, { reason: 'the doctor is ill' });
  await fixture.untilAtRest();

  expect(report).toMatchObject({ calendar: 'nowak', id, status: 'canceled', ref: null });
  expect(bookedBookings(fixture)).toEqual([]);
  expect(fixture.shown()).toContain('10:20');
});

test('a repeated cancellation changes nothing and is no error', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  await fixture.engine.bookings.cancel('nowak', id);
  const again = await fixture.engine.bookings.cancel('nowak', id);
  expect(again).toMatchObject({ id, status: 'canceled' });
  expect(fixture.requests('cancelBooking')).toHaveLength(1);
});

test('a cancellation whose answer was lost is recognised as done', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  fixture.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'cancelBooking' }, times: 1 },
  ]);
  await expect(fixture.engine.bookings.cancel('nowak', id)).rejects.toThrow();
  await fixture.endLeases();
  expect(await fixture.engine.bookings.cancel('nowak', id)).toMatchObject({ status: 'canceled' });
});

const notBooked = (applied: boolean) => ({
  fault: { kind: 'status', status: 400, applied } as const,
  match: { operation: 'cancelBooking' },
});

test('a booking counts as ended where a cancellation gets a 400: by hand, and when its appointment is released', async () => {
  const fixture = await openFixture();
  fixture.sandbox.faults.set([notBooked(true)]);
  const { id } = patientBooks(fixture, '11:00');
  expect(await fixture.engine.bookings.cancel('nowak', id)).toMatchObject({ id, status: 'canceled' });
  await linked(fixture);
  await fixture.free('apt-1');
  await fixture.untilAtRest();
  expect(await fixture.engine.failures.list()).toEqual([]);
  expect(fixture.shown()).toContain('10:20');
});

test('a booking that still exists after a 400 to its cancellation counts as refused', async () => {
  const fixture = await openFixture();
  const id = await linked(fixture);
  fixture.sandbox.faults.set([notBooked(false)]);
  await expect(fixture.engine.bookings.cancel('nowak', id)).rejects.toMatchObject({ status: 400 });
  await fixture.free('apt-1');
  await fixture.untilAtRest();
  expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'booking', booking: id }]);
  expect(fixture.shown()).not.toContain('10:20');
});

test('a booking moves, gets a new id, and the database is updated at once', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');

  const report = await fixture.engine.bookings.move('nowak', id, { start: fixture.at('11:00') });
  expect(report).toMatchObject({ calendar: 'nowak', status: 'booked', start: fixture.at('11:00') });
  expect(report?.id).not.toBe(id);
  await fixture.untilAtRest();
  const [day] = (await fixture.engine.days('nowak', fixture.date, fixture.date)) ?? [];
  expect(day?.busy).toEqual([{ booking: report?.id, start: fixture.at('11:00'), end: fixture.at('11:20') }]);
  expect(fixture.shown()).toContain('10:20');
  expect(fixture.shown()).not.toContain('11:00');
});

test('a move is not executed twice, whoever lost the answer', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  fixture.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'moveBooking' }, times: 1 },
  ]);
  await expect(fixture.engine.bookings.move('nowak', id, { start: fixture.at('11:00') })).rejects.toThrow();
  await fixture.endLeases();
  const first = await fixture.engine.bookings.move('nowak', id, { start: fixture.at('11:00') });
  const second = await fixture.engine.bookings.move('nowak', id, { start: fixture.at('11:00') });
  expect(first).toMatchObject({ status: 'booked', start: fixture.at('11:00') });
  expect(second).toEqual(first);
  expect(bookedBookings(fixture)).toEqual(['11:00']);
});

test('a booking that the marketplace refuses to move stays, and the answer has the reason', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  refuseMoves(fixture);
  await expect(
    fixture.engine.bookings.move('nowak', id, { start: fixture.at('11:00') }),
  ).rejects.toMatchObject({
    name: 'UnprocessableError',
  });
  await expect(fixture.engine.bookings.cancel('nowak', '999')).rejects.toMatchObject({
    name: 'NotFoundError',
  });
});

test('a linked booking follows its appointment, once, and is cancelled with it', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  expect(await fixture.engine.bookings.link('nowak', id, 'apt-1')).toMatchObject({ id, ref: 'apt-1' });
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual(['10:20']);

  await fixture.book('apt-1', '11:00', '11:20');
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual(['11:00']);
  await fixture.book('apt-1', '11:00', '11:20');
  await fixture.untilAtRest();
  expect(fixture.requests('moveBooking')).toHaveLength(1);
  expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40', '11:20', '11:40']);

  await fixture.free('apt-1');
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual([]);
  expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40', '11:00', '11:20', '11:40']);
});

test('a linked booking whose move request was lost is moved once', async () => {
  const fixture = await openFixture();
  await linked(fixture);
  fixture.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'moveBooking' }, times: 1 },
  ]);
  await fixture.book('apt-1', '11:00', '11:20');
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual(['11:00']);
  const bookings = fixture.sandbox.bookings(addressOf('nowak'));
  expect(bookings.map(({ status }) => status)).toEqual(['canceled', 'booked']);
});

test('a linked booking moves before its new time is closed, also during a publication', async () => {
  const fixture = await openFixture();
  await linked(fixture);
  const match = { operation: 'replaceSlots' } as const;
  // It is under way until the faults are cleared.
  fixture.sandbox.faults.set([{ fault: { kind: 'latency', ms: 45_000 }, match, times: 1 }]);
  const writes = fixture.requests('replaceSlots').length;
  await fixture.book('apt-2', '11:40', '12:00');
  await eventually(() => fixture.requests('replaceSlots').length > writes);
  await fixture.book('apt-1', '11:00', '11:20');
  fixture.sandbox.faults.clear();
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual(['11:00']);
  expect(await fixture.engine.failures.list()).toEqual([]);
});

test('a linked booking moves before another is cancelled, which only frees time', async () => {
  const fixture = await openFixture();
  const [first, second] = [patientBooks(fixture, '10:00'), patientBooks(fixture, '10:40')];
  await fixture.book('apt-1', '10:00', '10:20');
  await fixture.book('apt-2', '10:40', '11:00');
  await fixture.engine.bookings.link('nowak', first.id, 'apt-1');
  await fixture.engine.bookings.link('nowak', second.id, 'apt-2');
  await fixture.untilAtRest();
  const order: string[] = [];
  fixture.sandbox.on('request', ({ operation }) => order.push(operation ?? ''));
  await fixture.send(
    { type: 'released', calendar: 'nowak', ref: 'apt-1' },
    {
      type: 'occupied',
      calendar: 'nowak',
      ref: 'apt-2',
      start: fixture.at('11:20'),
      end: fixture.at('11:40'),
    },
  );
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual(['11:20']);
  const moves = order.filter((one) => one === 'cancelBooking' || one === 'moveBooking');
  expect(moves).toEqual(['moveBooking', 'cancelBooking']);
});

test('a cancellation whose answer was lost is not given up because it cannot be looked up', async () => {
  const fixture = await openFixture();
  await linked(fixture);
  fixture.sandbox.faults.set([
    { fault: { kind: 'cut', when: 'after' }, match: { operation: 'cancelBooking' }, times: 1 },
    { fault: { kind: 'status', status: 500 }, match: { operation: 'getBooking' }, times: 1 },
  ]);
  await fixture.free('apt-1');
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual([]);
  expect(await fixture.engine.failures.list()).toEqual([]);
});

test('a refused change of a linked booking is a visible failure, and can be dropped', async () => {
  const fixture = await openFixture();
  const id = await linked(fixture);
  refuseMoves(fixture);
  await fixture.book('apt-1', '11:00', '11:20');
  await fixture.untilAtRest();
  expect(await fixture.engine.failures.list()).toEqual([
    {
      kind: 'booking',
      id: `booking/nowak/${id}`,
      calendar: 'nowak',
      booking: id,
      reason: expect.stringContaining('paid'),
    },
  ]);
  expect((await fixture.engine.status()).failed).toBe(1);

  await fixture.engine.failures.settle('retry', [`booking/nowak/${id}`]);
  await fixture.untilAtRest();
  expect(await fixture.engine.failures.list()).toHaveLength(1);
  expect(fixture.requests('moveBooking')).toHaveLength(2);
  expect(await fixture.engine.failures.settle('drop', [`booking/nowak/${id}`])).toEqual({
    done: 1,
    unknown: [],
  });
  expect(await fixture.engine.failures.list()).toEqual([]);
  expect(fixture.shown()).not.toContain('10:20');
});

test.each([
  ['cancelBooking', 'released'],
  ['moveBooking', 'moved'],
] as const)(
  "a 403 to %s is that booking's, not the calendar's, which goes on being published",
  async (operation, how) => {
    const fixture = await openFixture();
    const id = await linked(fixture);
    fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 403 }, match: { operation } }]);
    if (how === 'released') await fixture.free('apt-1');
    else await fixture.book('apt-1', '11:00', '11:20');
    await fixture.book('apt-2', '11:40', '12:00');
    await fixture.untilAtRest();
    expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'booking', booking: id }]);
    expect(bookedBookings(fixture)).toEqual(['10:20']);
    expect(fixture.shown()).not.toContain('11:40');
  },
);

test('the account can configure the path of moveBooking', async () => {
  const fixture = await openFixture();
  const { engine } = fixture;
  const account = await fixture.account();
  await engine.putAccount({ ...account, foundingMovePath: true });
  await fixture.untilAtRest();
  const { id } = patientBooks(fixture, '10:20');
  await engine.bookings.move('nowak', id, { start: fixture.at('11:00') });
  expect(fixture.requests('moveBooking').map(({ path }) => path.endsWith('/move'))).toEqual([false]);
});
