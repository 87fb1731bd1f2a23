import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  compareSlots,
  computeSlotConfigs,
  InvalidScheduleError,
  type Slot,
  sameSlots,
} from '../../src/core/index.js';
import { sampleOf } from '../support/long.js';

const MINUTE = 60_000;
const NINE = Date.parse('2026-11-16T09:00Z');
const time = (text: string) => `2026-11-16T${text}:00+00:00`;
const clock = (ms: number) => new Date(ms).toISOString().slice(11, 16);

const slot = (
  start: string,
  end: string,
  services: Record<string, number>,
  terms: Partial<Slot> = {},
): Slot => ({
  start: time(start),
  end: time(end),
  address_services: Object.entries(services).map(([id, duration]) => ({ address_service_id: id, duration })),
  ...terms,
});

/** Formats each interval as `a 10:00-10:30`. */
function changes(before: readonly Slot[], after: readonly Slot[]) {
  const texts = (list: readonly { service: string; start: number; end: number }[]) =>
    list.map(({ service, start, end }) => `${service} ${clock(start)}-${clock(end)}`);
  const { opened, closed } = compareSlots(before, after);
  return { opened: texts(opened), closed: texts(closed) };
}

describe('compareSlots', () => {
  test('equal configurations have no changes', () => {
    expect(changes([slot('09:00', '12:00', { a: 10 })], [slot('09:00', '12:00', { a: 10 })])).toEqual({
      opened: [],
      closed: [],
    });
  });

  test('occupied time is closed and released time is opened', () => {
    const free = [slot('09:00', '12:00', { a: 10, b: 20 })];
    const taken = [slot('09:00', '10:00', { a: 10, b: 20 }), slot('10:30', '12:00', { a: 10, b: 20 })];
    expect(changes(free, taken)).toEqual({ opened: [], closed: ['a 10:00-10:30', 'b 10:00-10:30'] });
    expect(changes(taken, free)).toEqual({ opened: ['a 10:00-10:30', 'b 10:00-10:30'], closed: [] });
  });

  test('each service is compared separately', () => {
    expect(
      changes(
        [slot('09:00', '10:00', { a: 10 })],
        [slot('09:00', '09:30', { b: 10 }), slot('09:30', '10:00', { a: 10 })],
      ),
    ).toEqual({
      opened: ['b 09:00-09:30'],
      closed: ['a 09:00-09:30'],
    });
  });

  test('entries that touch have no gap between them', () => {
    expect(
      changes(
        [slot('09:00', '10:00', { a: 10 })],
        [slot('09:00', '09:30', { a: 10 }), slot('09:30', '10:00', { a: 10 })],
      ),
    ).toEqual({
      opened: [],
      closed: [],
    });
  });

  test('time with another duration or other terms is closed and opened', () => {
    const both = { opened: ['a 09:00-10:00'], closed: ['a 09:00-10:00'] };
    const before = [slot('09:00', '10:00', { a: 10 })];
    expect(changes(before, [slot('09:00', '10:00', { a: 20 })])).toEqual(both);
    expect(
      changes(before, [slot('09:00', '10:00', { a: 10 }, { insurance_accepted: 'without-insurance-only' })]),
    ).toEqual(both);
  });

  test('opened and closed time is exactly the time that only one configuration offers', () => {
    const busy = fc.array(
      fc
        .record({ start: fc.integer({ min: -10, max: 70 }), length: fc.integer({ min: 1, max: 30 }) })
        .map(({ start, length }) => ({
          start: NINE + start * MINUTE,
          end: NINE + (start + length) * MINUTE,
        })),
      { maxLength: 4 },
    );
    const windows = [{ start: NINE, end: NINE + 60 * MINUTE, services: [{ id: 'a', duration: 1 }] }];
    const free = (taken: { start: number; end: number }[]) => (ms: number) =>
      !taken.some(({ start, end }) => start <= ms && ms < end);
    fc.assert(
      fc.property(busy, busy, (old, now) => {
        const slots = (taken: typeof busy extends fc.Arbitrary<infer T> ? T : never) =>
          computeSlotConfigs({ timeZone: 'UTC', windows, busy: taken }).flatMap((day) => day.slots);
        const { opened, closed } = compareSlots(slots(old), slots(now));
        for (let ms = NINE; ms < NINE + 60 * MINUTE; ms += MINUTE) {
          const within = (list: readonly { start: number; end: number }[]) =>
            list.some(({ start, end }) => start <= ms && ms < end);
          expect([within(opened), within(closed)]).toEqual([
            free(now)(ms) && !free(old)(ms),
            free(old)(ms) && !free(now)(ms),
          ]);
        }
      }),
      { numRuns: sampleOf(300) },
    );
  });

  test('an error contains the path of the invalid list', () => {
    const wrong = [{ ...slot('09:00', '10:00', { a: 10 }), end: 'soon' }];
    expect(() => compareSlots(wrong, [])).toThrow(expect.objectContaining({ path: 'before[0].end' }));
    expect(() => compareSlots([], wrong)).toThrow(InvalidScheduleError);
  });
});

describe('sameSlots', () => {
  const terms = { insurance_accepted: 'with-insurance-only', insurance_providers: ['1', '2'] } as const;

  test('the order of entries, services and ids and the offsets are ignored', () => {
    const ours = [slot('09:00', '10:00', { a: 10, b: 20 }, terms), slot('11:00', '12:00', { a: 10 })];
    const theirs = [
      { ...slot('11:00', '12:00', { a: 10 }), start: '2026-11-16T12:00:00+01:00' },
      slot('09:00', '10:00', { b: 20, a: 10 }, { ...terms, insurance_providers: ['2', '1'] }),
    ];
    expect(sameSlots(ours, theirs)).toBe(true);
  });

  test('configurations differ if an entry, a service, a duration or terms differ', () => {
    const one = [slot('09:00', '10:00', { a: 10 })];
    expect(sameSlots(one, [])).toBe(false);
    expect(sameSlots(one, [slot('09:00', '10:01', { a: 10 })])).toBe(false);
    expect(sameSlots(one, [slot('09:00', '10:00', { b: 10 })])).toBe(false);
    expect(sameSlots(one, [slot('09:00', '10:00', { a: 11 })])).toBe(false);
    expect(sameSlots(one, [slot('09:00', '10:00', { a: 10 }, terms)])).toBe(false);
  });

  test('an entry differs from its two halves, because the starts of each half count from its own start', () => {
    const cut = [slot('09:00', '09:25', { a: 10 }), slot('09:25', '10:00', { a: 10 })];
    expect(sameSlots([slot('09:00', '10:00', { a: 10 })], cut)).toBe(false);
  });

  test('entries without services are ignored', () => {
    expect(sameSlots([slot('09:00', '10:00', {})], [])).toBe(true);
  });
});
