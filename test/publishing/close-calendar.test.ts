import { expect, test } from '@jest/globals';
import { type CalendarState, getCalendar, listAllCalendars } from '../../src/db/tables/calendars.js';
import { findFormerAddresses } from '../../src/db/tables/closing-calendars.js';
import type { FaultRule } from '../../src/sandbox/index.js';
import { opened, patientBooks, standing } from '../linked-bookings/booking-fixture.js';
import { addressOf, type Desk, type DeskOptions } from '../support/clinic-fixture.js';

const STRATEGIES = ['slots', 'breaks', 'book'] as const;

const places = async (desk: Desk): Promise<readonly CalendarState[]> =>
  await listAllCalendars(desk.engine.db);
const isGone = (desk: Desk) => async () => (await places(desk)).every(({ closing }) => closing === undefined);
const refuse = (desk: Desk, operation: string, status: number, more: Partial<FaultRule> = {}) =>
  desk.sandbox.faults.set([{ fault: { kind: 'status', status }, match: { operation }, ...more }]);
const at = (calendar: string, more: object = {}) => ({
  id: 'nowak',
  account: 'many',
  ...addressOf(calendar),
  strategy: 'slots' as const,
  ...more,
});
/** Two days with an appointment each, and a visit of a patient on the first. */
async function busy(options: DeskOptions = {}): Promise<Desk> {
  const desk = await opened(options);
  await desk.open('nowak', desk.dateAfter(1), { from: '10:00', to: '12:00' });
  await desk.book('apt-1', '10:20', '10:40');
  await desk.book('apt-2', '11:00', '11:20', 'nowak', desk.dateAfter(1));
  await desk.rest();
  patientBooks(desk, '11:20');
  return desk;
}

test.each(STRATEGIES)(
  'with %s, a calendar that is deleted is closed day by day, then it is gone',
  async (strategy) => {
    const desk = await busy({ strategy });
    expect(await desk.engine.deleteCalendar('nowak')).toBe('closing');
    await desk.until(isGone(desk));
    expect(await getCalendar(desk.engine.db, 'nowak')).toBeUndefined();
    expect(desk.shown()).toEqual([]);
    expect(desk.shown('nowak', desk.dateAfter(1))).toEqual([]);
    expect(
      desk.sandbox.slots(addressOf('nowak'), desk.at('00:00'), desk.at('23:00', desk.dateAfter(1))),
    ).toEqual([]);
    expect(desk.sandbox.breaks(addressOf('nowak'))).toEqual([]);
    expect(standing(desk)).toEqual(['11:20']);
    expect(await desk.engine.deleteCalendar('nowak')).toBeUndefined();
  },
);

test.each(['breaks', 'book'] as const)(
  'with %s, what hides taken time goes after everything is closed',
  async (strategy) => {
    const desk = await busy({ strategy });
    const before = desk.sandbox.requests.length;
    await desk.engine.deleteCalendar('nowak');
    await desk.until(isGone(desk));
    const writes = desk.sandbox.requests
      .slice(before)
      .filter(({ method, operation }) => method !== 'GET' && operation !== 'token')
      .map(({ operation }) => operation ?? '');
    const uncovers = ['deleteCalendarBreak', 'cancelBooking'];
    expect(writes.map((operation) => uncovers.includes(operation))).toEqual([false, true, true]);
    expect(writes[0]).toBe('replaceSlots');
  },
);

test('what the marketplace shows is closed also where nobody here ever published it', async () => {
  const desk = await opened();
  await desk.open('nowak', desk.dateAfter(40));
  await desk.rest();
  await desk.engine.deleteCalendar('nowak', { leave: true });
  expect(desk.shown()).toHaveLength(6);
  await desk.engine.putCalendar(at('nowak'));
  await desk.engine.deleteCalendar('nowak');
  await desk.until(isGone(desk));
  expect(desk.shown()).toEqual([]);
  expect(desk.shown('nowak', desk.dateAfter(40))).toEqual([]);
});

test('with leave, what is on sale stays as it is, also where it is being closed', async () => {
  const desk = await opened();
  refuse(desk, 'replaceSlots', 403);
  refuse(desk, 'deleteSlots', 403);
  await desk.engine.deleteCalendar('nowak');
  expect(await desk.engine.deleteCalendar('nowak', { leave: true })).toBe('deleted');
  expect(await desk.engine.deleteCalendar('nowak', { leave: true })).toBeUndefined();
  desk.sandbox.faults.clear();
  await desk.pass(60_000);
  expect(desk.shown()).toHaveLength(6);
});

test('while it is being closed, nothing that the clinic says of it counts, and its address is nobody else’s', async () => {
  const desk = await opened({ calendars: ['nowak', 'lis'] });
  refuse(desk, 'deleteSlots', 503);
  await desk.engine.deleteCalendar('nowak');
  expect(await desk.engine.deleteCalendar('nowak')).toBe('closing');
  expect(await desk.engine.status()).toMatchObject({ closing: 1 });
  await expect(desk.book('apt-9', '10:20', '10:40')).rejects.toThrow(/is being deleted/);
  const snapshot = { from: desk.date, to: desk.date, windows: [], occupancy: [], complete: true };
  expect(await desk.engine.snapshot('nowak', snapshot)).toEqual({
    kind: 'unknown-calendar',
    isClosing: true,
  });
  await expect(desk.engine.resyncs.begin({ calendars: ['nowak'] })).rejects.toThrow(/nowak/);
  await expect(desk.engine.putCalendar(at('nowak', { id: 'twin' }))).rejects.toThrow(/it is being closed/);
  await expect(desk.engine.putCalendar(at('nowak', { id: 'twin', account: 'alone' }))).rejects.toThrow(
    /it is being closed/,
  );
  desk.sandbox.faults.clear();
  await desk.until(isGone(desk));
  await desk.engine.putCalendar(at('nowak', { id: 'twin' }));
  expect(desk.shown('lis')).toHaveLength(6);
});

test('put again, it is a calendar of which nothing is known yet, and sells what the clinic says from then on', async () => {
  const desk = await opened();
  refuse(desk, 'deleteSlots', 503);
  await desk.engine.deleteCalendar('nowak');
  await desk.engine.putCalendar(at('nowak'));
  desk.sandbox.faults.clear();
  await desk.rest();
  expect(await getCalendar(desk.engine.db, 'nowak')).not.toHaveProperty('closing');
  expect(desk.shown()).toEqual([]);
  await desk.open();
  await desk.rest();
  expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);
});

test('an address that refuses for good is shown as a failure, closed when that is over', async () => {
  const desk = await opened();
  refuse(desk, 'deleteSlots', 403);
  await desk.engine.deleteCalendar('nowak');
  await desk.until(async () => (await getCalendar(desk.engine.db, 'nowak'))?.failed !== undefined);
  expect(await desk.engine.failures.list()).toMatchObject([{ kind: 'calendar', id: 'calendar/nowak' }]);
  desk.sandbox.faults.clear();
  await desk.engine.failures.settle('retry', ['calendar/nowak']);
  await desk.until(isGone(desk));
  expect(desk.shown()).toEqual([]);
});

test('linked bookings stay where they are when their calendar is deleted', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');
  await desk.book('apt-1', '10:20', '10:40');
  await desk.engine.bookings.link('nowak', id, 'apt-1');
  await desk.book('apt-1', '10:20', '10:40');
  await desk.rest();
  await desk.engine.deleteCalendar('nowak');
  await desk.until(isGone(desk));
  expect(standing(desk)).toEqual(['10:20']);
  expect(desk.requests('cancelBooking')).toEqual([]);
});

test.each(STRATEGIES)('with %s, another address closes the old one and is published', async (strategy) => {
  const desk = await busy({ strategy });
  // Heard of, and nobody's appointment.
  await desk.engine.resyncs.begin({});
  await desk.rest();
  expect(await desk.engine.putCalendar(at('new', { strategy }))).toMatchObject({ dates: expect.any(Array) });
  const [held] = await desk.engine.holds.list();
  await desk.engine.holds.settle('release', [held?.id ?? '']);
  expect(await findFormerAddresses(desk.engine.db, 'nowak')).toHaveLength(1);
  await desk.until(isGone(desk));
  await desk.rest();
  expect(
    desk.sandbox.slots(addressOf('nowak'), desk.at('00:00'), desk.at('23:00', desk.dateAfter(1))),
  ).toEqual([]);
  expect(desk.sandbox.breaks(addressOf('nowak'))).toEqual([]);
  expect(standing(desk)).toEqual(['11:20']);
  expect(desk.shown('new')).toEqual(['10:00', '10:40', '11:00', '11:40']);
  expect(desk.shown('new', desk.dateAfter(1))).toEqual(['10:00', '10:20', '10:40', '11:20', '11:40']);
});

test('a calendar that comes back to its old address sells there again', async () => {
  const desk = await busy({ strategy: 'breaks' });
  refuse(desk, 'replaceSlots', 503);
  await desk.engine.putCalendar(at('new', { strategy: 'breaks' }));
  await desk.engine.holds.settle('release', [(await desk.engine.holds.list())[0]?.id ?? '']);
  await desk.until(async () =>
    (await places(desk)).some(({ formerOf, retrying }) => formerOf !== undefined && retrying !== undefined),
  );
  await desk.engine.putCalendar(at('nowak', { strategy: 'breaks' }));
  expect(
    (await places(desk)).map(({ id, formerOf, addressId }) => [id === 'nowak', formerOf, addressId]),
  ).toEqual([
    [true, undefined, 'address-nowak'],
    [false, 'nowak', 'address-new'],
  ]);
  desk.sandbox.faults.clear();
  await desk.until(isGone(desk));
  await desk.rest();
  expect(desk.shown('new')).toEqual([]);
  expect(desk.shown()).toEqual(['10:00', '10:40', '11:00', '11:40']);
  expect(desk.sandbox.breaks(addressOf('nowak'))).toHaveLength(2);
});

test('the same address under another account of the same host stays on sale', async () => {
  const desk = await opened();
  await desk.engine.putCalendar(at('nowak', { account: 'alone' }));
  await desk.rest();
  expect(await findFormerAddresses(desk.engine.db, 'nowak')).toEqual([]);
  expect(desk.shown()).toHaveLength(6);
});
