// A dry run that only compares: by an engine that publishes nothing, under the leases of those that do.
import { expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { pauseAccount } from '../../src/db/tables/account-states.js';
import { acquireLease, releaseLease } from '../../src/db/tables/leases.js';
import { systemTimers, type Timers } from '../../src/lib/timers.js';
import { addressOf, Desk } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { asAnother, opened, resync, writesOf } from './resync-fixture.js';

/** Everything that the record knows. */
async function record({ engine }: Desk): Promise<unknown> {
  const tables = [
    'days',
    'windows',
    'occupancy',
    'bookings',
    'breaks',
    'resyncs',
    'notifications',
    'account_tasks',
  ];
  return await Promise.all(
    tables.map(async (table) => {
      const rows = await sql`SELECT * FROM slotkeeper.${sql.raw(table)} ORDER BY 1, 2, 3`.execute(engine.db);
      return [table, rows.rows];
    }),
  );
}

test('says what the one after it says, and leaves everything as it was', async () => {
  const desk = await opened();
  await asAnother(desk, 'DELETE', `/slots/${desk.dateAfter(1)}`);
  desk.sandbox.book(addressOf('nowak'), { start: desk.at('10:40'), serviceId: 'visit' });
  const before = { record: await record(desk), writes: writesOf(desk) };
  const told: number[] = [];
  const look = await desk.engine.resyncs.look({}, ({ calendarsDone }) => told.push(calendarsDone));
  expect({ record: await record(desk), writes: writesOf(desk) }).toEqual(before);
  expect(told).toEqual([1]);
  expect(await desk.engine.resyncs.report(look.id)).toBeUndefined();
  const { state, differences, days, daysCompared, reads } = await resync(desk);
  expect(look).toMatchObject({ state, differences, days, daysCompared, dryRun: true, writes: 0 });
  // A resync that is no look reads what the address has, too.
  expect(look.reads).toBe(reads - 2);
  expect(differences).toMatchObject({ missing: 1, foreign: 1 });
});

test('goes on with the next where one is refused, and nothing has failed but the look', async () => {
  const desk = await Desk.open({ still: true, calendars: ['nowak', 'lis'] });
  for (const calendar of ['nowak', 'lis']) await desk.open(calendar);
  await desk.rest();
  const { addressId } = addressOf('lis');
  desk.sandbox.faults.set([
    {
      fault: { kind: 'status', status: 403, message: 'no right' },
      match: { operation: 'getBookings', addressId },
    },
  ]);
  expect(await desk.engine.resyncs.look({})).toMatchObject({
    state: 'done',
    calendars: 2,
    calendarsDone: 2,
    daysCompared: 1,
    failures: [{ calendar: 'lis', reason: expect.stringContaining('no right') }],
  });
  expect(await desk.engine.resyncs.look({ calendars: ['lis'] })).toMatchObject({ state: 'failed' });
  expect(await desk.engine.failures.list()).toEqual([]);
  await expect(desk.engine.resyncs.look({ calendars: ['nobody'] })).rejects.toThrow('there is no calendar');
});

test('waits for whoever has the calendar', async () => {
  const asleep: (() => void)[] = [];
  /** Between two looks at whether the calendar is free. */
  const BETWEEN_MS = 500;
  const sleep: Timers['sleep'] = async (ms, signal) => {
    if (ms !== BETWEEN_MS) return await systemTimers.sleep(ms, signal);
    return await new Promise<void>((resolve) => asleep.push(resolve));
  };
  const desk = await opened('slots', { timers: { ...systemTimers, sleep } });
  await acquireLease(desk.engine.db, 'nowak', 'another', 600_000);
  const before = desk.requests('getSlots').length;
  const look = desk.engine.resyncs.look({});
  // It asks a second time, in vain.
  await eventually(() => asleep.length === 1);
  asleep.shift()?.();
  await eventually(() => asleep.length === 1);
  expect(desk.requests('getSlots').length).toBe(before);
  await releaseLease(desk.engine.db, 'nowak', 'another');
  asleep.shift()?.();
  expect(await look).toMatchObject({ state: 'done', daysCompared: 3 });
});

test('does not wait for an account that is silent for long', async () => {
  const desk = await opened();
  const until = new Date(desk.engine.now() + 3_600_000);
  await pauseAccount(desk.engine.db, 'many', { until, reason: 'the firewall stopped it' });
  expect(await desk.engine.resyncs.look({})).toMatchObject({
    state: 'failed',
    failures: [
      { calendar: 'nowak', reason: `account many: the firewall stopped it until ${until.toISOString()}` },
    ],
  });
});
