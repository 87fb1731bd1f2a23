// What is left when an answer is lost, or says something that is not so, and the calendar then goes another way.
import { describe, expect, test } from '@jest/globals';
import { hears, hearsAll, PULLS } from '../notifications/pull-options.js';
import { addressOf, Desk } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

const ALL = ['10:00', '10:20', '10:40'];

const own = (desk: Desk) => [
  ...desk.sandbox.breaks(addressOf('nowak')),
  ...desk.sandbox.bookings(addressOf('nowak')).filter(({ status }) => status === 'booked'),
];

describe('nothing is left behind', () => {
  test.each([
    ['breaks', 'addCalendarBreak', 'slots'],
    ['book', 'bookSlot', 'slots'],
    ['book', 'bookSlot', 'breaks'],
  ] as const)(
    'by %s when the answer to %s is lost and the calendar goes over to %s',
    async (from, operation, to) => {
      const desk = await Desk.open({ still: true, strategy: from });
      await desk.open();
      await desk.rest();
      desk.sandbox.faults.set([{ fault: { kind: 'cut', when: 'after' }, match: { operation }, times: 1 }]);
      await desk.book('apt', '10:20', '10:40');
      await eventually(() => own(desk).length === 1);
      await eventually(() => desk.requests(operation).every(({ answeredAt }) => answeredAt !== undefined));
      await desk.strategy(to);
      await desk.rest();
      expect(desk.shown()).toEqual(['10:00', '10:40']);
      await desk.free('apt');
      await desk.rest();
      expect(desk.shown()).toEqual(ALL);
      expect(own(desk)).toEqual([]);
      expect(desk.requests(operation)).toHaveLength(1);
    },
  );

  test('when the answer to bookSlot is lost: what is there is found, and not booked twice', async () => {
    const desk = await Desk.open({ still: true, strategy: 'book' });
    await desk.open();
    await desk.rest();
    const match = { operation: 'bookSlot' };
    desk.sandbox.faults.set([{ fault: { kind: 'cut', when: 'after' }, match, times: 1 }]);
    await desk.book('apt', '10:20', '10:40');
    await desk.rest();
    expect(own(desk)).toHaveLength(1);
    expect(desk.requests('bookSlot')).toHaveLength(1);
    await desk.free('apt');
    await desk.rest();
    expect(own(desk)).toEqual([]);
  });

  test.each([true, false])(
    'when the answer to a move is lost, and those that move keep their comments: %s',
    async (keptComments) => {
      const desk = await Desk.open({ still: true, strategy: 'book', sandbox: { keptComments } });
      await desk.open();
      await desk.rest();
      await desk.book('apt', '10:00', '10:20');
      await desk.rest();
      const match = { operation: 'moveBooking' };
      desk.sandbox.faults.set([{ fault: { kind: 'cut', when: 'after' }, match, times: 1 }]);
      await desk.book('apt', '10:40', '11:00');
      await desk.rest();
      expect(own(desk)).toHaveLength(1);
      expect(desk.shown()).toEqual(['10:00', '10:20']);
      expect(desk.requests('moveBooking')).toHaveLength(1);
      await desk.free('apt');
      await desk.rest();
      expect(own(desk)).toEqual([]);
      expect(desk.shown()).toEqual(ALL);
    },
  );

  test('when breaks cannot go at once: slots that were published are not published again with them', async () => {
    const desk = await Desk.open({ still: true, strategy: 'breaks' });
    await desk.open();
    await desk.book('first', '10:00', '10:20');
    await desk.book('last', '10:40', '11:00');
    await desk.rest();
    const published = desk.requests('replaceSlots').length;
    const match = { operation: 'deleteCalendarBreak' };
    desk.sandbox.faults.set([{ fault: { kind: 'status', status: 503 }, match, times: 1 }]);
    await desk.strategy('slots');
    await desk.rest();
    expect(own(desk)).toEqual([]);
    expect(desk.shown()).toEqual(['10:20']);
    expect(desk.requests('deleteCalendarBreak')).toHaveLength(3);
    expect(desk.requests('replaceSlots')).toHaveLength(published + 1);
  });

  test('when the marketplace says that a break is gone, and it is not', async () => {
    const desk = await Desk.open({ still: true, strategy: 'breaks' });
    await desk.open();
    await desk.book('apt', '10:20', '10:40');
    await desk.rest();
    const match = { operation: 'deleteCalendarBreak' };
    desk.sandbox.faults.set([{ fault: { kind: 'status', status: 404 }, match, times: 1 }]);
    await desk.free('apt');
    await desk.rest();
    expect(own(desk)).toEqual([]);
    expect(desk.shown()).toEqual(ALL);
  });
});

describe('what somebody in the marketplace takes away of ours', () => {
  async function heard(strategy: 'breaks' | 'book'): Promise<Desk> {
    const desk = await Desk.open({
      still: true,
      strategy,
      notifications: PULLS,
    });
    const clients = ['many', 'alone'].map((id) => ({ id, secret: 'secret', notifications: 'pull' as const }));
    desk.sandbox.setEstate(undefined, [
      ...clients.map((one) => (one.id === 'alone' ? { ...one, facilities: ['elsewhere'] } : one)),
    ]);
    await desk.open();
    await desk.rest();
    await desk.book('apt', '10:20', '10:40');
    await desk.rest();
    expect(desk.shown()).toEqual(['10:00', '10:40']);
    return desk;
  }

  test.each(['breaks', 'book'] as const)('is there again as soon as we hear of it: %s', async (strategy) => {
    const desk = await heard(strategy);
    const [{ id } = { id: '' }] = own(desk);
    if (strategy === 'breaks') desk.sandbox.removeBreak(id);
    else desk.sandbox.cancel(id);
    expect(desk.shown()).toEqual(ALL);
    await hears(desk, () => desk.shown().length === 2);
    await hearsAll(desk);
    expect(desk.shown()).toEqual(['10:00', '10:40']);
    expect(own(desk)).toHaveLength(1);
    expect((await desk.engine.notifications()).items).toEqual([]);
  });
});

describe('a break that a doctor makes where ours was to be and was not made', () => {
  async function closedByTheDoctor(
    desk: Desk,
    fault: Parameters<Desk['sandbox']['faults']['set']>[0][0]['fault'],
  ) {
    await desk.open();
    await desk.rest();
    desk.sandbox.faults.set([{ fault, match: { operation: 'addCalendarBreak' }, times: 1 }]);
    await desk.book('apt', '10:20', '10:40');
    await eventually(() => desk.requests('addCalendarBreak').some(({ fault: met }) => met));
    const range = { since: desk.at('10:20'), till: desk.at('10:40') };
    return desk.sandbox.addBreak(addressOf('nowak'), { ...range, description: 'the doctor is out' }).id;
  }

  async function isLeftToHim(desk: Desk, id: string): Promise<void> {
    await desk.rest();
    await desk.free('apt');
    await desk.rest();
    expect(desk.sandbox.breaks(addressOf('nowak')).map((one) => one.id)).toEqual([id]);
    expect(desk.shown()).toEqual(['10:00', '10:40']);
    const busy = (await desk.engine.days('nowak', desk.date, desk.date))?.[0]?.busy;
    expect(busy).toMatchObject([{ break: id }]);
  }

  test('stays his when a reading finds it first', async () => {
    const desk = await Desk.open({ still: true, strategy: 'breaks' });
    const id = await closedByTheDoctor(desk, { kind: 'status', status: 503 });
    await isLeftToHim(desk, id);
  });

  test('stays his when its news comes first', async () => {
    const desk = await Desk.open({
      still: true,
      strategy: 'breaks',
      notifications: PULLS,
    });
    const clients = ['many', 'alone'].map((one) => ({
      id: one,
      secret: 'secret',
      notifications: 'pull' as const,
      ...(one === 'alone' ? { facilities: ['elsewhere'] } : {}),
    }));
    desk.sandbox.setEstate(undefined, clients);
    // Nothing is read before the news has come.
    const off = { kind: 'status', status: 503 } as const;
    const id = await closedByTheDoctor(desk, off);
    desk.sandbox.faults.set([
      { fault: off, match: { operation: 'addCalendarBreak' } },
      { fault: off, match: { operation: 'getCalendarBreaks' } },
    ]);
    const known = () =>
      desk.engine.db.selectFrom('slotkeeper.breaks').select('own').where('id', '=', id).executeTakeFirst();
    await hears(desk, known);
    expect(await known()).toEqual({ own: null });
    desk.sandbox.faults.clear();
    await isLeftToHim(desk, id);
  });
});

test('slots that only a break of ours hides are cleared before it goes', async () => {
  const desk = await Desk.open({ still: true, strategy: 'breaks' });
  await desk.open();
  await desk.book('apt', '09:00', '12:00');
  await desk.rest();
  expect(desk.shown()).toEqual([]);
  // What was published is forgotten, as after going back to a backup, and the day is closed.
  await desk.engine.db.updateTable('slotkeeper.days').set({ published: null, verified: false }).execute();
  let seen = 0;
  desk.sandbox.on('request', () => {
    seen += desk.shown().length;
  });
  await desk.say({ type: 'available', calendar: 'nowak', from: desk.date, to: desk.date, windows: [] });
  await desk.rest();
  expect(own(desk)).toEqual([]);
  expect(desk.shown()).toEqual([]);
  expect(seen).toBe(0);
});

test('a break that is refused as invalid fails the day, with its reason, until somebody asks', async () => {
  const desk = await Desk.open({ still: true, strategy: 'breaks' });
  await desk.open();
  await desk.rest();
  const match = { operation: 'addCalendarBreak' };
  desk.sandbox.faults.set([{ fault: { kind: 'status', status: 400, message: 'No such range' }, match }]);
  await desk.book('apt', '10:20', '10:40');
  await desk.rest();
  const [failure] = await desk.engine.failures.list();
  expect(failure).toMatchObject({ kind: 'day', reason: expect.stringContaining('No such range') });
  expect(desk.requests('addCalendarBreak')).toHaveLength(1);

  desk.sandbox.faults.clear();
  await desk.engine.failures.settle('retry', [failure?.id ?? '']);
  await desk.rest();
  expect(desk.shown()).toEqual(['10:00', '10:40']);
});
