// What is left when an answer is lost, or says something that is not so, and the calendar then goes another way.
import { describe, expect, test } from '@jest/globals';
import { PULL_SETTINGS, pullAll, pullUntil } from '../notifications/pull-options.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

const ALL = ['10:00', '10:20', '10:40'];

const own = (fixture: ClinicFixture) => [
  ...fixture.sandbox.breaks(addressOf('nowak')),
  ...fixture.sandbox.bookings(addressOf('nowak')).filter(({ status }) => status === 'booked'),
];

describe('the engine leaves no block behind', () => {
  test.each([
    ['breaks', 'addCalendarBreak', 'slots'],
    ['book', 'bookSlot', 'slots'],
    ['book', 'bookSlot', 'breaks'],
  ] as const)(
    'by %s when the answer to %s is lost and the strategy changes to %s',
    async (from, operation, to) => {
      const fixture = await ClinicFixture.open({ still: true, strategy: from });
      await fixture.open();
      await fixture.untilAtRest();
      fixture.sandbox.faults.set([{ fault: { kind: 'cut', when: 'after' }, match: { operation }, times: 1 }]);
      await fixture.book('apt', '10:20', '10:40');
      await eventually(() => own(fixture).length === 1);
      await eventually(() => fixture.requests(operation).every(({ answeredAt }) => answeredAt !== undefined));
      await fixture.strategy(to);
      await fixture.untilAtRest();
      expect(fixture.shown()).toEqual(['10:00', '10:40']);
      await fixture.free('apt');
      await fixture.untilAtRest();
      expect(fixture.shown()).toEqual(ALL);
      expect(own(fixture)).toEqual([]);
      expect(fixture.requests(operation)).toHaveLength(1);
    },
  );

  test('when the answer to bookSlot is lost: the booking is found, and not made twice', async () => {
    const fixture = await ClinicFixture.open({ still: true, strategy: 'book' });
    await fixture.open();
    await fixture.untilAtRest();
    const match = { operation: 'bookSlot' };
    fixture.sandbox.faults.set([{ fault: { kind: 'cut', when: 'after' }, match, times: 1 }]);
    await fixture.book('apt', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(own(fixture)).toHaveLength(1);
    expect(fixture.requests('bookSlot')).toHaveLength(1);
    await fixture.free('apt');
    await fixture.untilAtRest();
    expect(own(fixture)).toEqual([]);
  });

  test.each([true, false])(
    'when the answer to a move is lost, and moved bookings keep their comments: %s',
    async (keptComments) => {
      const fixture = await ClinicFixture.open({ still: true, strategy: 'book', sandbox: { keptComments } });
      await fixture.open();
      await fixture.untilAtRest();
      await fixture.book('apt', '10:00', '10:20');
      await fixture.untilAtRest();
      const match = { operation: 'moveBooking' };
      fixture.sandbox.faults.set([{ fault: { kind: 'cut', when: 'after' }, match, times: 1 }]);
      await fixture.book('apt', '10:40', '11:00');
      await fixture.untilAtRest();
      expect(own(fixture)).toHaveLength(1);
      expect(fixture.shown()).toEqual(['10:00', '10:20']);
      expect(fixture.requests('moveBooking')).toHaveLength(1);
      await fixture.free('apt');
      await fixture.untilAtRest();
      expect(own(fixture)).toEqual([]);
      expect(fixture.shown()).toEqual(ALL);
    },
  );

  test('when breaks cannot be deleted at once: published slots are not published again', async () => {
    const fixture = await ClinicFixture.open({ still: true, strategy: 'breaks' });
    await fixture.open();
    await fixture.book('first', '10:00', '10:20');
    await fixture.book('last', '10:40', '11:00');
    await fixture.untilAtRest();
    const published = fixture.requests('replaceSlots').length;
    const match = { operation: 'deleteCalendarBreak' };
    fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 503 }, match, times: 1 }]);
    await fixture.strategy('slots');
    await fixture.untilAtRest();
    expect(own(fixture)).toEqual([]);
    expect(fixture.shown()).toEqual(['10:20']);
    expect(fixture.requests('deleteCalendarBreak')).toHaveLength(3);
    expect(fixture.requests('replaceSlots')).toHaveLength(published + 1);
  });

  test('when the marketplace reports an existing break as deleted', async () => {
    const fixture = await ClinicFixture.open({ still: true, strategy: 'breaks' });
    await fixture.open();
    await fixture.book('apt', '10:20', '10:40');
    await fixture.untilAtRest();
    const match = { operation: 'deleteCalendarBreak' };
    fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 404 }, match, times: 1 }]);
    await fixture.free('apt');
    await fixture.untilAtRest();
    expect(own(fixture)).toEqual([]);
    expect(fixture.shown()).toEqual(ALL);
  });
});

describe('an own block that somebody removes in the marketplace', () => {
  async function heard(strategy: 'breaks' | 'book'): Promise<ClinicFixture> {
    const fixture = await ClinicFixture.open({
      still: true,
      strategy,
      notifications: PULL_SETTINGS,
    });
    const clients = ['many', 'alone'].map((id) => ({ id, secret: 'secret', notifications: 'pull' as const }));
    fixture.sandbox.setEstate(undefined, [
      ...clients.map((one) => (one.id === 'alone' ? { ...one, facilities: ['elsewhere'] } : one)),
    ]);
    await fixture.open();
    await fixture.untilAtRest();
    await fixture.book('apt', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(['10:00', '10:40']);
    return fixture;
  }

  test.each(['breaks', 'book'] as const)(
    'is made again once its notification arrives: %s',
    async (strategy) => {
      const fixture = await heard(strategy);
      const [{ id } = { id: '' }] = own(fixture);
      if (strategy === 'breaks') fixture.sandbox.removeBreak(id);
      else fixture.sandbox.cancel(id);
      expect(fixture.shown()).toEqual(ALL);
      await pullUntil(fixture, () => fixture.shown().length === 2);
      await pullAll(fixture);
      expect(fixture.shown()).toEqual(['10:00', '10:40']);
      expect(own(fixture)).toHaveLength(1);
      expect((await fixture.engine.notifications()).items).toEqual([]);
    },
  );
});

describe('a break that a doctor makes where an own break is in doubt', () => {
  async function closedByTheDoctor(
    fixture: ClinicFixture,
    fault: Parameters<ClinicFixture['sandbox']['faults']['set']>[0][0]['fault'],
  ) {
    await fixture.open();
    await fixture.untilAtRest();
    fixture.sandbox.faults.set([{ fault, match: { operation: 'addCalendarBreak' }, times: 1 }]);
    await fixture.book('apt', '10:20', '10:40');
    await eventually(() => fixture.requests('addCalendarBreak').some(({ fault: met }) => met));
    const range = { since: fixture.at('10:20'), till: fixture.at('10:40') };
    return fixture.sandbox.addBreak(addressOf('nowak'), { ...range, description: 'the doctor is out' }).id;
  }

  async function isLeftToHim(fixture: ClinicFixture, id: string): Promise<void> {
    await fixture.untilAtRest();
    await fixture.free('apt');
    await fixture.untilAtRest();
    expect(fixture.sandbox.breaks(addressOf('nowak')).map((one) => one.id)).toEqual([id]);
    expect(fixture.shown()).toEqual(['10:00', '10:40']);
    const busy = (await fixture.engine.days('nowak', fixture.date, fixture.date))?.[0]?.busy;
    expect(busy).toMatchObject([{ break: id }]);
  }

  test("stays the doctor's where a list reports it first", async () => {
    const fixture = await ClinicFixture.open({ still: true, strategy: 'breaks' });
    const id = await closedByTheDoctor(fixture, { kind: 'status', status: 503 });
    await isLeftToHim(fixture, id);
  });

  test("stays the doctor's where its notification arrives first", async () => {
    const fixture = await ClinicFixture.open({
      still: true,
      strategy: 'breaks',
      notifications: PULL_SETTINGS,
    });
    const clients = ['many', 'alone'].map((one) => ({
      id: one,
      secret: 'secret',
      notifications: 'pull' as const,
      ...(one === 'alone' ? { facilities: ['elsewhere'] } : {}),
    }));
    fixture.sandbox.setEstate(undefined, clients);
    // Nothing is read before the news has come.
    const off = { kind: 'status', status: 503 } as const;
    const id = await closedByTheDoctor(fixture, off);
    fixture.sandbox.faults.set([
      { fault: off, match: { operation: 'addCalendarBreak' } },
      { fault: off, match: { operation: 'getCalendarBreaks' } },
    ]);
    const known = () =>
      fixture.engine.db.selectFrom('slotkeeper.breaks').select('own').where('id', '=', id).executeTakeFirst();
    await pullUntil(fixture, known);
    expect(await known()).toEqual({ own: null });
    fixture.sandbox.faults.clear();
    await isLeftToHim(fixture, id);
  });
});

test('slots that only an own break blocks are cleared before it is deleted', async () => {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'breaks' });
  await fixture.open();
  await fixture.book('apt', '09:00', '12:00');
  await fixture.untilAtRest();
  expect(fixture.shown()).toEqual([]);
  // What was published is forgotten, as after going back to a backup, and the day is closed.
  await fixture.engine.db.updateTable('slotkeeper.days').set({ published: null, verified: false }).execute();
  let seen = 0;
  fixture.sandbox.on('request', () => {
    seen += fixture.shown().length;
  });
  await fixture.send({
    type: 'available',
    calendar: 'nowak',
    from: fixture.date,
    to: fixture.date,
    windows: [],
  });
  await fixture.untilAtRest();
  expect(own(fixture)).toEqual([]);
  expect(fixture.shown()).toEqual([]);
  expect(seen).toBe(0);
});

test('a break that is refused as invalid fails the day, with its reason, until a person retries it', async () => {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'breaks' });
  await fixture.open();
  await fixture.untilAtRest();
  const match = { operation: 'addCalendarBreak' };
  fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 400, message: 'No such range' }, match }]);
  await fixture.book('apt', '10:20', '10:40');
  await fixture.untilAtRest();
  const [failure] = await fixture.engine.failures.list();
  expect(failure).toMatchObject({ kind: 'day', reason: expect.stringContaining('No such range') });
  expect(fixture.requests('addCalendarBreak')).toHaveLength(1);

  fixture.sandbox.faults.clear();
  await fixture.engine.failures.settle('retry', [failure?.id ?? '']);
  await fixture.untilAtRest();
  expect(fixture.shown()).toEqual(['10:00', '10:40']);
});
