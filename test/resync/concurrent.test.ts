// Resyncs that are asked for while another is under way.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FaultRule } from '../../src/sandbox/index.js';
import { addressOf, Desk } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { over, resync } from './resync-fixture.js';

describe('while a resync is under way', () => {
  let desk: Desk;
  const begin = async (...calendars: string[]) =>
    (await desk.engine.resyncs.begin(calendars.length === 0 ? {} : { calendars })).id;

  beforeAll(async () => {
    desk = await Desk.open({ still: true, calendars: ['nowak', 'lis'] });
    for (const calendar of ['nowak', 'lis']) await desk.open(calendar);
    await desk.rest();
  });

  beforeEach(() => desk.sandbox.faults.clear());

  /** Longer than anything here takes; it ends when the faults are cleared. */
  const held = (operation: string, calendar?: string): FaultRule => ({
    fault: { kind: 'latency', ms: 45_000 },
    match: {
      operation,
      ...(calendar === undefined ? {} : { addressId: addressOf(calendar).addressId }),
    },
  });

  test('another of the same, and one of some of its calendars, are the one that there is', async () => {
    desk.sandbox.faults.set([held('getSlots')]);
    const before = desk.requests('getSlots').length;
    const all = await Promise.all([begin(), begin()]);
    const ids = [...all, ...(await Promise.all([begin('nowak'), begin('lis', 'nowak')]))];
    expect(new Set(ids).size).toBe(1);
    desk.sandbox.faults.clear();
    await over(desk, ids[0] ?? '');
    expect(desk.requests('getSlots').length - before).toBe(2);
  });

  test('one of calendars that it does not have is another', async () => {
    desk.sandbox.faults.set([held('getSlots')]);
    const few = await begin('nowak');
    const all = await begin();
    expect(all).not.toBe(few);
    desk.sandbox.faults.clear();
    for (const id of [few, all]) await over(desk, id);
  });

  test('one of a calendar that it has compared already is another, for something may have happened since', async () => {
    desk.sandbox.faults.set([held('getSlots', 'lis')]);
    const all = await begin();
    await eventually(async () => ((await desk.engine.resyncs.report(all))?.calendarsDone ?? 0) >= 1);
    const again = await begin('nowak');
    expect(again).not.toBe(all);
    expect(await begin()).toBe(all);
    desk.sandbox.faults.clear();
    await over(desk, again);
    await over(desk, all);
  });

  test('one that only tells, and one that writes, stay two', async () => {
    desk.sandbox.faults.set([held('getSlots')]);
    const { id: dry } = await desk.engine.resyncs.begin({ dryRun: true });
    const real = await begin();
    expect(real).not.toBe(dry);
    desk.sandbox.faults.clear();
    expect(await over(desk, dry)).toMatchObject({ dryRun: true, writes: 0, state: 'done' });
    expect(await over(desk, real)).toMatchObject({ dryRun: false, state: 'done' });
  });

  test('calendars that there are not are refused by their names', async () => {
    await expect(desk.engine.resyncs.begin({ calendars: ['nowak', 'nobody', 'no-one'] })).rejects.toThrow(
      'there is no calendar "nobody", "no-one"',
    );
  });

  test('the day goes on: what is booked during the comparison is right at rest, and is no drift', async () => {
    // lis's bookings are read when the patient has booked.
    desk.sandbox.faults.set([held('getSlots', 'nowak'), held('getBookings', 'lis')]);
    const [writes, reads] = [desk.requests('replaceSlots').length, desk.requests('getSlots', 'nowak').length];
    const id = await begin();
    await eventually(() => desk.requests('getSlots', 'nowak').length > reads);
    await desk.book('apt-1', '10:20', '10:40');
    desk.sandbox.book(addressOf('lis'), { start: desk.at('10:40'), serviceId: 'visit' });
    desk.sandbox.faults.clear();
    const report = await over(desk, id);
    expect(report.differences).toMatchObject({ missing: 0, extra: 0, stale: 0 });
    await desk.rest();
    expect(desk.shown('nowak')).toEqual(['10:00', '10:40']);
    expect(desk.shown('lis')).toEqual(['10:00', '10:20']);
    expect(await resync(desk)).toMatchObject({ differences: { missing: 0, extra: 0 }, writes: 0 });
    // One for nowak's appointment, one at most for the patient who booked with lis.
    expect(desk.requests('replaceSlots').length - writes).toBeLessThanOrEqual(2);
  });
});
