// A full resync against a marketplace that was changed behind the engine's back: it finds every difference, writes exactly
// those days, and then nothing.
import { describe, expect, test } from '@jest/globals';
import { addressOf } from '../support/clinic-fixture.js';
import { asAnother, opened, resync, writesOf } from './resync-fixture.js';

describe.each(['slots', 'breaks', 'book'] as const)('with %s', (strategy) => {
  test('where nothing differs, nothing is written, and three days were compared', async () => {
    const desk = await opened(strategy);
    const before = writesOf(desk);
    const report = await resync(desk);
    expect(report).toMatchObject({
      state: 'done',
      calendars: 1,
      daysCompared: 3,
      differences: { missing: 0, extra: 0, stale: 0, foreign: 0 },
      writes: 0,
      failures: [],
      days: [],
    });
    expect(writesOf(desk)).toBe(before);
    // The services of the address and its calendar are read, too.
    expect(report.reads).toBe(strategy === 'slots' ? 4 : 5);
  });

  test('slots that were removed and slots that were added by hand are put right in one write', async () => {
    const desk = await opened(strategy);
    const [gone, added] = [desk.dateAfter(1), desk.dateAfter(2)];
    await asAnother(desk, 'DELETE', `/slots/${gone}`);
    const offer = { address_services: [{ address_service_id: 'visit', duration: 20 }] };
    const until = { start: desk.at('09:00', added), end: desk.at('12:00', added) };
    await asAnother(desk, 'PUT', '/slots', { slots: [{ ...until, ...offer }] });
    const before = desk.requests('replaceSlots').length;

    const dry = await resync(desk, { dryRun: true });
    expect(dry).toMatchObject({ differences: { missing: 1, extra: 1, stale: 0, foreign: 0 }, writes: 0 });
    expect(dry.days.map(({ date }) => date)).toEqual([gone, added]);
    expect(desk.requests('replaceSlots')).toHaveLength(before);

    const report = await resync(desk);
    expect(report).toMatchObject({ differences: { missing: 1, extra: 1, stale: 0, foreign: 0 }, writes: 1 });
    for (const date of [gone, added]) expect(desk.shown('nowak', date)).toEqual(['10:00', '10:20', '10:40']);
    const bodies = JSON.stringify(desk.requests('replaceSlots').at(-1)?.body);
    expect([gone, added, desk.date].map((date) => bodies.includes(date))).toEqual([true, true, false]);
    expect(await resync(desk)).toMatchObject({ differences: { missing: 0, extra: 0 }, writes: 0 });
  });

  test('a booking that nobody told of is taken time from then on', async () => {
    const desk = await opened(strategy);
    const { id } = desk.sandbox.book(addressOf('nowak'), { start: desk.at('10:40'), serviceId: 'visit' });
    const report = await resync(desk);
    expect(report.differences).toEqual({ missing: 0, extra: 0, stale: 0, foreign: 1 });
    expect(report.days.map(({ date }) => date)).toEqual([desk.date]);
    const [day] = (await desk.engine.days('nowak', desk.date, desk.date)) ?? [];
    expect(day?.busy).toContainEqual({ booking: id, start: desk.at('10:40'), end: desk.at('11:00') });
    expect(await resync(desk)).toMatchObject({ differences: { foreign: 0 }, writes: 0 });
  });

  test("a doctor's break that nobody told of is found, and hides nothing from the comparison", async () => {
    const desk = await opened(strategy);
    desk.sandbox.addBreak(addressOf('nowak'), { since: desk.at('10:40'), till: desk.at('11:00') });
    const report = await resync(desk);
    expect(report.differences).toEqual({ missing: 0, extra: 0, stale: 0, foreign: 1 });
    expect(report.days.map(({ date }) => date)).toEqual([desk.date]);
    expect(desk.shown()).toEqual(['10:00']);
    expect(await resync(desk)).toMatchObject({ differences: { foreign: 0 }, writes: 0 });
  });

  test("a doctor's break that is gone without a word gives its time back, and one that was cut short some of it", async () => {
    const desk = await opened(strategy);
    for (const n of [1, 2]) {
      const [since, till] = [desk.at('10:00', desk.dateAfter(n)), desk.at('10:40', desk.dateAfter(n))];
      desk.sandbox.addBreak(addressOf('nowak'), { since, till });
    }
    await resync(desk);
    await desk.rest();
    // What was said within one second has no order.
    await desk.pass(2_000);
    const [gone, short] = [desk.dateAfter(1), desk.dateAfter(2)];
    for (const date of [gone, short]) expect(desk.shown('nowak', date)).toEqual(['10:40']);
    const [first, second] = desk.sandbox
      .breaks(addressOf('nowak'))
      .filter(({ since }) => since > desk.at('12:00'));
    desk.sandbox.removeBreak(first?.id ?? '');
    await asAnother(desk, 'PATCH', `/breaks/${second?.id}`, {
      since: desk.at('10:00', short),
      till: desk.at('10:20', short),
    });
    const report = await resync(desk);
    expect(report.differences).toEqual({ missing: 0, extra: 0, stale: 0, foreign: 2 });
    expect(report.days.map(({ date }) => date)).toEqual([gone, short]);
    expect(desk.shown('nowak', gone)).toEqual(['10:00', '10:20', '10:40']);
    expect(desk.shown('nowak', short)).toEqual(['10:20', '10:40']);
    expect(await resync(desk)).toMatchObject({ differences: { foreign: 0 }, writes: 0 });
  });
});

test('days that are to show nothing are put right in the same one write', async () => {
  const desk = await opened();
  const shut = [desk.dateAfter(3), desk.dateAfter(4)];
  const more = desk.dateAfter(2);
  const drift = [...shut, more].map((date) => ({
    start: desk.at('09:00', date),
    end: desk.at('12:00', date),
    address_services: [{ address_service_id: 'visit', duration: 20 }],
  }));
  for (const date of shut)
    await desk.say({ type: 'available', calendar: 'nowak', from: date, to: date, windows: [] });
  await desk.rest();
  await asAnother(desk, 'PUT', '/slots', { slots: drift });
  const report = await resync(desk);
  expect(report).toMatchObject({ differences: { missing: 0, extra: 3, stale: 0, foreign: 0 }, writes: 1 });
  for (const date of shut) expect(desk.shown('nowak', date)).toEqual([]);
  expect(desk.shown('nowak', more)).toEqual(['10:00', '10:20', '10:40']);
  expect(desk.requests('deleteSlots')).toEqual([]);
  expect(await resync(desk)).toMatchObject({ differences: { extra: 0 }, writes: 0 });
});

test('a write that the marketplace took for a repeated one, and that could not be read back, is found', async () => {
  const desk = await opened();
  const asBefore = desk.requests('replaceSlots').at(-1)?.body as { slots: object[] };
  const [early, late] = asBefore.slots;
  // Another sends what will be sent, and takes it back: within three minutes it is then ignored, with a 201.
  await asAnother(desk, 'PUT', '/slots', { slots: [late] });
  await asAnother(desk, 'PUT', '/slots', {
    slots: [early, late].map((one) => ({ ...one, insurance_providers: [] })),
  });
  desk.sandbox.faults.set([{ fault: { kind: 'status', status: 403 }, match: { operation: 'getSlots' } }]);
  await desk.book('apt-2', '10:00', '10:20');
  await desk.rest();
  expect(desk.shown()).toEqual(['10:00', '10:40']);
  desk.sandbox.faults.set([]);

  const report = await resync(desk);
  expect(report).toMatchObject({ differences: { missing: 0, extra: 1, stale: 0, foreign: 0 }, writes: 1 });
  expect(desk.shown()).toEqual(['10:40']);
  expect(await resync(desk)).toMatchObject({ differences: { extra: 0 }, writes: 0 });
});

test('a break of ours that nothing needs is taken away', async () => {
  const desk = await opened('breaks');
  const [since, till] = [desk.at('10:40'), desk.at('11:00')];
  await asAnother(desk, 'POST', '/breaks', { since, till, description: 'slotkeeper nowak' });
  expect(desk.shown()).toEqual(['10:00']);
  const report = await resync(desk);
  expect(report).toMatchObject({ differences: { missing: 0, extra: 0, stale: 1, foreign: 0 }, writes: 1 });
  expect(report.days.map(({ date }) => date)).toEqual([desk.date]);
  expect(desk.shown()).toEqual(['10:00', '10:40']);
  expect(await resync(desk)).toMatchObject({ differences: { stale: 0 }, writes: 0 });
});

test('a break of ours that somebody removed is made again first', async () => {
  const desk = await opened('breaks');
  const [one] = desk.sandbox.breaks(addressOf('nowak'));
  desk.sandbox.removeBreak(one?.id ?? '');
  expect(desk.shown()).toContain('10:20');
  const report = await resync(desk);
  expect(report.differences).toMatchObject({ extra: 1 });
  expect(report.writes).toBe(1);
  expect(report.days.map(({ date }) => date)).toEqual([desk.date]);
  expect(desk.shown()).toEqual(['10:00', '10:40']);
  expect(await resync(desk)).toMatchObject({ differences: { extra: 0 }, writes: 0 });
});

test('a calendar that fails is in the report', async () => {
  const desk = await opened();
  desk.sandbox.faults.set([
    { fault: { kind: 'status', status: 403, message: 'no right' }, match: { operation: 'getSlots' } },
  ]);
  const report = await resync(desk);
  expect(report).toMatchObject({
    state: 'failed',
    failures: [{ calendar: 'nowak', reason: expect.stringContaining('no right') }],
  });
});
