/** The explanation of a start against what is computed: both say the same of every instant. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  bookableStarts,
  computeSlotConfigs,
  explainStart,
  InvalidScheduleError,
} from '../../src/core/index.js';
import { isLong } from '../support/long.js';
import { cases } from './cases.js';
import { clock, TICK } from './oracle.js';

const CASES = Number(process.env.CORE_CASES ?? (isLong ? 20_000 : 1_500));

const OFFSETS = fc.array(fc.integer({ min: -400, max: 400 }), { minLength: 12, maxLength: 12 });

test('says yes exactly where the computed configuration has the start', () => {
  let starts = 0;
  fc.assert(
    fc.property(
      cases,
      OFFSETS,
      fc.constantFrom('duration', 'divisor'),
      fc.constantFrom(undefined, '7', '12', 'usg'),
      ({ input }, offsets, cut, service) => {
        const { timeZone, windows, from: _from, to: _to, ...rest } = input;
        const schedule = { timeZone, windows, ...rest };
        const middle = windows[0]?.start ?? 0;
        const computed = days(schedule);
        if (computed === undefined) {
          expect(() => explainStart({ ...schedule, at: middle })).toThrow(InvalidScheduleError);
          return;
        }
        const bookable = computed.flatMap(({ slots }) => bookableStarts(slots, timeZone, { cut }));
        const onOffer = new Map(bookable.map(({ start, services }) => [Date.parse(start), services]));
        const asked = [...offsets.map((ticks) => middle + ticks * TICK), ...[...onOffer.keys()].slice(0, 12)];
        for (const at of asked) {
          const services = onOffer.get(at) ?? [];
          const expected = service === undefined ? services.length > 0 : services.includes(service);
          if (expected) starts += 1;
          const { wanted, checks, ...explained } = explainStart({ ...schedule, at, service, cut });
          expect({ at: clock(at, timeZone).iso, wanted, services: explained.services }).toEqual({
            at: clock(at, timeZone).iso,
            wanted: expected,
            services,
          });
          expect(checks.map(({ check }) => check)).toEqual(['window', 'service', 'busy', 'rules', 'fits']);
          expect(checks.every(({ ok }) => ok === true)).toBe(wanted);
          const failed = checks.findIndex(({ ok }) => ok === false);
          if (!wanted) {
            expect(checks.slice(0, failed).every(({ ok }) => ok === true)).toBe(true);
            expect(checks.slice(failed + 1).every(({ ok }) => ok === null)).toBe(true);
          }
        }
      },
    ),
    { numRuns: CASES },
  );
  expect(starts).toBeGreaterThan(CASES);
});

test('with blocking, says yes exactly where no minute of the appointment is busy', () => {
  let [starts, blocked] = [0, 0];
  fc.assert(
    fc.property(cases, OFFSETS, fc.constantFrom('duration', 'divisor'), ({ input }, offsets, cut) => {
      const { timeZone, windows, from: _from, to: _to, ...rest } = input;
      const schedule = { timeZone, windows, ...rest };
      if (days(schedule) === undefined) return;
      const { busy = [], bufferBefore = 0, bufferAfter = 0 } = schedule;
      const isBusy = (ms: number) =>
        busy.some(
          ({ start, end }) =>
            Number(start) - bufferBefore * 60_000 <= ms && ms < Number(end) + bufferAfter * 60_000,
        );
      const middle = windows[0]?.start ?? 0;
      const slots = (days({ ...schedule, busy: [] }) ?? []).flatMap((day) => day.slots);
      const offered = new Map<number, string[]>();
      for (const slot of slots) {
        for (const { start, services } of bookableStarts([slot], timeZone, { cut })) {
          const free = services.filter((id) => {
            const { duration } = slot.address_services.find((one) => one.address_service_id === id) ?? {};
            for (let n = 0; n < (duration ?? 0) * 60_000; n += TICK)
              if (isBusy(Date.parse(start) + n)) return false;
            return true;
          });
          blocked += services.length - free.length;
          if (free.length > 0) offered.set(Date.parse(start), free);
        }
      }
      for (const at of [
        ...offsets.map((ticks) => middle + ticks * TICK),
        ...[...offered.keys()].slice(0, 12),
      ]) {
        const services = offered.get(at) ?? [];
        if (services.length > 0) starts += 1;
        const { wanted, checks, ...explained } = explainStart({ ...schedule, at, cut, blocking: true });
        expect({ wanted, services: explained.services }).toEqual({ wanted: services.length > 0, services });
        expect(checks.every(({ ok }) => ok === true)).toBe(wanted);
      }
    }),
    { numRuns: CASES },
  );
  expect(Math.min(starts, blocked)).toBeGreaterThan(CASES);
});

function days(schedule: Parameters<typeof computeSlotConfigs>[0]) {
  try {
    return computeSlotConfigs(schedule);
  } catch (error) {
    if (error instanceof InvalidScheduleError) return undefined;
    throw error;
  }
}
