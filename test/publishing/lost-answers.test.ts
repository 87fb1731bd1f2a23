// A write whose answer was lost may still be under way in the marketplace: what is sent after it waits for that.
import { expect, test } from '@jest/globals';
import { getCalendar } from '../../src/db/tables/calendars.js';
import { Desk } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

test('a write that is carried out after it timed out does not undo the next one', async () => {
  const desk = await Desk.open({ timeoutMs: 1_200, random: () => 0 });
  await desk.open();
  await desk.rest();
  const match = { operation: 'replaceSlots' };
  desk.sandbox.faults.set([{ fault: { kind: 'latency', ms: 2_300 }, match, times: 1 }]);
  await desk.free('nobody');
  await desk.book('first', '10:00', '10:20');
  await eventually(() => desk.requests('replaceSlots').length >= 2);
  await desk.book('second', '10:20', '10:40');
  await desk.rest();
  await eventually(() => desk.sandbox.requests.every(({ answeredAt }) => answeredAt !== undefined));
  expect(desk.shown()).toEqual(['10:40']);
});

test('a calendar is tried again after a 503, a cut connection and a lost answer, and ends equal', async () => {
  const desk = await Desk.open({ still: true });
  await desk.open();
  await desk.rest();
  const faults = [
    { kind: 'status', status: 503 },
    { kind: 'cut', when: 'before' },
    { kind: 'cut', when: 'after' },
  ] as const;
  for (const [n, fault] of faults.entries()) {
    desk.sandbox.faults.set([{ fault, match: { operation: 'replaceSlots' }, times: 1 }]);
    await desk.book(`apt-${n}`, `10:${n}5`, `10:${n}9`);
    await desk.until(async () => (await getCalendar(desk.engine.db, 'nowak'))?.retrying !== undefined);
    expect(desk.requests('replaceSlots').at(-1)?.fault).toBeDefined();
    const days = await desk.engine.days('nowak', desk.date, desk.date);
    expect(days).toMatchObject([{ state: 'pending', error: { reason: expect.any(String) } }]);
    await desk.rest();
    expect(await desk.engine.days('nowak', desk.date, desk.date)).toMatchObject([{ state: 'in-sync' }]);
    expect(desk.shown()).not.toContain(`10:${n}0`);
  }
  expect(desk.shown()).toEqual(['10:29']);
});

test.each([
  ['whose connection is cut', { kind: 'cut', when: 'before' }],
  ['whose answer is lost', { kind: 'cut', when: 'after' }],
  ['that a gateway gave up on', { kind: 'status', status: 504, applied: true }],
] as const)('a write %s may still be under way: the next one waits until it is over', async (_, fault) => {
  const desk = await Desk.open({ still: true, timeoutMs: 30_000, random: () => 0 });
  await desk.open();
  await desk.rest();
  desk.sandbox.faults.set([{ fault, match: { operation: 'replaceSlots' }, times: 1 }]);
  await desk.book('first', '10:00', '10:20');
  await desk.rest();
  const [, lost, next] = desk.requests('replaceSlots');
  expect((next?.receivedAt ?? 0) - (lost?.receivedAt ?? 0)).toBeGreaterThanOrEqual(30_000);
  expect(desk.shown()).toEqual(['10:20', '10:40']);
});
