// A full resync against a marketplace that was changed behind the engine's back: it finds every difference, writes exactly
// those days, and then nothing.
import { describe, expect, test } from '@jest/globals';
import { addressOf } from '../support/clinic-fixture.js';
import { openFixture, requestAsAnotherClient, resync, writesOf } from './resync-fixture.js';

describe.each(['slots', 'breaks', 'book'] as const)('with %s', (strategy) => {
  test('a resync without differences writes nothing, and compares three days', async () => {
    const fixture = await openFixture(strategy);
    const before = writesOf(fixture);
    const report = await resync(fixture);
    expect(report).toMatchObject({
      state: 'done',
      calendars: 1,
      daysCompared: 3,
      differences: { missing: 0, extra: 0, stale: 0, foreign: 0 },
      writes: 0,
      failures: [],
      days: [],
    });
    expect(writesOf(fixture)).toBe(before);
    // The services of the address and its calendar are read, too.
    expect(report.reads).toBe(strategy === 'slots' ? 4 : 5);
  });

  test('a resync corrects removed and added slots in one write', async () => {
    const fixture = await openFixture(strategy);
    const [gone, added] = [fixture.dateAfter(1), fixture.dateAfter(2)];
    await requestAsAnotherClient(fixture, 'DELETE', `/slots/${gone}`);
    const offer = { address_services: [{ address_service_id: 'visit', duration: 20 }] };
    const until = { start: fixture.at('09:00', added), end: fixture.at('12:00', added) };
    await requestAsAnotherClient(fixture, 'PUT', '/slots', { slots: [{ ...until, ...offer }] });
    const before = fixture.requests('replaceSlots').length;

    const dry = await resync(fixture, { dryRun: true });
    expect(dry).toMatchObject({ differences: { missing: 1, extra: 1, stale: 0, foreign: 0 }, writes: 0 });
    expect(dry.days.map(({ date }) => date)).toEqual([gone, added]);
    expect(fixture.requests('replaceSlots')).toHaveLength(before);

    const report = await resync(fixture);
    expect(report).toMatchObject({ differences: { missing: 1, extra: 1, stale: 0, foreign: 0 }, writes: 1 });
    for (const date of [gone, added])
      expect(fixture.shown('nowak', date)).toEqual(['10:00', '10:20', '10:40']);
    const bodies = JSON.stringify(fixture.requests('replaceSlots').at(-1)?.body);
    expect([gone, added, fixture.date].map((date) => bodies.includes(date))).toEqual([true, true, false]);
    expect(await resync(fixture)).toMatchObject({ differences: { missing: 0, extra: 0 }, writes: 0 });
  });

  test('a booking without a notification is busy time after a resync', async () => {
    const fixture = await openFixture(strategy);
    const { id } = fixture.sandbox.book(addressOf('nowak'), {
      start: fixture.at('10:40'),
      serviceId: 'visit',
    });
    const report = await resync(fixture);
    expect(report.differences).toEqual({ missing: 0, extra: 0, stale: 0, foreign: 1 });
    expect(report.days.map(({ date }) => date)).toEqual([fixture.date]);
    const [day] = (await fixture.engine.days('nowak', fixture.date, fixture.date)) ?? [];
    expect(day?.busy).toContainEqual({ booking: id, start: fixture.at('10:40'), end: fixture.at('11:00') });
    expect(await resync(fixture)).toMatchObject({ differences: { foreign: 0 }, writes: 0 });
  });

  test("a doctor's break without a notification is found, and distorts no comparison", async () => {
    const fixture = await openFixture(strategy);
    fixture.sandbox.addBreak(addressOf('nowak'), { since: fixture.at('10:40'), till: fixture.at('11:00') });
    const report = await resync(fixture);
    expect(report.differences).toEqual({ missing: 0, extra: 0, stale: 0, foreign: 1 });
    expect(report.days.map(({ date }) => date)).toEqual([fixture.date]);
    expect(fixture.shown()).toEqual(['10:00']);
    expect(await resync(fixture)).toMatchObject({ differences: { foreign: 0 }, writes: 0 });
  });

  test("a doctor's break that was deleted or shortened without a notification frees its time", async () => {
    const fixture = await openFixture(strategy);
    for (const n of [1, 2]) {
      const [since, till] = [
        fixture.at('10:00', fixture.dateAfter(n)),
        fixture.at('10:40', fixture.dateAfter(n)),
      ];
      fixture.sandbox.addBreak(addressOf('nowak'), { since, till });
    }
    await resync(fixture);
    await fixture.untilAtRest();
    // What was said within one second has no order.
    await fixture.passTime(2_000);
    const [gone, short] = [fixture.dateAfter(1), fixture.dateAfter(2)];
    for (const date of [gone, short]) expect(fixture.shown('nowak', date)).toEqual(['10:40']);
    const [first, second] = fixture.sandbox
      .breaks(addressOf('nowak'))
      .filter(({ since }) => since > fixture.at('12:00'));
    fixture.sandbox.removeBreak(first?.id ?? '');
    await requestAsAnotherClient(fixture, 'PATCH', `/breaks/${second?.id}`, {
      since: fixture.at('10:00', short),
      till: fixture.at('10:20', short),
    });
    const report = await resync(fixture);
    expect(report.differences).toEqual({ missing: 0, extra: 0, stale: 0, foreign: 2 });
    expect(report.days.map(({ date }) => date)).toEqual([gone, short]);
    expect(fixture.shown('nowak', gone)).toEqual(['10:00', '10:20', '10:40']);
    expect(fixture.shown('nowak', short)).toEqual(['10:20', '10:40']);
    expect(await resync(fixture)).toMatchObject({ differences: { foreign: 0 }, writes: 0 });
  });
});

test('empty days are corrected in the same write', async () => {
  const fixture = await openFixture();
  const shut = [fixture.dateAfter(3), fixture.dateAfter(4)];
  const more = fixture.dateAfter(2);
  const drift = [...shut, more].map((date) => ({
    start: fixture.at('09:00', date),
    end: fixture.at('12:00', date),
    address_services: [{ address_service_id: 'visit', duration: 20 }],
  }));
  for (const date of shut)
    await fixture.send({ type: 'available', calendar: 'nowak', from: date, to: date, windows: [] });
  await fixture.untilAtRest();
  await requestAsAnotherClient(fixture, 'PUT', '/slots', { slots: drift });
  const report = await resync(fixture);
  expect(report).toMatchObject({ differences: { missing: 0, extra: 3, stale: 0, foreign: 0 }, writes: 1 });
  for (const date of shut) expect(fixture.shown('nowak', date)).toEqual([]);
  expect(fixture.shown('nowak', more)).toEqual(['10:00', '10:20', '10:40']);
  expect(fixture.requests('deleteSlots')).toEqual([]);
  expect(await resync(fixture)).toMatchObject({ differences: { extra: 0 }, writes: 0 });
});

test('a resync finds a write that the marketplace ignored as repeated and that could not be verified', async () => {
  const fixture = await openFixture();
  const asBefore = fixture.requests('replaceSlots').at(-1)?.body as { slots: object[] };
  const [early, late] = asBefore.slots;
  // Another sends what will be sent, and takes it back: within three minutes it is then ignored, with a 201.
  await requestAsAnotherClient(fixture, 'PUT', '/slots', { slots: [late] });
  await requestAsAnotherClient(fixture, 'PUT', '/slots', {
    slots: [early, late].map((one) => ({ ...one, insurance_providers: [] })),
  });
  fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 403 }, match: { operation: 'getSlots' } }]);
  await fixture.book('apt-2', '10:00', '10:20');
  await fixture.untilAtRest();
  expect(fixture.shown()).toEqual(['10:00', '10:40']);
  fixture.sandbox.faults.set([]);

  const report = await resync(fixture);
  expect(report).toMatchObject({ differences: { missing: 0, extra: 1, stale: 0, foreign: 0 }, writes: 1 });
  expect(fixture.shown()).toEqual(['10:40']);
  expect(await resync(fixture)).toMatchObject({ differences: { extra: 0 }, writes: 0 });
});

test('an own break that blocks nothing required is deleted', async () => {
  const fixture = await openFixture('breaks');
  const [since, till] = [fixture.at('10:40'), fixture.at('11:00')];
  await requestAsAnotherClient(fixture, 'POST', '/breaks', { since, till, description: 'slotkeeper nowak' });
  expect(fixture.shown()).toEqual(['10:00']);
  const report = await resync(fixture);
  expect(report).toMatchObject({ differences: { missing: 0, extra: 0, stale: 1, foreign: 0 }, writes: 1 });
  expect(report.days.map(({ date }) => date)).toEqual([fixture.date]);
  expect(fixture.shown()).toEqual(['10:00', '10:40']);
  expect(await resync(fixture)).toMatchObject({ differences: { stale: 0 }, writes: 0 });
});

test('an own break that somebody removed is made again first', async () => {
  const fixture = await openFixture('breaks');
  const [one] = fixture.sandbox.breaks(addressOf('nowak'));
  fixture.sandbox.removeBreak(one?.id ?? '');
  expect(fixture.shown()).toContain('10:20');
  const report = await resync(fixture);
  expect(report.differences).toMatchObject({ extra: 1 });
  expect(report.writes).toBe(1);
  expect(report.days.map(({ date }) => date)).toEqual([fixture.date]);
  expect(fixture.shown()).toEqual(['10:00', '10:40']);
  expect(await resync(fixture)).toMatchObject({ differences: { extra: 0 }, writes: 0 });
});

test('a calendar that fails is in the report', async () => {
  const fixture = await openFixture();
  fixture.sandbox.faults.set([
    { fault: { kind: 'status', status: 403, message: 'no right' }, match: { operation: 'getSlots' } },
  ]);
  const report = await resync(fixture);
  expect(report).toMatchObject({
    state: 'failed',
    failures: [{ calendar: 'nowak', reason: expect.stringContaining('no right') }],
  });
});
