// The other two ways to take a time off sale, through the engine, against a marketplace.
import { expect, test } from '@jest/globals';
import { addressOf, Desk } from '../chaos/desk.js';

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
  const desk = await Desk.open({ strategy: 'breaks' });
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
  const desk = await Desk.open({ strategy: 'breaks' });
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
  const desk = await Desk.open({ strategy: 'book' });
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
  const desk = await Desk.open({ strategy: 'book' });
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
  const desk = await Desk.open({ strategy: from });
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

test.each([400, 403, 404, 409, 422])('with book, a %i to bookSlot has a break hide it', async (status) => {
  const desk = await Desk.open({ strategy: 'book' });
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

test('with book, a 403 to moveBooking has the appointment hidden anew, and the old placeholder cancelled', async () => {
  const desk = await Desk.open({ strategy: 'book' });
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
