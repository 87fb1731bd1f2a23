// Resyncs that are asked for while another is under way.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FaultRule } from '../../src/sandbox/index.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { resync, untilFinished } from './resync-fixture.js';

describe('while a resync runs', () => {
  let fixture: ClinicFixture;
  const begin = async (...calendars: string[]) =>
    (await fixture.engine.resyncs.begin(calendars.length === 0 ? {} : { calendars })).id;

  beforeAll(async () => {
    fixture = await ClinicFixture.open({ still: true, calendars: ['nowak', 'lis'] });
    for (const calendar of ['nowak', 'lis']) await fixture.open(calendar);
    await fixture.untilAtRest();
  });

  beforeEach(() => fixture.sandbox.faults.clear());

  /** Longer than anything here takes; it ends when the faults are cleared. */
  const held = (operation: string, calendar?: string): FaultRule => ({
    fault: { kind: 'latency', ms: 45_000 },
    match: {
      operation,
      ...(calendar === undefined ? {} : { addressId: addressOf(calendar).addressId }),
    },
  });

  test('a request for the same or some of its calendars joins it', async () => {
    fixture.sandbox.faults.set([held('getSlots')]);
    const before = fixture.requests('getSlots').length;
    const all = await Promise.all([begin(), begin()]);
    const ids = [...all, ...(await Promise.all([begin('nowak'), begin('lis', 'nowak')]))];
    expect(new Set(ids).size).toBe(1);
    fixture.sandbox.faults.clear();
    await untilFinished(fixture, ids[0] ?? '');
    expect(fixture.requests('getSlots').length - before).toBe(2);
  });

  test('a request for other calendars begins another', async () => {
    fixture.sandbox.faults.set([held('getSlots')]);
    const few = await begin('nowak');
    const all = await begin();
    expect(all).not.toBe(few);
    fixture.sandbox.faults.clear();
    for (const id of [few, all]) await untilFinished(fixture, id);
  });

  test('a request for a calendar that it has compared begins another', async () => {
    fixture.sandbox.faults.set([held('getSlots', 'lis')]);
    const all = await begin();
    await eventually(async () => ((await fixture.engine.resyncs.report(all))?.calendarsDone ?? 0) >= 1);
    const again = await begin('nowak');
    expect(again).not.toBe(all);
    expect(await begin()).toBe(all);
    fixture.sandbox.faults.clear();
    await untilFinished(fixture, again);
    await untilFinished(fixture, all);
  });

  test('a dry run and a real resync do not join', async () => {
    fixture.sandbox.faults.set([held('getSlots')]);
    const { id: dry } = await fixture.engine.resyncs.begin({ dryRun: true });
    const real = await begin();
    expect(real).not.toBe(dry);
    fixture.sandbox.faults.clear();
    expect(await untilFinished(fixture, dry)).toMatchObject({ dryRun: true, writes: 0, state: 'done' });
    expect(await untilFinished(fixture, real)).toMatchObject({ dryRun: false, state: 'done' });
  });

  test('unknown calendars are refused by their names', async () => {
    await expect(fixture.engine.resyncs.begin({ calendars: ['nowak', 'nobody', 'no-one'] })).rejects.toThrow(
      'there is no calendar "nobody", "no-one"',
    );
  });

  test('an appointment that is reported during the comparison is published, and is no drift', async () => {
    // lis's bookings are read when the patient has booked.
    fixture.sandbox.faults.set([held('getSlots', 'nowak'), held('getBookings', 'lis')]);
    const [writes, reads] = [
      fixture.requests('replaceSlots').length,
      fixture.requests('getSlots', 'nowak').length,
    ];
    const id = await begin();
    await eventually(() => fixture.requests('getSlots', 'nowak').length > reads);
    await fixture.book('apt-1', '10:20', '10:40');
    fixture.sandbox.book(addressOf('lis'), { start: fixture.at('10:40'), serviceId: 'visit' });
    fixture.sandbox.faults.clear();
    const report = await untilFinished(fixture, id);
    expect(report.differences).toMatchObject({ missing: 0, extra: 0, stale: 0 });
    await fixture.untilAtRest();
    expect(fixture.shown('nowak')).toEqual(['10:00', '10:40']);
    expect(fixture.shown('lis')).toEqual(['10:00', '10:20']);
    expect(await resync(fixture)).toMatchObject({ differences: { missing: 0, extra: 0 }, writes: 0 });
    // One for nowak's appointment, one at most for the patient who booked with lis.
    expect(fixture.requests('replaceSlots').length - writes).toBeLessThanOrEqual(2);
  });
});
