import { describe, expect, test } from '@jest/globals';
import type { Strategy } from '../../src/db/schema.js';
import { outcomeOf, readLagFrom } from '../../src/publishing/verification.js';
import { requestAsAnotherClient } from '../resync/resync-fixture.js';
import { ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';

const puts = (fixture: ClinicFixture) => fixture.requests('replaceSlots');
const dayOf = async (fixture: ClinicFixture, date = fixture.date) =>
  (await fixture.engine.days('nowak', date, date))?.[0];
const openFixture = (readLagMs: number, strategy: Strategy = 'slots') =>
  ClinicFixture.open({ still: true, strategy, sandbox: { readLagMs } });

describe('reads that lag behind writes', () => {
  test.each(
    [400, 1_500, 5_000].flatMap((lag) =>
      (['slots', 'breaks', 'book'] as const).map((how) => [lag, how] as const),
    ),
  )('by %i ms, each change of %s is in sync after one write', async (lag, strategy) => {
    const fixture = await openFixture(lag, strategy);
    await fixture.open();
    await fixture.untilAtRest();
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(await dayOf(fixture)).toMatchObject({ state: 'in-sync', error: null });
    expect(fixture.shown()).toEqual(['10:00', '10:40']);
    const hiding = [...fixture.requests('addCalendarBreak'), ...fixture.requests('bookSlot')];
    expect([puts(fixture).length, hiding.length]).toEqual(strategy === 'slots' ? [2, 0] : [1, 1]);
  });

  test('keep a day pending until one agrees, and delay no other day', async () => {
    const fixture = await openFixture(5_000);
    await fixture.open();
    await eventually(() => fixture.requests('getSlots').length === 1);
    await fixture.open('nowak', fixture.dateAfter(1));
    await eventually(() => puts(fixture).length === 2 && fixture.requests('getSlots').length === 2);
    const states = [await dayOf(fixture), await dayOf(fixture, fixture.dateAfter(1))].map(
      (day) => day?.state,
    );
    expect(states).toEqual(['pending', 'pending']);
    expect(await fixture.engine.status()).toMatchObject({ pending: 2, failed: 0 });
    await fixture.untilAtRest();
    expect(puts(fixture)).toHaveLength(2);
  });

  test('are repeated for a newer change', async () => {
    const fixture = await openFixture(5_000);
    await fixture.open();
    await eventually(() => fixture.requests('getSlots').length === 1);
    await fixture.book('apt-1', '10:20', '10:40');
    await eventually(() => puts(fixture).length === 2);
    await fixture.free('apt-1');
    await eventually(() => puts(fixture).length === 3);
    await fixture.untilAtRest();
    expect(puts(fixture)).toHaveLength(3);
    expect(await dayOf(fixture)).toMatchObject({ state: 'in-sync' });
    expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40']);
  });
});

test('an ignored write is sent again after two seconds where busy time stays on sale', async () => {
  const fixture = await openFixture(0);
  await fixture.open();
  await fixture.untilAtRest();
  const [
    {
      slots: [whole],
    } = { slots: [] },
  ] = puts(fixture).map(({ body }) => body as { slots: object[] });
  // Another sends what will be sent, and takes it back: within three minutes it is then ignored, with a 201.
  const late = { ...whole, start: fixture.at('10:20') };
  await requestAsAnotherClient(fixture, 'PUT', '/slots', { slots: [late] });
  await requestAsAnotherClient(fixture, 'PUT', '/slots', { slots: [{ ...whole, insurance_providers: [] }] });
  await fixture.book('apt-1', '10:00', '10:20');
  await fixture.until(() => fixture.shown().join() === '10:20,10:40');
  const [ignored, repair] = puts(fixture).slice(-2);
  expect([ignored?.ignored, repair?.ignored]).toEqual([true, false]);
  const passed = (repair?.receivedAt ?? 0) - (ignored?.receivedAt ?? 0);
  expect(passed).toBeGreaterThanOrEqual(2_000);
  // The reading after that would be at five seconds.
  expect(passed).toBeLessThan(5_000);
  await fixture.untilAtRest();
  expect(await dayOf(fixture)).toMatchObject({ state: 'in-sync', error: null });
});

describe('a published day that is not shown', () => {
  /** A calendar that is disabled takes every write and shows nothing. */
  const disabled = async (): Promise<ClinicFixture> => {
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
    const fixture = await ClinicFixture.open({ still: true, sandbox: { estate: estate('disabled') } });
    await fixture.open();
    await fixture.untilAtRest();
    return fixture;
  };
  const enable = (fixture: ClinicFixture) => requestAsAnotherClient(fixture, 'POST', '/calendar/enable');

  test('is repaired once after ten seconds, and fails after ten more with the expected starts', async () => {
    const fixture = await disabled();
    const [first, second, ...others] = puts(fixture);
    expect(others).toEqual([]);
    expect((second?.receivedAt ?? 0) - (first?.receivedAt ?? 0)).toBeGreaterThanOrEqual(10_000);
    const reason = expect.stringMatching(/something else/);
    expect(await dayOf(fixture)).toMatchObject({
      state: 'failed',
      error: { reason, expected: expect.any(Array), shown: [] },
    });
    expect((await dayOf(fixture))?.error?.expected).toHaveLength(3);
    expect(await fixture.engine.status()).toMatchObject({ pending: 0, failed: 1 });
  });

  test('recovers without a write where a retry finds it shown', async () => {
    const fixture = await disabled();
    await enable(fixture);
    const failures = await fixture.engine.failures.list();
    await fixture.engine.failures.settle(
      'retry',
      failures.map(({ id }) => id),
    );
    await fixture.untilAtRest();
    expect(await dayOf(fixture)).toMatchObject({ state: 'in-sync', error: null });
    expect(puts(fixture)).toHaveLength(2);
  });

  test('recovers when a day beside it is published', async () => {
    const fixture = await disabled();
    await fixture.open('nowak', fixture.dateAfter(-1));
    await fixture.open('nowak', fixture.dateAfter(1));
    await enable(fixture);
    await fixture.untilAtRest();
    expect(await dayOf(fixture)).toMatchObject({ state: 'in-sync', error: null });
  });

  test('does not fail where it cannot be read, and is read later', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    fixture.sandbox.faults.set([
      { fault: { kind: 'status', status: 500 }, match: { operation: 'getSlots' } },
    ]);
    await fixture.open();
    await fixture.until(() => fixture.requests('getSlots').length >= 5);
    expect(await dayOf(fixture)).toMatchObject({ state: 'pending', error: null });
    fixture.sandbox.faults.set([]);
    await fixture.untilAtRest();
    expect(await dayOf(fixture)).toMatchObject({ state: 'in-sync' });
    expect(puts(fixture)).toHaveLength(1);
  });
});

describe('a read that differs', () => {
  const written = { writtenAt: 0, differing: 1, repaired: false };
  const missing = { oversells: false };
  const oversells = { oversells: true };

  test('is repeated after 1, 2, 5.5 and 10 seconds, and then the day is repaired, once', () => {
    const next = [0, 1_000, 2_000, 5_500].map((at) => outcomeOf(written, missing, at, 0));
    expect(next).toEqual([1_000, 2_000, 5_500, 10_000].map((at) => ({ kind: 'read-again', at })));
    expect(outcomeOf(written, missing, 10_000, 0)).toEqual({ kind: 'repair' });
    expect(outcomeOf({ ...written, repaired: true }, missing, 10_000, 0)).toEqual({ kind: 'failed' });
  });

  test('leads to a repair after two seconds where busy time is on sale and an earlier read differed', () => {
    expect(outcomeOf(written, oversells, 1_999, 0)).toMatchObject({ kind: 'read-again' });
    expect(outcomeOf(written, oversells, 2_000, 0)).toEqual({ kind: 'repair' });
    expect(outcomeOf({ ...written, differing: 0 }, oversells, 2_000, 0)).toMatchObject({ at: 5_500 });
    expect(outcomeOf({ ...written, repaired: true }, oversells, 2_000, 0)).toMatchObject({ at: 5_500 });
  });

  test('does not count while it may be older than the write', () => {
    expect(outcomeOf(written, oversells, 5_499, 5_500)).toMatchObject({ kind: 'read-again' });
    expect(outcomeOf(written, oversells, 5_500, 5_500)).toEqual({ kind: 'repair' });
  });

  test('measures the read lag once a later read agrees', () => {
    expect(readLagFrom(written, 5_600, 0)).toBe(5_500);
    expect(readLagFrom(written, 60_000, 0)).toBe(10_000);
    expect(readLagFrom({ ...written, differing: 0 }, 5_500, 5_500)).toBe(2_000);
    expect(readLagFrom({ ...written, differing: 0 }, 0, 0)).toBe(0);
  });
});
