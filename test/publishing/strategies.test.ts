// The other two ways to take a time off sale, through the engine, against a marketplace.
import { expect, test } from '@jest/globals';
import { bandOf } from '../../src/core/priority.js';
import { listDays } from '../../src/db/tables/days.js';
import { addressOf, Desk } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

const described = (desk: Desk, calendar = 'nowak') =>
  desk.sandbox
    .breaks(addressOf(calendar))
    .map(({ since, till, description }) => `${since.slice(11, 16)}-${till.slice(11, 16)} ${description}`);

const booked = (desk: Desk, calendar = 'nowak') =>
  desk.sandbox
    .bookings(addressOf(calendar))
    .filter(({ status }) => status === 'booked')
    .map(
      ({ start_at, end_at, booked_by }) => `${start_at.slice(11, 16)}-${end_at.slice(11, 16)} ${booked_by}`,
    );

test('with breaks, all that is available is published, and a break hides what is taken', async () => {
  const desk = await Desk.open({ still: true, strategy: 'breaks' });
  await desk.open();
  await desk.rest();
  expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);

  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();

  expect(desk.shown()).toEqual(['10:00', '10:40']);
  expect(described(desk)).toEqual(['10:20-10:40 slotkeeper nowak']);
  expect(desk.requests('replaceSlots')).toHaveLength(1);

  await desk.free('apt-1');
  await desk.rest();
  expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);
  expect(described(desk)).toEqual([]);
});

test('with breaks, an appointment that moves is one write', async () => {
  const desk = await Desk.open({ still: true, strategy: 'breaks' });
  await desk.open();
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  const before = desk.requests('addCalendarBreak').length;
  await desk.book('apt-1', '10:00', '10:20');
  await desk.rest();
  expect(described(desk)).toEqual(['10:00-10:20 slotkeeper nowak']);
  expect(desk.requests('moveCalendarBreak')).toHaveLength(1);
  expect(desk.requests('addCalendarBreak')).toHaveLength(before);
});

test('with book, a placeholder takes the slot, moves with its appointment, and goes with it', async () => {
  const desk = await Desk.open({ still: true, strategy: 'book' });
  await desk.open();
  await desk.rest();
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  expect(booked(desk)).toEqual(['10:20-10:40 integration']);
  expect(described(desk)).toEqual([]);

  await desk.book('apt-1', '10:40', '11:00');
  await desk.rest();
  expect(booked(desk)).toEqual(['10:40-11:00 integration']);
  expect(desk.requests('moveBooking')).toHaveLength(1);

  await desk.free('apt-1');
  await desk.rest();
  expect(booked(desk)).toEqual([]);
  expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);
});

test('with book, what begins at no bookable start is hidden by a break', async () => {
  const desk = await Desk.open({ still: true, strategy: 'book' });
  await desk.open();
  await desk.rest();
  await desk.book('apt-1', '10:10', '10:30');
  await desk.rest();
  expect(booked(desk)).toEqual([]);
  expect(described(desk)).toEqual(['10:10-10:30 slotkeeper nowak']);
  expect(desk.shown()).toEqual(['10:40']);
});

test.each([
  ['slots', 'breaks'],
  ['breaks', 'slots'],
  ['slots', 'book'],
  ['book', 'slots'],
  ['breaks', 'book'],
  ['book', 'breaks'],
] as const)('a calendar passes from %s to %s and leaves nothing behind', async (from, to) => {
  const desk = await Desk.open({ still: true, strategy: from });
  await desk.open();
  await desk.rest();
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  expect(desk.shown()).toEqual(['10:00', '10:40']);
  let taken = 0;
  desk.sandbox.on('request', () => {
    if (desk.shown().includes('10:20')) taken += 1;
  });

  await desk.strategy(to);
  await desk.rest();

  expect(taken).toBe(0);
  expect(desk.shown()).toEqual(['10:00', '10:40']);
  if (to === 'slots') expect([...described(desk), ...booked(desk)]).toEqual([]);
  if (to === 'breaks') expect(booked(desk)).toEqual([]);
  await desk.free('apt-1');
  await desk.rest();
  expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);
  expect([...described(desk), ...booked(desk)]).toEqual([]);
});

test('with book, what we cancel ourselves is not taken for time that others have put on sale', async () => {
  const desk = await Desk.open({ still: true, strategy: 'book' });
  await desk.open();
  await desk.rest();
  await desk.book('apt-2', '10:00', '10:20');
  await desk.book('apt-3', '10:20', '10:40');
  await desk.rest();
  // The second cancellation is late: the day waits for it, and for nothing else.
  const match = { operation: 'cancelBooking' };
  desk.sandbox.faults.set([{ fault: { kind: 'status', status: 503 }, match, after: 1, times: 2 }]);
  await desk.say(
    { type: 'released', calendar: 'nowak', ref: 'apt-2' },
    { type: 'released', calendar: 'nowak', ref: 'apt-3' },
  );
  await eventually(() => desk.requests('cancelBooking').length >= 2);
  const [day] = await listDays(desk.engine.db, 'nowak', desk.date, desk.date);
  expect(bandOf(day?.priority ?? 0)).not.toBe('closing');
  await desk.rest();
  expect(booked(desk)).toEqual([]);
});

test.each(['slots', 'breaks', 'book'] as const)(
  'with %s, a leave of years shuts every day',
  async (strategy) => {
    const desk = await Desk.open({ still: true, strategy });
    await desk.engine.putCalendar({
      id: 'nowak',
      account: 'many',
      ...addressOf('nowak'),
      strategy,
      bufferAfter: 10,
    });
    await desk.open();
    await desk.rest();
    const leave = { type: 'occupied', calendar: 'nowak', ref: 'leave', kind: 'block' } as const;
    await desk.say({ ...leave, start: '2020-01-01T00:00:00', end: '9999-01-01T00:00:00' });
    await desk.rest();
    expect(desk.shown()).toEqual([]);
    expect(await desk.engine.failures.list()).toEqual([]);
    await desk.free('leave');
    await desk.rest();
    expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);
  },
);

test('with book, a placeholder that is over already, says a 400, is over', async () => {
  const desk = await Desk.open({ still: true, strategy: 'book' });
  await desk.open();
  await desk.rest();
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  expect(booked(desk)).toEqual(['10:20-10:40 integration']);
  const fault = { kind: 'status', status: 400, applied: true } as const;
  desk.sandbox.faults.set([{ fault, match: { operation: 'cancelBooking' }, times: 1 }]);
  await desk.free('apt-1');
  await desk.rest();
  expect(await desk.engine.failures.list()).toEqual([]);
  expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);
});

test.each(['breaks', 'book'] as const)(
  'with %s, an address that has no calendar yet is published',
  async (strategy) => {
    const desk = await Desk.open({ still: true, strategy });
    const fault = { kind: 'status', status: 404 } as const;
    desk.sandbox.faults.set([{ fault, match: { operation: 'getCalendarBreaks' } }]);
    await desk.open();
    await desk.book('apt-1', '10:20', '10:40');
    await desk.rest();
    expect(await desk.engine.failures.list()).toEqual([]);
    expect(desk.shown()).toEqual(['10:00', '10:40']);
  },
);

test.each([400, 403, 404, 409, 422])('with book, a %i to bookSlot has a break hide it', async (status) => {
  const desk = await Desk.open({ still: true, strategy: 'book' });
  await desk.open();
  await desk.rest();
  desk.sandbox.faults.set([{ fault: { kind: 'status', status }, match: { operation: 'bookSlot' } }]);
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  expect(described(desk)).toEqual(['10:20-10:40 slotkeeper nowak']);
  expect(booked(desk)).toEqual([]);
  expect(desk.shown()).toEqual(['10:00', '10:40']);
  expect(await desk.engine.failures.list()).toEqual([]);
});

test('with book, a visit that is not as long as it was asked for gives way to a break, once and for all', async () => {
  const desk = await Desk.open({ still: true, strategy: 'book', sandbox: { askedDurations: false } });
  await desk.open('nowak', desk.date, { from: '10:00', to: '12:00' });
  await desk.rest();
  await desk.book('apt-1', '10:20', '11:00');
  await desk.rest();
  expect(described(desk)).toEqual(['10:20-11:00 slotkeeper nowak']);
  expect(booked(desk)).toEqual([]);
  expect(desk.requests('bookSlot')).toHaveLength(1);
  expect(desk.requests('moveBooking')).toEqual([]);

  await desk.book('apt-2', '11:00', '11:20');
  await desk.rest();
  await desk.book('apt-2', '11:20', '12:00');
  await desk.rest();
  expect(described(desk)).toEqual(['10:20-11:00 slotkeeper nowak', '11:20-12:00 slotkeeper nowak']);
  expect(booked(desk)).toEqual([]);
  expect(desk.requests('moveBooking')).toHaveLength(1);
  expect(desk.shown()).toEqual(['10:00', '11:00']);
});

test('with book, a 403 to moveBooking has the appointment hidden anew, and the old placeholder cancelled', async () => {
  const desk = await Desk.open({ still: true, strategy: 'book' });
  await desk.open();
  await desk.rest();
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  desk.sandbox.faults.set([{ fault: { kind: 'status', status: 403 }, match: { operation: 'moveBooking' } }]);
  await desk.book('apt-1', '10:40', '11:00');
  await desk.rest();
  expect(booked(desk)).toEqual(['10:40-11:00 integration']);
  expect(desk.shown()).toEqual(['10:00', '10:20']);
  expect(await desk.engine.failures.list()).toEqual([]);
});

test.each([
  ['book', 'cancelBooking', 403],
  ['book', 'cancelBooking', 422],
  ['breaks', 'deleteCalendarBreak', 403],
] as const)(
  'with %s, what %s refuses with %d fails its day, and every other goes on',
  async (strategy, operation, status) => {
    const desk = await Desk.open({ still: true, strategy });
    await desk.open();
    await desk.open('nowak', desk.dateAfter(1));
    await desk.rest();
    await desk.book('apt-1', '10:20', '10:40');
    await desk.rest();
    desk.sandbox.faults.set([{ fault: { kind: 'status', status }, match: { operation } }]);
    await desk.free('apt-1');
    await desk.rest();
    const [failure, ...others] = await desk.engine.failures.list();
    expect(failure).toMatchObject({ id: `day/nowak/${desk.date}` });
    expect(others).toEqual([]);
    expect(desk.shown()).toEqual(['10:00', '10:40']);

    await desk.book('apt-2', '10:00', '10:20', 'nowak', desk.dateAfter(1));
    await desk.rest();
    expect(desk.shown('nowak', desk.dateAfter(1))).toEqual(['10:20', '10:40']);

    desk.sandbox.faults.set([]);
    await desk.engine.failures.settle('retry', [`day/nowak/${desk.date}`]);
    await desk.rest();
    expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);
  },
);
