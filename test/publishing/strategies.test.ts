// The other two ways to take a time off sale, through the engine, against a marketplace.
import { expect, test } from '@jest/globals';
import { bandOf } from '../../src/core/priority.js';
import { listDays } from '../../src/db/tables/days.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

const described = (fixture: ClinicFixture, calendar = 'nowak') =>
  fixture.sandbox
    .breaks(addressOf(calendar))
    .map(({ since, till, description }) => `${since.slice(11, 16)}-${till.slice(11, 16)} ${description}`);

const booked = (fixture: ClinicFixture, calendar = 'nowak') =>
  fixture.sandbox
    .bookings(addressOf(calendar))
    .filter(({ status }) => status === 'booked')
    .map(
      ({ start_at, end_at, booked_by }) => `${start_at.slice(11, 16)}-${end_at.slice(11, 16)} ${booked_by}`,
    );

test('with breaks, all available time is published, and a break blocks busy time', async () => {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'breaks' });
  await fixture.open();
  await fixture.untilAtRest();
  expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);

  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();

  expect(fixture.shown()).toEqual(['10:00', '10:40']);
  expect(described(fixture)).toEqual(['10:20-10:40 slotkeeper nowak']);
  expect(fixture.requests('replaceSlots')).toHaveLength(1);

  await fixture.free('apt-1');
  await fixture.untilAtRest();
  expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);
  expect(described(fixture)).toEqual([]);
});

test('with breaks, an appointment that moves is one write', async () => {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'breaks' });
  await fixture.open();
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  const before = fixture.requests('addCalendarBreak').length;
  await fixture.book('apt-1', '10:00', '10:20');
  await fixture.untilAtRest();
  expect(described(fixture)).toEqual(['10:00-10:20 slotkeeper nowak']);
  expect(fixture.requests('moveCalendarBreak')).toHaveLength(1);
  expect(fixture.requests('addCalendarBreak')).toHaveLength(before);
});

test('with book, a placeholder blocks the slot, moves with its appointment, and is cancelled with it', async () => {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'book' });
  await fixture.open();
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  expect(booked(fixture)).toEqual(['10:20-10:40 integration']);
  expect(described(fixture)).toEqual([]);

  await fixture.book('apt-1', '10:40', '11:00');
  await fixture.untilAtRest();
  expect(booked(fixture)).toEqual(['10:40-11:00 integration']);
  expect(fixture.requests('moveBooking')).toHaveLength(1);

  await fixture.free('apt-1');
  await fixture.untilAtRest();
  expect(booked(fixture)).toEqual([]);
  expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);
});

test('with book, a break blocks an appointment that begins at no bookable start', async () => {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'book' });
  await fixture.open();
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:10', '10:30');
  await fixture.untilAtRest();
  expect(booked(fixture)).toEqual([]);
  expect(described(fixture)).toEqual(['10:10-10:30 slotkeeper nowak']);
  expect(fixture.shown()).toEqual(['10:40']);
});

test.each([
  ['slots', 'breaks'],
  ['breaks', 'slots'],
  ['slots', 'book'],
  ['book', 'slots'],
  ['breaks', 'book'],
  ['book', 'breaks'],
] as const)('a calendar passes from %s to %s and leaves nothing behind', async (from, to) => {
  const fixture = await ClinicFixture.open({ still: true, strategy: from });
  await fixture.open();
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  expect(fixture.shown()).toEqual(['10:00', '10:40']);
  let taken = 0;
  fixture.sandbox.on('request', () => {
    if (fixture.shown().includes('10:20')) taken += 1;
  });

  await fixture.strategy(to);
  await fixture.untilAtRest();

  expect(taken).toBe(0);
  expect(fixture.shown()).toEqual(['10:00', '10:40']);
  if (to === 'slots') expect([...described(fixture), ...booked(fixture)]).toEqual([]);
  if (to === 'breaks') expect(booked(fixture)).toEqual([]);
  await fixture.free('apt-1');
  await fixture.untilAtRest();
  expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);
  expect([...described(fixture), ...booked(fixture)]).toEqual([]);
});

test('with book, a placeholder that the engine cancels does not count as time that others put on sale', async () => {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'book' });
  await fixture.open();
  await fixture.untilAtRest();
  await fixture.book('apt-2', '10:00', '10:20');
  await fixture.book('apt-3', '10:20', '10:40');
  await fixture.untilAtRest();
  // The second cancellation is late: the day waits for it, and for nothing else.
  const match = { operation: 'cancelBooking' };
  fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 503 }, match, after: 1, times: 2 }]);
  await fixture.send(
    { type: 'released', calendar: 'nowak', ref: 'apt-2' },
    { type: 'released', calendar: 'nowak', ref: 'apt-3' },
  );
  await eventually(() => fixture.requests('cancelBooking').length >= 2);
  const [day] = await listDays(fixture.engine.db, 'nowak', fixture.date, fixture.date);
  expect(bandOf(day?.priority ?? 0)).not.toBe('closing');
  await fixture.untilAtRest();
  expect(booked(fixture)).toEqual([]);
});

test.each(['slots', 'breaks', 'book'] as const)(
  'with %s, a leave of years closes every day',
  async (strategy) => {
    const fixture = await ClinicFixture.open({ still: true, strategy });
    await fixture.engine.putCalendar({
      id: 'nowak',
      account: 'many',
      ...addressOf('nowak'),
      strategy,
      bufferAfter: 10,
    });
    await fixture.open();
    await fixture.untilAtRest();
    const leave = { type: 'occupied', calendar: 'nowak', ref: 'leave', kind: 'block' } as const;
    await fixture.send({ ...leave, start: '2020-01-01T00:00:00', end: '9999-01-01T00:00:00' });
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual([]);
    expect(await fixture.engine.failures.list()).toEqual([]);
    await fixture.free('leave');
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);
  },
);

test('with book, a placeholder counts as ended where the marketplace answers 400', async () => {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'book' });
  await fixture.open();
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  expect(booked(fixture)).toEqual(['10:20-10:40 integration']);
  const fault = { kind: 'status', status: 400, applied: true } as const;
  fixture.sandbox.faults.set([{ fault, match: { operation: 'cancelBooking' }, times: 1 }]);
  await fixture.free('apt-1');
  await fixture.untilAtRest();
  expect(await fixture.engine.failures.list()).toEqual([]);
  expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);
});

test.each(['breaks', 'book'] as const)(
  'with %s, an address that has no calendar yet is published',
  async (strategy) => {
    const fixture = await ClinicFixture.open({ still: true, strategy });
    const fault = { kind: 'status', status: 404 } as const;
    fixture.sandbox.faults.set([{ fault, match: { operation: 'getCalendarBreaks' } }]);
    await fixture.open();
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(await fixture.engine.failures.list()).toEqual([]);
    expect(fixture.shown()).toEqual(['10:00', '10:40']);
  },
);

test.each([400, 403, 404, 409, 422])(
  'with book, a break blocks the appointment where bookSlot answers %i',
  async (status) => {
    const fixture = await ClinicFixture.open({ still: true, strategy: 'book' });
    await fixture.open();
    await fixture.untilAtRest();
    fixture.sandbox.faults.set([{ fault: { kind: 'status', status }, match: { operation: 'bookSlot' } }]);
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(described(fixture)).toEqual(['10:20-10:40 slotkeeper nowak']);
    expect(booked(fixture)).toEqual([]);
    expect(fixture.shown()).toEqual(['10:00', '10:40']);
    expect(await fixture.engine.failures.list()).toEqual([]);
  },
);

test('with book, a break replaces a booking that is not as long as requested, once', async () => {
  const fixture = await ClinicFixture.open({
    still: true,
    strategy: 'book',
    sandbox: { askedDurations: false },
  });
  await fixture.open('nowak', fixture.date, { from: '10:00', to: '12:00' });
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:20', '11:00');
  await fixture.untilAtRest();
  expect(described(fixture)).toEqual(['10:20-11:00 slotkeeper nowak']);
  expect(booked(fixture)).toEqual([]);
  expect(fixture.requests('bookSlot')).toHaveLength(1);
  expect(fixture.requests('moveBooking')).toEqual([]);

  await fixture.book('apt-2', '11:00', '11:20');
  await fixture.untilAtRest();
  await fixture.book('apt-2', '11:20', '12:00');
  await fixture.untilAtRest();
  expect(described(fixture)).toEqual(['10:20-11:00 slotkeeper nowak', '11:20-12:00 slotkeeper nowak']);
  expect(booked(fixture)).toEqual([]);
  expect(fixture.requests('moveBooking')).toHaveLength(1);
  expect(fixture.shown()).toEqual(['10:00', '11:00']);
});

test('with book, the appointment is blocked anew and the old placeholder cancelled where moveBooking answers 403', async () => {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'book' });
  await fixture.open();
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  fixture.sandbox.faults.set([
    { fault: { kind: 'status', status: 403 }, match: { operation: 'moveBooking' } },
  ]);
  await fixture.book('apt-1', '10:40', '11:00');
  await fixture.untilAtRest();
  expect(booked(fixture)).toEqual(['10:40-11:00 integration']);
  expect(fixture.shown()).toEqual(['10:00', '10:20']);
  expect(await fixture.engine.failures.list()).toEqual([]);
});

test.each([
  ['book', 'cancelBooking', 403],
  ['book', 'cancelBooking', 422],
  ['breaks', 'deleteCalendarBreak', 403],
] as const)(
  'with %s, a refusal of %s with %d fails its day, and every other day is published',
  async (strategy, operation, status) => {
    const fixture = await ClinicFixture.open({ still: true, strategy });
    await fixture.open();
    await fixture.open('nowak', fixture.dateAfter(1));
    await fixture.untilAtRest();
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    fixture.sandbox.faults.set([{ fault: { kind: 'status', status }, match: { operation } }]);
    await fixture.free('apt-1');
    await fixture.untilAtRest();
    const [failure, ...others] = await fixture.engine.failures.list();
    expect(failure).toMatchObject({ id: `day/nowak/${fixture.date}` });
    expect(others).toEqual([]);
    expect(fixture.shown()).toEqual(['10:00', '10:40']);

    await fixture.book('apt-2', '10:00', '10:20', 'nowak', fixture.dateAfter(1));
    await fixture.untilAtRest();
    expect(fixture.shown('nowak', fixture.dateAfter(1))).toEqual(['10:20', '10:40']);

    fixture.sandbox.faults.set([]);
    await fixture.engine.failures.settle('retry', [`day/nowak/${fixture.date}`]);
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);
  },
);
