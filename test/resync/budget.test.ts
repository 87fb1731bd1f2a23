// A resync within its account's budget: its readings wait, the day's work goes on, and what closes goes first.
import { expect, test } from '@jest/globals';
import { COMPARISON_PRIORITY } from '../../src/core/index.js';
import type { Limits } from '../../src/db/tables/accounts.js';
import { comparisonSpacingMs, windowsFor } from '../../src/rate-limit/policy.js';
import { ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { openFixture, requestAsAnotherClient, untilFinished } from './resync-fixture.js';

const MINUTE = 60_000;

/** How many a resync may make in so many milliseconds. */
const readsIn = (limits: Limits, perMs: number): number =>
  windowsFor(limits, { write: false, priority: COMPARISON_PRIORITY }).find(
    (window) => window.of === 'reads' && window.perMs === perMs,
  )?.limit ?? 0;

/** As if so many readings had been made. @param at when each was, in epoch milliseconds */
async function recordReads(
  { engine }: ClinicFixture,
  account: string,
  count: number,
  at: (n: number) => number,
): Promise<void> {
  const rows = Array.from({ length: count }, (_, n) => ({
    account_id: account,
    at: new Date(at(n)),
    write: false,
  }));
  await engine.db.insertInto('slotkeeper.requests').values(rows).execute();
}

test('the reads of a resync wait for the rate limiter, and events do not', async () => {
  const fixture = await ClinicFixture.open({ still: true, calendars: ['nowak', 'lis'] });
  for (const calendar of ['nowak', 'lis']) await fixture.open(calendar);
  await fixture.untilAtRest();
  const { id: account, limits } = await fixture.account();
  const most = readsIn(limits, 60 * MINUTE);
  const read = fixture.sandbox.requests.filter(({ method }) => method === 'GET').length;
  // Three are left to the resync; the day has its own.
  await recordReads(fixture, account, most - read - 3, fixture.engine.now);

  const { id } = await fixture.engine.resyncs.begin({});
  await fixture.until(async () => (await fixture.engine.resyncs.report(id))?.calendarsDone === 1);
  const began = fixture.engine.now();
  await fixture.book('apt-1', '10:20', '10:40', 'lis');
  await fixture.book('apt-2', '10:00', '10:20', 'nowak');
  await fixture.untilAtRest();
  expect([fixture.shown('nowak'), fixture.shown('lis')]).toEqual([
    ['10:20', '10:40'],
    ['10:00', '10:40'],
  ]);
  expect(await fixture.engine.resyncs.report(id)).toMatchObject({ state: 'running', calendarsDone: 1 });

  expect(fixture.engine.now()).toBe(began);
  expect(await untilFinished(fixture, id)).toMatchObject({ state: 'done', calendarsDone: 2, failures: [] });
});

test('a resync closes busy time before it opens missing time', async () => {
  const fixture = await openFixture('breaks');
  const [one] = fixture.sandbox.breaks({
    facilityId: 'facility',
    doctorId: 'doctor',
    addressId: 'address-nowak',
  });
  fixture.sandbox.removeBreak(one?.id ?? '');
  await requestAsAnotherClient(fixture, 'DELETE', `/slots/${fixture.dateAfter(1)}`);
  const before = fixture.sandbox.requests.length;
  const { id } = await fixture.engine.resyncs.begin({});
  expect(await untilFinished(fixture, id)).toMatchObject({
    differences: { missing: 1, extra: 1 },
    writes: 2,
  });
  const writes = fixture.sandbox.requests
    .slice(before)
    .filter(({ method, operation }) => method !== 'GET' && operation !== 'token');
  expect(writes.map(({ operation }) => operation)).toEqual(['addCalendarBreak', 'replaceSlots']);
});

test('a resync continues while reads are freed one by one, and reads nothing twice', async () => {
  const calendars = ['nowak', 'lis', 'wilk', 'kot', 'mak', 'sum'];
  const fixture = await ClinicFixture.open({ still: true, calendars });
  for (const calendar of calendars) await fixture.open(calendar);
  await fixture.untilAtRest();
  const account = await fixture.account();
  const limits = { ...account.limits, requestsPerFiveMinutes: 500 };
  await fixture.engine.putAccount({ ...account, limits });
  await fixture.untilAtRest();
  await fixture.engine.db.deleteFrom('slotkeeper.requests').execute();
  const most = readsIn(limits, 5 * MINUTE);
  const apart = (5 * MINUTE) / most;
  // What may be read in five minutes was read in the last five: as one leaves, there is room for one.
  await recordReads(fixture, account.id, most, (n) => fixture.engine.now() - n * apart);
  const asked = (operation: string): number => fixture.requests(operation).length;
  const before = { slots: asked('getSlots'), bookings: asked('getBookings') };

  const { id } = await fixture.engine.resyncs.begin({});
  const report = await eventually(async () => {
    await fixture.passTime(2_000);
    // All that wait ask whenever there may be something.
    for (const calendar of calendars) await fixture.engine.enqueueCalendar(calendar, 1);
    const told = await fixture.engine.resyncs.report(id);
    return told?.finishedAt === null ? undefined : told;
  });
  expect(report).toMatchObject({ state: 'done', calendarsDone: 6, failures: [] });
  expect(asked('getSlots') - before.slots).toBe(6);
  expect(asked('getBookings') - before.bookings).toBe(6);
  expect(asked('getAddressServices')).toBeLessThanOrEqual(6);
});

test('calendars that wait for reads try again at different times, within the time that the reads of all take', async () => {
  const calendars = ['nowak', 'lis', 'wilk', 'kot', 'mak', 'sum'];
  let calls = 0;
  const random = () => (calls++ % 10) / 10;
  const fixture = await ClinicFixture.open({ still: true, calendars, random });
  await fixture.untilAtRest();
  const { id: account, limits } = await fixture.account();
  await fixture.engine.db.deleteFrom('slotkeeper.requests').execute();
  const { now } = fixture.engine;
  const granted = now() + 30 * MINUTE;
  await recordReads(fixture, account, readsIn(limits, 60 * MINUTE), () => granted - 60 * MINUTE);

  await fixture.engine.resyncs.begin({});
  const retries = () =>
    fixture.engine.db
      .selectFrom('slotkeeper.resync_calendars')
      .select('retry_at')
      .where('retry_at', 'is not', null)
      .execute();
  await fixture.until(async () => (await retries()).length === calendars.length);
  const delays = (await retries()).map(({ retry_at: at }) => (at?.getTime() ?? 0) - granted);
  expect(new Set(delays).size).toBeGreaterThan(3);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...delays)).toBeLessThan(6 * comparisonSpacingMs(limits));
});
