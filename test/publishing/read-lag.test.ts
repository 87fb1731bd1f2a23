import { describe, expect, test } from '@jest/globals';
import type { Strategy } from '../../src/db/schema.js';
import { outcomeOf, readLagFrom } from '../../src/publishing/verification.js';
import { asAnother } from '../resync/resync-fixture.js';
import { Desk } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

const puts = (desk: Desk) => desk.requests('replaceSlots');
const dayOf = async (desk: Desk, date = desk.date) => (await desk.engine.days('nowak', date, date))?.[0];
const openDesk = (readLagMs: number, strategy: Strategy = 'slots') =>
  Desk.open({ still: true, strategy, sandbox: { readLagMs } });

describe('where readings are behind writes', () => {
  test.each(
    [400, 1_500, 5_000].flatMap((lag) =>
      (['slots', 'breaks', 'book'] as const).map((how) => [lag, how] as const),
    ),
  )('by %i ms, each change of %s is in sync after one write', async (lag, strategy) => {
    const desk = await openDesk(lag, strategy);
    await desk.open();
    await desk.rest();
    await desk.book('apt-1', '10:20', '10:40');
    await desk.rest();
    expect(await dayOf(desk)).toMatchObject({ state: 'in-sync', error: null });
    expect(desk.shown()).toEqual(['10:00', '10:40']);
    const hiding = [...desk.requests('addCalendarBreak'), ...desk.requests('bookSlot')];
    expect([puts(desk).length, hiding.length]).toEqual(strategy === 'slots' ? [2, 0] : [1, 1]);
  });

  test('a day is pending until a reading agrees, and other days do not wait for it', async () => {
    const desk = await openDesk(5_000);
    await desk.open();
    await eventually(() => desk.requests('getSlots').length === 1);
    await desk.open('nowak', desk.dateAfter(1));
    await eventually(() => puts(desk).length === 2 && desk.requests('getSlots').length === 2);
    const states = [await dayOf(desk), await dayOf(desk, desk.dateAfter(1))].map((day) => day?.state);
    expect(states).toEqual(['pending', 'pending']);
    expect(await desk.engine.status()).toMatchObject({ pending: 2, failed: 0 });
    await desk.rest();
    expect(puts(desk)).toHaveLength(2);
  });

  test('a newer change is read for itself', async () => {
    const desk = await openDesk(5_000);
    await desk.open();
    await eventually(() => desk.requests('getSlots').length === 1);
    await desk.book('apt-1', '10:20', '10:40');
    await eventually(() => puts(desk).length === 2);
    await desk.free('apt-1');
    await eventually(() => puts(desk).length === 3);
    await desk.rest();
    expect(puts(desk)).toHaveLength(3);
    expect(await dayOf(desk)).toMatchObject({ state: 'in-sync' });
    expect(desk.shown()).toEqual(['10:00', '10:20', '10:40']);
  });
});

test('a write that was ignored is sent again after two seconds where taken time stays on sale', async () => {
  const desk = await openDesk(0);
  await desk.open();
  await desk.rest();
  const [
    {
      slots: [whole],
    } = { slots: [] },
  ] = puts(desk).map(({ body }) => body as { slots: object[] });
  // Another sends what will be sent, and takes it back: within three minutes it is then ignored, with a 201.
  const late = { ...whole, start: desk.at('10:20') };
  await asAnother(desk, 'PUT', '/slots', { slots: [late] });
  await asAnother(desk, 'PUT', '/slots', { slots: [{ ...whole, insurance_providers: [] }] });
  await desk.book('apt-1', '10:00', '10:20');
  await desk.until(() => desk.shown().join() === '10:20,10:40');
  const [ignored, repair] = puts(desk).slice(-2);
  expect([ignored?.ignored, repair?.ignored]).toEqual([true, false]);
  const passed = (repair?.receivedAt ?? 0) - (ignored?.receivedAt ?? 0);
  expect(passed).toBeGreaterThanOrEqual(2_000);
  // The reading after that would be at five seconds.
  expect(passed).toBeLessThan(5_000);
  await desk.rest();
  expect(await dayOf(desk)).toMatchObject({ state: 'in-sync', error: null });
});

describe('what does not show', () => {
  /** A calendar that is disabled takes every write and shows nothing. */
  const disabled = async (): Promise<Desk> => {
    const estate = (calendar: 'disabled' | 'enabled') => ({
      facilities: [
        {
          id: 'facility',
          doctors: [
            { id: 'doctor', addresses: [{ id: 'address-nowak', services: [{ id: 'visit' }], calendar }] },
          ],
        },
      ],
    });
    const desk = await Desk.open({ still: true, sandbox: { estate: estate('disabled') } });
    await desk.open();
    await desk.rest();
    return desk;
  };
  const enable = (desk: Desk) => asAnother(desk, 'POST', '/calendar/enable');

  test('is repaired once after ten seconds, and fails after ten more with what was expected', async () => {
    const desk = await disabled();
    const [first, second, ...others] = puts(desk);
    expect(others).toEqual([]);
    expect((second?.receivedAt ?? 0) - (first?.receivedAt ?? 0)).toBeGreaterThanOrEqual(10_000);
    const reason = expect.stringMatching(/something else/);
    expect(await dayOf(desk)).toMatchObject({
      state: 'failed',
      error: { reason, expected: expect.any(Array), shown: [] },
    });
    expect((await dayOf(desk))?.error?.expected).toHaveLength(3);
    expect(await desk.engine.status()).toMatchObject({ pending: 0, failed: 1 });
  });

  test('heals without a write when it is tried again and shows', async () => {
    const desk = await disabled();
    await enable(desk);
    const failures = await desk.engine.failures.list();
    await desk.engine.failures.settle(
      'retry',
      failures.map(({ id }) => id),
    );
    await desk.rest();
    expect(await dayOf(desk)).toMatchObject({ state: 'in-sync', error: null });
    expect(puts(desk)).toHaveLength(2);
  });

  test('heals when a day beside it is published', async () => {
    const desk = await disabled();
    await desk.open('nowak', desk.dateAfter(-1));
    await desk.open('nowak', desk.dateAfter(1));
    await enable(desk);
    await desk.rest();
    expect(await dayOf(desk)).toMatchObject({ state: 'in-sync', error: null });
  });

  test('is no failure where it could not be read, and is read when it can', async () => {
    const desk = await Desk.open({ still: true });
    desk.sandbox.faults.set([{ fault: { kind: 'status', status: 500 }, match: { operation: 'getSlots' } }]);
    await desk.open();
    await desk.until(() => desk.requests('getSlots').length >= 5);
    expect(await dayOf(desk)).toMatchObject({ state: 'pending', error: null });
    desk.sandbox.faults.set([]);
    await desk.rest();
    expect(await dayOf(desk)).toMatchObject({ state: 'in-sync' });
    expect(puts(desk)).toHaveLength(1);
  });
});

describe('a reading that differs', () => {
  const written = { writtenAt: 0, differing: 1, repaired: false };
  const missing = { oversells: false };
  const oversells = { oversells: true };

  test('is made again after 1, 2, 5.5 and 10 seconds, and then repaired, once', () => {
    const next = [0, 1_000, 2_000, 5_500].map((at) => outcomeOf(written, missing, at, 0));
    expect(next).toEqual([1_000, 2_000, 5_500, 10_000].map((at) => ({ kind: 'read-again', at })));
    expect(outcomeOf(written, missing, 10_000, 0)).toEqual({ kind: 'repair' });
    expect(outcomeOf({ ...written, repaired: true }, missing, 10_000, 0)).toEqual({ kind: 'failed' });
  });

  test('is repaired after two seconds where taken time is on sale, if it was seen before', () => {
    expect(outcomeOf(written, oversells, 1_999, 0)).toMatchObject({ kind: 'read-again' });
    expect(outcomeOf(written, oversells, 2_000, 0)).toEqual({ kind: 'repair' });
    expect(outcomeOf({ ...written, differing: 0 }, oversells, 2_000, 0)).toMatchObject({ at: 5_500 });
    expect(outcomeOf({ ...written, repaired: true }, oversells, 2_000, 0)).toMatchObject({ at: 5_500 });
  });

  test('says nothing while it may be older than the write', () => {
    expect(outcomeOf(written, oversells, 5_499, 5_500)).toMatchObject({ kind: 'read-again' });
    expect(outcomeOf(written, oversells, 5_500, 5_500)).toEqual({ kind: 'repair' });
  });

  test('tells how far behind readings are, when one agrees after it', () => {
    expect(readLagFrom(written, 5_600, 0)).toBe(5_500);
    expect(readLagFrom(written, 60_000, 0)).toBe(10_000);
    expect(readLagFrom({ ...written, differing: 0 }, 5_500, 5_500)).toBe(2_000);
    expect(readLagFrom({ ...written, differing: 0 }, 0, 0)).toBe(0);
  });
});
