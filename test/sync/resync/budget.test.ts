// A resync within its account's budget: its readings wait, the day's work goes on, and what closes goes first.
import { expect, jest, test } from '@jest/globals';
import { Desk } from '../../chaos/desk.js';
import { eventually } from '../../support/eventually.js';
import { asAnother, opened, over } from './resyncing.js';

jest.setTimeout(60_000);

test('its readings wait for the budget, and what is booked meanwhile does not', async () => {
  let ahead = 0;
  const desk = await Desk.open({ calendars: ['nowak', 'lis'], now: () => Date.now() + ahead });
  for (const calendar of ['nowak', 'lis']) await desk.open(calendar);
  await desk.rest();
  const account = await desk.account();
  const read = desk.sandbox.requests.filter(({ method }) => method === 'GET').length;
  const written = desk.sandbox.requests.filter(({ operation }) => operation === 'replaceSlots').length;
  // Three readings more for housekeeping, and as many again for the day.
  const limits = { writesPerMinute: 40, writesPerHour: 40 };
  const requestsPerHour = limits.writesPerHour + Math.ceil((read + written + 3) / 0.75);
  await desk.engine.putAccount({ ...account, limits: { ...limits, requestsPerHour } });

  const { id } = await desk.engine.resyncs.begin({});
  await eventually(async () => (await desk.engine.resyncs.report(id))?.calendarsDone === 1);
  await desk.book('apt-1', '10:20', '10:40', 'lis');
  await desk.book('apt-2', '10:00', '10:20', 'nowak');
  await desk.rest();
  expect([desk.shown('nowak'), desk.shown('lis')]).toEqual([
    ['10:20', '10:40'],
    ['10:00', '10:40'],
  ]);
  expect(await desk.engine.resyncs.report(id)).toMatchObject({ state: 'running', calendarsDone: 1 });

  ahead = 61 * 60_000;
  // Whatever waits in the queue waits by the clock of the queue; another change does not.
  await desk.book('apt-3', '10:40', '11:00', 'lis');
  await desk.book('apt-4', '10:40', '11:00', 'nowak');
  expect(await over(desk.engine, id)).toMatchObject({ state: 'done', calendarsDone: 2, failures: [] });
});

test('what it finds on sale and taken is closed before what it finds missing is opened', async () => {
  const desk = await opened('breaks');
  const [one] = desk.sandbox.breaks({
    facilityId: 'facility',
    doctorId: 'doctor',
    addressId: 'address-nowak',
  });
  desk.sandbox.removeBreak(one?.id ?? '');
  await asAnother(desk, 'DELETE', `/slots/${desk.dateAfter(1)}`);
  const before = desk.sandbox.requests.length;
  const { id } = await desk.engine.resyncs.begin({});
  expect(await over(desk.engine, id)).toMatchObject({ differences: { missing: 1, extra: 1 }, writes: 2 });
  const writes = desk.sandbox.requests
    .slice(before)
    .filter(({ method, operation }) => method !== 'GET' && operation !== 'token');
  expect(writes.map(({ operation }) => operation)).toEqual(['addCalendarBreak', 'replaceSlots']);
});
