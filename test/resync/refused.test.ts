// What the marketplace refuses a comparison is the resync's failure, and nothing of the calendar's publishing; what it does
// not let be put right is, too.
import { describe, expect, test } from '@jest/globals';
import { getCalendar } from '../../src/db/tables/calendars.js';
import { ClinicFixture } from '../support/clinic-fixture.js';
import { openFixture, requestAsAnotherClient, resync, untilFinished } from './resync-fixture.js';

const MINUTE = 60_000;

/** How the calendar's publishing stands. */
async function standing({ engine }: ClinicFixture): Promise<object> {
  const calendar = await getCalendar(engine.db, 'nowak');
  return { failed: calendar?.failed, retrying: calendar?.retrying };
}
const HEALTHY = { failed: undefined, retrying: undefined };

const tries = async ({ engine }: ClinicFixture): Promise<number> =>
  (await engine.db.selectFrom('slotkeeper.resync_calendars').select('tries').executeTakeFirst())?.tries ?? 0;

const fails = (fixture: ClinicFixture, operation: string, status: number): void =>
  fixture.sandbox.faults.set([
    { fault: { kind: 'status', status, message: 'not this time' }, match: { operation } },
  ]);

describe.each([
  ['getSlots', 403],
  ['getBookings', 404],
  ['getBookings', 422],
  ['getBookings', 400],
] as const)('a comparison whose %s is answered %i', (operation, status) => {
  test('fails at once, with its reason, and the calendar is still published', async () => {
    const fixture = await openFixture();
    fails(fixture, operation, status);
    const before = fixture.requests(operation).length;
    expect(await resync(fixture)).toMatchObject({
      state: 'failed',
      calendarsDone: 1,
      failures: [{ calendar: 'nowak', reason: expect.stringMatching(/: not this time$/) }],
    });
    expect(fixture.requests(operation).length - before).toBe(1);
    expect(await standing(fixture)).toEqual(HEALTHY);
    fixture.sandbox.faults.clear();
    await fixture.book('apt-2', '10:00', '10:20');
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(['10:40']);
    expect(await resync(fixture)).toMatchObject({ state: 'done', failures: [] });
  });
});

describe('a comparison without an answer', () => {
  test('is retried later, and delays no event', async () => {
    // No time passes: the next try is due when the test says so.
    const fixture = await ClinicFixture.open({ still: true });
    await fixture.open();
    await fixture.untilAtRest();
    fails(fixture, 'getBookings', 500);
    const { id } = await fixture.engine.resyncs.begin({});
    await fixture.until(async () => (await tries(fixture)) === 1);
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(['10:00', '10:40']);
    expect(await standing(fixture)).toEqual(HEALTHY);
    // What was taken at the desk was no reason to try again.
    expect(await tries(fixture)).toBe(1);
    expect(fixture.requests('getBookings')).toHaveLength(1);
    fixture.sandbox.faults.clear();
    await fixture.passTime(MINUTE);
    // Two of what the address has, two that came to nothing, and two that did not.
    expect(await untilFinished(fixture, id)).toMatchObject({ state: 'done', failures: [], reads: 6 });
  });

  test('succeeds after an outage of an hour', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    await fixture.open();
    await fixture.untilAtRest();
    fails(fixture, 'getBookings', 503);
    const began = fixture.engine.now();
    const { id } = await fixture.engine.resyncs.begin({});
    await fixture.until(() => fixture.engine.now() > began + 60 * MINUTE);
    // Not seldom, and not again and again: five minutes are the most that it waits.
    expect(await tries(fixture)).toBeGreaterThanOrEqual(13);
    expect(fixture.requests('getBookings')).toHaveLength(await tries(fixture));
    expect(await fixture.engine.resyncs.report(id)).toMatchObject({ state: 'running', failures: [] });
    fixture.sandbox.faults.clear();
    expect(await untilFinished(fixture, id)).toMatchObject({ state: 'done', failures: [] });
    expect(await standing(fixture)).toEqual(HEALTHY);
  });

  test('has its own backoff for each resync', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    await fixture.open();
    await fixture.untilAtRest();
    fails(fixture, 'getBookings', 503);
    await fixture.engine.resyncs.begin({});
    await fixture.until(async () => (await tries(fixture)) >= 5);
    const { id } = await fixture.engine.resyncs.begin({ dryRun: true });
    const waits = async () =>
      await fixture.engine.db
        .selectFrom('slotkeeper.resync_calendars as c')
        .innerJoin('slotkeeper.resyncs as r', 'r.id', 'c.resync_id')
        .select(['c.tries', 'c.state', 'c.retry_at'])
        .orderBy('r.started_at')
        .execute();
    await fixture.until(async () => (await waits())[1]?.tries === 1);
    const [first, second] = (await waits()).map(
      ({ retry_at }) => (retry_at?.getTime() ?? 0) - fixture.engine.now(),
    );
    expect(second).toBeLessThanOrEqual(5_000);
    expect(first).toBeGreaterThan(MINUTE);
    await fixture.until(async () => (await waits())[1]?.tries === 2);
    expect(await waits()).toMatchObject([{ state: 'waiting' }, { state: 'waiting' }]);
    fixture.sandbox.faults.clear();
    expect(await untilFinished(fixture, id)).toMatchObject({ state: 'done', failures: [] });
  });

  test('has published what it read before', async () => {
    const fixture = await openFixture('slots');
    // Breaks are asked for where something is missing, after the bookings were read.
    await requestAsAnotherClient(fixture, 'DELETE', `/slots/${fixture.dateAfter(1)}`);
    fixture.sandbox.book(
      { facilityId: 'facility', doctorId: 'doctor', addressId: 'address-nowak' },
      { start: fixture.at('10:40'), serviceId: 'visit' },
    );
    fails(fixture, 'getCalendarBreaks', 403);
    expect(await resync(fixture)).toMatchObject({ state: 'failed' });
    expect(await fixture.engine.days('nowak', fixture.date, fixture.date)).toMatchObject([
      { busy: [{ ref: 'apt-1' }, {}] },
    ]);
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(['10:00']);
  });
});

describe('a day that could not be corrected', () => {
  test('is named, with the reason of it', async () => {
    const fixture = await openFixture();
    for (const n of [0, 1, 2])
      await requestAsAnotherClient(fixture, 'DELETE', `/slots/${fixture.dateAfter(n)}`);
    fixture.sandbox.faults.set([
      {
        fault: { kind: 'status', status: 400, message: 'no such service' },
        match: { operation: 'replaceSlots' },
      },
    ]);
    const { failures } = await resync(fixture);
    expect(failures).toHaveLength(1);
    for (const n of [0, 1, 2]) {
      expect(failures[0]?.reason).toMatch(new RegExp(`${fixture.dateAfter(n)}: .*no such service`));
    }
    // The next tries them again, and says again what comes of it.
    expect((await resync(fixture)).failures).toEqual(failures);
    expect((await resync(fixture, { dryRun: true })).failures).toEqual(failures);
    fixture.sandbox.faults.clear();
    expect(await resync(fixture)).toMatchObject({ state: 'done', daysCompared: 3, failures: [] });
    expect(fixture.shown()).toEqual(['10:00', '10:40']);
  });
});
