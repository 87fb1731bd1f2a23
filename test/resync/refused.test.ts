// What the marketplace refuses a comparison is the resync's failure, and nothing of the calendar's publishing; what it does
// not let be put right is, too.
import { describe, expect, test } from '@jest/globals';
import { getCalendar } from '../../src/db/tables/calendars.js';
import { Desk } from '../support/clinic-fixture.js';
import { asAnother, opened, over, resync } from './resync-fixture.js';

const MINUTE = 60_000;

/** How the calendar's publishing stands. */
async function standing({ engine }: Desk): Promise<object> {
  const calendar = await getCalendar(engine.db, 'nowak');
  return { failed: calendar?.failed, retrying: calendar?.retrying };
}
const HEALTHY = { failed: undefined, retrying: undefined };

const tries = async ({ engine }: Desk): Promise<number> =>
  (await engine.db.selectFrom('slotkeeper.resync_calendars').select('tries').executeTakeFirst())?.tries ?? 0;

const fails = (desk: Desk, operation: string, status: number): void =>
  desk.sandbox.faults.set([
    { fault: { kind: 'status', status, message: 'not this time' }, match: { operation } },
  ]);

describe.each([
  ['getSlots', 403],
  ['getBookings', 404],
  ['getBookings', 422],
  ['getBookings', 400],
] as const)('a comparison whose %s is answered %i', (operation, status) => {
  test('has failed at once, with its reason, and the calendar goes on', async () => {
    const desk = await opened();
    fails(desk, operation, status);
    const before = desk.requests(operation).length;
    expect(await resync(desk)).toMatchObject({
      state: 'failed',
      calendarsDone: 1,
      failures: [{ calendar: 'nowak', reason: expect.stringMatching(/: not this time$/) }],
    });
    expect(desk.requests(operation).length - before).toBe(1);
    expect(await standing(desk)).toEqual(HEALTHY);
    desk.sandbox.faults.clear();
    await desk.book('apt-2', '10:00', '10:20');
    await desk.rest();
    expect(desk.shown()).toEqual(['10:40']);
    expect(await resync(desk)).toMatchObject({ state: 'done', failures: [] });
  });
});

describe('a comparison that the marketplace has no answer for now', () => {
  test('is tried again later, and keeps nothing waiting that is taken at the desk', async () => {
    // No time passes: the next try is due when the test says so.
    const desk = await Desk.open({ still: true });
    await desk.open();
    await desk.rest();
    fails(desk, 'getBookings', 500);
    const { id } = await desk.engine.resyncs.begin({});
    await desk.until(async () => (await tries(desk)) === 1);
    await desk.book('apt-1', '10:20', '10:40');
    await desk.rest();
    expect(desk.shown()).toEqual(['10:00', '10:40']);
    expect(await standing(desk)).toEqual(HEALTHY);
    // What was taken at the desk was no reason to try again.
    expect(await tries(desk)).toBe(1);
    expect(desk.requests('getBookings')).toHaveLength(1);
    desk.sandbox.faults.clear();
    await desk.pass(MINUTE);
    // Two of what the address has, two that came to nothing, and two that did not.
    expect(await over(desk, id)).toMatchObject({ state: 'done', failures: [], reads: 6 });
  });

  test('outlasts a marketplace that is away for an hour', async () => {
    const desk = await Desk.open({ still: true });
    await desk.open();
    await desk.rest();
    fails(desk, 'getBookings', 503);
    const began = desk.engine.now();
    const { id } = await desk.engine.resyncs.begin({});
    await desk.until(() => desk.engine.now() > began + 60 * MINUTE);
    // Not seldom, and not again and again: five minutes are the most that it waits.
    expect(await tries(desk)).toBeGreaterThanOrEqual(13);
    expect(desk.requests('getBookings')).toHaveLength(await tries(desk));
    expect(await desk.engine.resyncs.report(id)).toMatchObject({ state: 'running', failures: [] });
    desk.sandbox.faults.clear();
    expect(await over(desk, id)).toMatchObject({ state: 'done', failures: [] });
    expect(await standing(desk)).toEqual(HEALTHY);
  });

  test('waits for each resync by itself: one that is asked for later does not wait for as long as the first', async () => {
    const desk = await Desk.open({ still: true });
    await desk.open();
    await desk.rest();
    fails(desk, 'getBookings', 503);
    await desk.engine.resyncs.begin({});
    await desk.until(async () => (await tries(desk)) >= 5);
    const { id } = await desk.engine.resyncs.begin({ dryRun: true });
    const waits = async () =>
      await desk.engine.db
        .selectFrom('slotkeeper.resync_calendars as c')
        .innerJoin('slotkeeper.resyncs as r', 'r.id', 'c.resync_id')
        .select(['c.tries', 'c.state', 'c.retry_at'])
        .orderBy('r.started_at')
        .execute();
    await desk.until(async () => (await waits())[1]?.tries === 1);
    const [first, second] = (await waits()).map(
      ({ retry_at }) => (retry_at?.getTime() ?? 0) - desk.engine.now(),
    );
    expect(second).toBeLessThanOrEqual(5_000);
    expect(first).toBeGreaterThan(MINUTE);
    await desk.until(async () => (await waits())[1]?.tries === 2);
    expect(await waits()).toMatchObject([{ state: 'waiting' }, { state: 'waiting' }]);
    desk.sandbox.faults.clear();
    expect(await over(desk, id)).toMatchObject({ state: 'done', failures: [] });
  });

  test('publishes what it read before', async () => {
    const desk = await opened('slots');
    // Breaks are asked for where something is missing, after the bookings were read.
    await asAnother(desk, 'DELETE', `/slots/${desk.dateAfter(1)}`);
    desk.sandbox.book(
      { facilityId: 'facility', doctorId: 'doctor', addressId: 'address-nowak' },
      { start: desk.at('10:40'), serviceId: 'visit' },
    );
    fails(desk, 'getCalendarBreaks', 403);
    expect(await resync(desk)).toMatchObject({ state: 'failed' });
    expect(await desk.engine.days('nowak', desk.date, desk.date)).toMatchObject([
      { busy: [{ ref: 'apt-1' }, {}] },
    ]);
    await desk.rest();
    expect(desk.shown()).toEqual(['10:00']);
  });
});

describe('a day that could not be put right', () => {
  test('is named, with the reason of it', async () => {
    const desk = await opened();
    for (const n of [0, 1, 2]) await asAnother(desk, 'DELETE', `/slots/${desk.dateAfter(n)}`);
    desk.sandbox.faults.set([
      {
        fault: { kind: 'status', status: 400, message: 'no such service' },
        match: { operation: 'replaceSlots' },
      },
    ]);
    const { failures } = await resync(desk);
    expect(failures).toHaveLength(1);
    for (const n of [0, 1, 2]) {
      expect(failures[0]?.reason).toMatch(new RegExp(`${desk.dateAfter(n)}: .*no such service`));
    }
    // The next tries them again, and says again what comes of it.
    expect((await resync(desk)).failures).toEqual(failures);
    expect((await resync(desk, { dryRun: true })).failures).toEqual(failures);
    desk.sandbox.faults.clear();
    expect(await resync(desk)).toMatchObject({ state: 'done', daysCompared: 3, failures: [] });
    expect(desk.shown()).toEqual(['10:00', '10:40']);
  });
});
