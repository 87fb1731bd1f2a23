// A dry run that only compares: by an engine that publishes nothing, under the leases of those that do.
import { expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { pauseAccount } from '../../src/db/tables/account-states.js';
import { acquireLease, releaseLease } from '../../src/db/tables/leases.js';
import { systemTimers, type Timers } from '../../src/lib/timers.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { openFixture, requestAsAnotherClient, resync, writesOf } from './resync-fixture.js';

/** Everything that the record knows. */
async function record({ engine }: ClinicFixture): Promise<unknown> {
  const tables = [
    'days',
    'windows',
    'occupancy',
    'bookings',
    'breaks',
    'resyncs',
    'notifications',
    'scheduled_tasks',
  ];
  return await Promise.all(
    tables.map(async (table) => {
      const rows = await sql`SELECT * FROM slotkeeper.${sql.raw(table)} ORDER BY 1, 2, 3`.execute(engine.db);
      return [table, rows.rows];
    }),
  );
}

test('a dry run reports what a real resync reports, and changes nothing', async () => {
  const fixture = await openFixture();
  await requestAsAnotherClient(fixture, 'DELETE', `/slots/${fixture.dateAfter(1)}`);
  fixture.sandbox.book(addressOf('nowak'), { start: fixture.at('10:40'), serviceId: 'visit' });
  const before = { record: await record(fixture), writes: writesOf(fixture) };
  const told: number[] = [];
  const look = await fixture.engine.resyncs.dryRun({}, ({ calendarsDone }) => told.push(calendarsDone));
  expect({ record: await record(fixture), writes: writesOf(fixture) }).toEqual(before);
  expect(told).toEqual([1]);
  expect(await fixture.engine.resyncs.report(look.id)).toBeUndefined();
  const { state, differences, days, daysCompared, reads } = await resync(fixture);
  expect(look).toMatchObject({ state, differences, days, daysCompared, dryRun: true, writes: 0 });
  // A resync that is no look reads what the address has, too.
  expect(look.reads).toBe(reads - 2);
  expect(differences).toMatchObject({ missing: 1, foreign: 1 });
});

test('a dry run continues after a refused calendar, which does not fail', async () => {
  const fixture = await ClinicFixture.open({ still: true, calendars: ['nowak', 'lis'] });
  for (const calendar of ['nowak', 'lis']) await fixture.open(calendar);
  await fixture.untilAtRest();
  const { addressId } = addressOf('lis');
  fixture.sandbox.faults.set([
    {
      fault: { kind: 'status', status: 403, message: 'no right' },
      match: { operation: 'getBookings', addressId },
    },
  ]);
  expect(await fixture.engine.resyncs.dryRun({})).toMatchObject({
    state: 'done',
    calendars: 2,
    calendarsDone: 2,
    daysCompared: 1,
    failures: [{ calendar: 'lis', reason: expect.stringContaining('no right') }],
  });
  expect(await fixture.engine.resyncs.dryRun({ calendars: ['lis'] })).toMatchObject({ state: 'failed' });
  expect(await fixture.engine.failures.list()).toEqual([]);
  await expect(fixture.engine.resyncs.dryRun({ calendars: ['nobody'] })).rejects.toThrow(
    'there is no calendar',
  );
});

test('a dry run waits for the lease of a calendar', async () => {
  const asleep: (() => void)[] = [];
  /** Between two looks at whether the calendar is free. */
  const BETWEEN_MS = 500;
  const sleep: Timers['sleep'] = async (ms, signal) => {
    if (ms !== BETWEEN_MS) return await systemTimers.sleep(ms, signal);
    return await new Promise<void>((resolve) => asleep.push(resolve));
  };
  const fixture = await openFixture('slots', { timers: { ...systemTimers, sleep } });
  await acquireLease(fixture.engine.db, 'nowak', 'another', 600_000);
  const before = fixture.requests('getSlots').length;
  const look = fixture.engine.resyncs.dryRun({});
  // It asks a second time, in vain.
  await eventually(() => asleep.length === 1);
  asleep.shift()?.();
  await eventually(() => asleep.length === 1);
  expect(fixture.requests('getSlots').length).toBe(before);
  await releaseLease(fixture.engine.db, 'nowak', 'another');
  asleep.shift()?.();
  expect(await look).toMatchObject({ state: 'done', daysCompared: 3 });
});

test('a dry run does not wait for a circuit that is open for long', async () => {
  const fixture = await openFixture();
  const until = new Date(fixture.engine.now() + 3_600_000);
  await pauseAccount(
    fixture.engine.db,
    'many',
    { until, reason: 'the firewall stopped it' },
    new Date(fixture.engine.now()),
  );
  expect(await fixture.engine.resyncs.dryRun({})).toMatchObject({
    state: 'failed',
    failures: [
      { calendar: 'nowak', reason: `account many: the firewall stopped it until ${until.toISOString()}` },
    ],
  });
});
