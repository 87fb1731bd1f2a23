// A write whose answer was lost may still be under way in the marketplace: what is sent after it waits for that.
import { expect, test } from '@jest/globals';
import { getCalendar } from '../../src/db/tables/calendars.js';
import { ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

test('a write that is executed after its timeout does not undo the next one', async () => {
  const fixture = await ClinicFixture.open({ timeoutMs: 1_200, random: () => 0 });
  await fixture.open();
  await fixture.untilAtRest();
  const match = { operation: 'replaceSlots' };
  fixture.sandbox.faults.set([{ fault: { kind: 'latency', ms: 2_300 }, match, times: 1 }]);
  await fixture.free('nobody');
  await fixture.book('first', '10:00', '10:20');
  await eventually(() => fixture.requests('replaceSlots').length >= 2);
  await fixture.book('second', '10:20', '10:40');
  await fixture.untilAtRest();
  await eventually(() => fixture.sandbox.requests.every(({ answeredAt }) => answeredAt !== undefined));
  expect(fixture.shown()).toEqual(['10:40']);
});

test('a calendar is retried after a 503, a cut connection and a lost answer, and ends in sync', async () => {
  const fixture = await ClinicFixture.open({ still: true });
  await fixture.open();
  await fixture.untilAtRest();
  const faults = [
    { kind: 'status', status: 503 },
    { kind: 'cut', when: 'before' },
    { kind: 'cut', when: 'after' },
  ] as const;
  for (const [n, fault] of faults.entries()) {
    fixture.sandbox.faults.set([{ fault, match: { operation: 'replaceSlots' }, times: 1 }]);
    await fixture.book(`apt-${n}`, `10:${n}5`, `10:${n}9`);
    await fixture.until(async () => (await getCalendar(fixture.engine.db, 'nowak'))?.retrying !== undefined);
    expect(fixture.requests('replaceSlots').at(-1)?.fault).toBeDefined();
    const days = await fixture.engine.days('nowak', fixture.date, fixture.date);
    expect(days).toMatchObject([{ state: 'pending', error: { reason: expect.any(String) } }]);
    await fixture.untilAtRest();
    expect(await fixture.engine.days('nowak', fixture.date, fixture.date)).toMatchObject([
      { state: 'in-sync' },
    ]);
    expect(fixture.shown()).not.toContain(`10:${n}0`);
  }
  expect(fixture.shown()).toEqual(['10:29']);
});

test.each([
  ['whose connection is cut', { kind: 'cut', when: 'before' }],
  ['whose answer is lost', { kind: 'cut', when: 'after' }],
  ['that a gateway gave up on', { kind: 'status', status: 504, applied: true }],
] as const)('a write %s may still be executed: the next one waits until it is over', async (_, fault) => {
  const fixture = await ClinicFixture.open({ still: true, timeoutMs: 30_000, random: () => 0 });
  await fixture.open();
  await fixture.untilAtRest();
  fixture.sandbox.faults.set([{ fault, match: { operation: 'replaceSlots' }, times: 1 }]);
  await fixture.book('first', '10:00', '10:20');
  await fixture.untilAtRest();
  const [, lost, next] = fixture.requests('replaceSlots');
  expect((next?.receivedAt ?? 0) - (lost?.receivedAt ?? 0)).toBeGreaterThanOrEqual(30_000);
  expect(fixture.shown()).toEqual(['10:20', '10:40']);
});
