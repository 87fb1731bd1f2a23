// How fast and how exactly the marketplace followed the clinics: measured where it happens, reported by date and in sum.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addDays, localDate } from '../../src/core/index.js';
import { addMeasurements, BUCKETS_PER_OCTAVE } from '../../src/db/tables/accuracy.js';
import { InvalidQueryError } from '../../src/index.js';
import { percentilesOf, readAccuracy } from '../../src/monitoring/accuracy.js';
import { useDatabase } from '../db/use-database.js';
import { openNotificationFixture, toPushBody, visitBooking } from '../notifications/notification-fixture.js';
import { openFixture, requestAsAnotherClient, resync } from '../resync/resync-fixture.js';
import { serve } from '../server/served.js';
import { ClinicFixture, ZONE } from '../support/clinic-fixture.js';

const NONE = { count: 0, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null };
const one = (ms: number) => ({ count: 1, p50Ms: ms, p95Ms: ms, p99Ms: ms, maxMs: ms });

/** As the database computes it. */
const bucketOf = (ms: number): number => Math.ceil(BUCKETS_PER_OCTAVE * Math.log2(Math.max(ms, 1)));

/** By sorting all values. */
function exactPercentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

function expectNear(measured: number | null, exact: number): void {
  expect(measured).toBeGreaterThanOrEqual(exact);
  expect(measured).toBeLessThanOrEqual(Math.max(1, exact * 2 ** (1 / BUCKETS_PER_OCTAVE)));
}

const durations = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 20 }),
    fc.integer({ min: 0, max: 5_000 }),
    fc.integer({ min: 0, max: 1e8 }),
  ),
  { minLength: 1, maxLength: 300 },
);

describe('percentiles of a histogram', () => {
  test('are at most a bucket above those of its values, and never below', () => {
    fc.assert(
      fc.property(durations, fc.boolean(), (values, isSplit) => {
        // Each value as a bucket of its own, or those of one bucket together, is the same histogram.
        const buckets = isSplit
          ? values.map((value) => ({ bucket: bucketOf(value), count: 1, total: value, longest: value }))
          : [...new Set(values.map(bucketOf))].map((bucket) => {
              const inside = values.filter((value) => bucketOf(value) === bucket);
              const total = inside.reduce((sum, value) => sum + value, 0);
              return { bucket, count: inside.length, total, longest: Math.max(...inside) };
            });
        const { count, p50Ms, p95Ms, p99Ms, maxMs } = percentilesOf(buckets);
        expect([count, maxMs]).toEqual([values.length, Math.max(...values)]);
        expectNear(p50Ms, exactPercentile(values, 0.5));
        expectNear(p95Ms, exactPercentile(values, 0.95));
        expectNear(p99Ms, exactPercentile(values, 0.99));
      }),
    );
  });

  test('are null where it is empty', () => {
    expect(percentilesOf([])).toEqual(NONE);
  });
});

/** When the last successful request of an operation was answered. */
const lastAnswered = (fixture: ClinicFixture, operation: string): number =>
  fixture.requests(operation).findLast(({ status = 500 }) => status < 300)?.answeredAt ?? Number.NaN;

describe('a day that is played', () => {
  test('has the durations of its opening and of its closing, to the write and to the read', async () => {
    const fixture = await ClinicFixture.open({ still: true, sandbox: { readLagMs: 2_000 } });
    const { clock, faults } = fixture.sandbox;
    const openedAt = clock.now();
    await fixture.open();
    await fixture.untilAtRest();
    const opened = lastAnswered(fixture, 'replaceSlots') - openedAt;
    const shown = lastAnswered(fixture, 'getSlots') - openedAt;
    expect(shown).toBeGreaterThanOrEqual(2_000);
    const openings = { ...one(opened), proven: one(shown) };
    const before = await fixture.engine.accuracy({ account: 'many' });
    expect(before).toMatchObject({ openings, closings: { ...NONE, proven: NONE }, takenOnSaleSeconds: 0 });

    faults.set([{ fault: { kind: 'status', status: 500 }, match: { operation: 'replaceSlots' }, times: 2 }]);
    const bookedAt = clock.now();
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    const closed = lastAnswered(fixture, 'replaceSlots') - bookedAt;
    const proven = lastAnswered(fixture, 'getSlots') - bookedAt;
    expect(closed).toBeGreaterThan(0);
    expect(proven).toBeGreaterThanOrEqual(closed + 2_000);
    expect(await fixture.engine.accuracy({ account: 'many' })).toMatchObject({
      openings,
      closings: { ...one(closed), proven: one(proven) },
      takenOnSaleSeconds: closed / 1_000,
      doubleBookings: 0,
      matchRatio: null,
      comparedDays: 0,
    });
    expect(await fixture.engine.accuracy({ account: 'alone' })).toMatchObject({
      openings: NONE,
      closings: NONE,
    });
  });

  test('counts the seconds for which its busy time could not be closed', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    await fixture.open();
    await fixture.untilAtRest();
    const { clock, faults } = fixture.sandbox;
    faults.set(
      ['replaceSlots', 'deleteSlots', 'addCalendarBreak'].map((operation) => {
        return { fault: { kind: 'status', status: 500 }, match: { operation } };
      }),
    );
    const bookedAt = clock.now();
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.until(() => clock.now() > bookedAt + 3_600_000);
    expect(await fixture.engine.accuracy()).toMatchObject({ takenOnSaleSeconds: 0, closings: { count: 0 } });
    faults.clear();
    await fixture.untilAtRest();
    const closed = lastAnswered(fixture, 'replaceSlots') - bookedAt;
    expect(closed).toBeGreaterThan(3_600_000);
    const caller = await serve(fixture.engine);
    const { body } = await caller('GET', '/v1/accuracy?account=many');
    expect(body).toMatchObject({ closings: one(closed), takenOnSaleSeconds: closed / 1_000 });
    const today = localDate(clock.now(), ZONE);
    expect([body.from, body.to]).toEqual([addDays(today, -29), today]);
    expect(body.days.map(({ date }: { date: string }) => date)).toEqual(
      Array.from({ length: 30 }, (_, n) => addDays(body.from, n)),
    );
    expect(body.days.at(-1)).toMatchObject({ closings: one(closed), takenOnSaleSeconds: closed / 1_000 });
    expect(body.days[0]).toEqual({
      date: body.from,
      closings: { ...NONE, proven: NONE },
      openings: { ...NONE, proven: NONE },
      takenOnSaleSeconds: 0,
      doubleBookings: 0,
      matchRatio: null,
      comparedDays: 0,
    });
    const metrics = await (await fetch(`${caller.url}/metrics`)).text();
    expect(metrics).toContain(`\nslotkeeper_taken_on_sale_seconds_total ${closed / 1_000}\n`);
    expect(metrics).toContain(
      '\nslotkeeper_publish_latency_seconds_bucket{le="600",direction="closing"} 0\n',
    );
    expect(metrics).toContain('\nslotkeeper_publish_latency_seconds_count{direction="closing"} 1\n');
    expect(metrics).toContain('\nslotkeeper_publish_latency_seconds_count{direction="opening"} 1\n');
  });
});

describe('the default dates', () => {
  const database = useDatabase();

  test('end with the latest local date of the accounts, which may be ahead of UTC', async () => {
    const now = Date.parse('2026-11-09T23:30:00Z');
    await addMeasurements(database.db, 'warsaw', '2026-11-10', [{ measure: 'compared-days', value: 7 }]);
    const accuracy = await readAccuracy(database.db, {}, now);
    expect(accuracy).toMatchObject({ from: '2026-10-12', to: '2026-11-10', comparedDays: 7 });
  });
});

const metricOf = (text: string, name: string): string | undefined =>
  text
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1);

test('a resync counts the days that it compares and those that match; a dry run counts none', async () => {
  const fixture = await openFixture();
  const metrics = async (): Promise<string> => {
    const { url } = await serve(fixture.engine);
    return await (await fetch(`${url}/metrics`)).text();
  };
  const before = await metrics();
  expect(metricOf(before, 'slotkeeper_match_ratio')).toBe('Nan');
  expect(metricOf(before, 'slotkeeper_resync_last_success_timestamp_seconds')).toBe('0');
  expect(metricOf(before, 'slotkeeper_event_last_received_timestamp_seconds')).not.toBe('0');

  await requestAsAnotherClient(fixture, 'DELETE', `/slots/${fixture.dateAfter(1)}`);
  await resync(fixture, { dryRun: true });
  expect(await fixture.engine.accuracy()).toMatchObject({ matchRatio: null, comparedDays: 0 });
  expect(metricOf(await metrics(), 'slotkeeper_match_ratio')).toBe('Nan');

  const { finishedAt } = await resync(fixture);
  expect(await fixture.engine.accuracy()).toMatchObject({ matchRatio: 2 / 3, comparedDays: 3 });
  const drifted = await metrics();
  expect(Number(metricOf(drifted, 'slotkeeper_match_ratio'))).toBe(2 / 3);
  expect(metricOf(drifted, 'slotkeeper_drift_days{kind="missing"}')).toBe('1');
  expect(metricOf(drifted, 'slotkeeper_drift_days{kind="extra"}')).toBe('0');
  expect(Number(metricOf(drifted, 'slotkeeper_resync_last_success_timestamp_seconds'))).toBe(
    Date.parse(finishedAt ?? '') / 1_000,
  );

  await fixture.passTime(60_000);
  await resync(fixture);
  expect(await fixture.engine.accuracy()).toMatchObject({ matchRatio: 5 / 6, comparedDays: 6 });
  const corrected = await metrics();
  expect(metricOf(corrected, 'slotkeeper_match_ratio')).toBe('1');
  expect(metricOf(corrected, 'slotkeeper_drift_days{kind="missing"}')).toBe('0');
});

test('a conflict is counted once, whoever causes it and however often it is reported', async () => {
  const { fixture, call, push } = await openNotificationFixture();
  const doubleBookings = async () => {
    const accuracy = await fixture.engine.accuracy({ account: 'many' });
    return [accuracy?.doubleBookings, accuracy?.days.at(-1)?.doubleBookings];
  };
  await fixture.book('apt-1', '10:20', '10:40');
  const booked = toPushBody('slot-booked', { visit_booking: visitBooking(fixture, 'b-1', '10:20') });
  for (const body of [booked, booked]) expect((await push(body)).status).toBe(200);
  expect(await doubleBookings()).toEqual([1, 1]);
  for (const _ of [1, 2]) await fixture.book('apt-2', '10:20', '10:40');
  expect(await doubleBookings()).toEqual([2, 2]);
  expect(await fixture.engine.accuracy({ account: 'alone' })).toMatchObject({ doubleBookings: 0 });
  const metrics = await (await fetch(`${call.url}/metrics`)).text();
  expect(metricOf(metrics, 'slotkeeper_double_bookings_total')).toBe('2');
  // The conflicts of one transaction are counted together.
  const others = ['b-2', 'b-3'].map((id, n) =>
    push(toPushBody('slot-booked', { visit_booking: visitBooking(fixture, id, `11:${n}0`) })),
  );
  await Promise.all(others);
  await fixture.book('leave', '11:00', '11:30');
  expect(await doubleBookings()).toEqual([4, 4]);
});

describe('the accuracy of a range', () => {
  test('sums its dates and, without an account, all accounts', async () => {
    const fixture = await ClinicFixture.open();
    const { db } = fixture.engine;
    const written = (values: readonly number[]) =>
      values.map((value) => ({ measure: 'closing-written' as const, value }));
    const values = fc.sample(durations, { numRuns: 3, seed: 1 });
    const [first = [], second = [], third = []] = values;
    await addMeasurements(db, 'many', '2026-03-01', written(first));
    await addMeasurements(db, 'many', '2026-03-02', written(second));
    await addMeasurements(db, 'many', '2026-03-02', written([7]));
    await addMeasurements(db, 'alone', '2026-03-02', written(third));
    await addMeasurements(db, 'alone', '2026-03-03', written([9]));
    const range = { from: '2026-03-01', to: '2026-03-02' };
    const all = await fixture.engine.accuracy(range);
    const ofMany = await fixture.engine.accuracy({ ...range, account: 'many' });
    for (const [accuracy, expected] of [
      [all, [...first, ...second, 7, ...third]],
      [ofMany, [...first, ...second, 7]],
      [ofMany?.days[0], first],
      [ofMany?.days[1], [...second, 7]],
      [all?.days[1], [...second, 7, ...third]],
    ] as const) {
      const { count, maxMs, p50Ms = null, p95Ms = null } = accuracy?.closings ?? {};
      expect([count, maxMs]).toEqual([expected.length, Math.max(...expected)]);
      expectNear(p50Ms, exactPercentile(expected, 0.5));
      expectNear(p95Ms, exactPercentile(expected, 0.95));
    }
    expect([all?.account, ofMany?.account, all?.days.length]).toEqual([null, 'many', 2]);
  });

  test('is refused where it is reversed, too long or unreadable', async () => {
    const { engine } = await ClinicFixture.open();
    const call = await serve(engine);
    const answer = async (query: string) => {
      const { status, body } = await call('GET', `/v1/accuracy?${query}`);
      return [status, ...(body.errors ?? []).map(({ path }: { path: string }) => path)];
    };
    expect(await answer('from=2026-01-01&to=2027-01-01')).toEqual([200]);
    expect(await answer('from=2026-01-01&to=2026-01-01')).toEqual([200]);
    expect(await answer('from=2026-01-01&to=2027-01-02')).toEqual([400, 'from']);
    expect(await answer('from=2026-01-02&to=2026-01-01')).toEqual([400, 'from']);
    expect(await answer('from=9000-01-01')).toEqual([400, 'from']);
    expect(await answer('to=2026-02-30')).toEqual([400, 'to']);
    expect(await answer('from=today&to=9999-12-31')).toEqual([400, 'from', 'to']);
    expect(await answer('acount=many')).toEqual([400, 'acount']);
    expect(await answer('account=nobody')).toEqual([404, 'account']);
    expect(await answer('to=2026-02-28')).toEqual([200]);
    await expect(engine.accuracy({ from: '2026-02-30' })).rejects.toThrow(InvalidQueryError);
    await expect(engine.accuracy({ to: 'x' })).rejects.toMatchObject({ path: 'to' });
    expect(await engine.accuracy({ account: 'nobody' })).toBeUndefined();
  });
});
