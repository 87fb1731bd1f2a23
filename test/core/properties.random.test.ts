/**
 * Tests the core against its oracle and against the invariants of every schedule. `CORE_CASES` sets the number of cases.
 * `CORE_SEED` repeats a run. A failure prints its seed.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  bookableStarts,
  type ComputeInput,
  computeSlotConfigs,
  type Day,
  InvalidScheduleError,
} from '../../src/core/index.js';
import { isLong } from '../support/long.js';
import { type Case, cases, write } from './cases.js';
import { clock, type OracleInput, oracle, TICK } from './oracle.js';

const CASES = Number(process.env.CORE_CASES ?? (isLong ? 100_000 : 10_000));
const seed = process.env.CORE_SEED === undefined ? {} : { seed: Number(process.env.CORE_SEED) };
const MINUTE = 60_000;
const TIMEOUT = 60_000 + CASES * 5;

function holds(share: number, predicate: (one: Case) => void): void {
  fc.assert(fc.property(cases, predicate), { numRuns: Math.ceil(CASES * share), ...seed });
}

/** Converts a case to the input of a caller. */
function toInput({ input, form, range }: Case): ComputeInput {
  const { windows, busy, notBefore, notAfter, from, to, ...rest } = input;
  const at = (ms: number) => write(ms, form, input.timeZone);
  const span = ({ start, end }: { start: number; end: number }) => ({ start: at(start), end: at(end) });
  return {
    ...rest,
    windows: windows.map((window) => ({ ...window, ...span(window) })),
    busy: busy.map(span),
    notBefore: notBefore === undefined ? undefined : at(notBefore),
    notAfter: notAfter === undefined ? undefined : at(notAfter),
    ...(range === 'given' && { from, to }),
  };
}

/** Returns the days, or undefined if windows contradict each other. */
function compute(input: ComputeInput): Day[] | undefined {
  try {
    return computeSlotConfigs(input);
  } catch (error) {
    if (error instanceof InvalidScheduleError && /^windows\[\d\]\.(services|insurance)/.test(error.path))
      return undefined;
    throw error;
  }
}

/** Reduces a case to one service, no insurance terms and whole minutes. */
function simplify(one: Case): Case {
  const whole = ({ start, end }: { start: number; end: number }) => {
    const minute = Math.floor(start / MINUTE) * MINUTE;
    return { start: minute, end: Math.max(minute + MINUTE, Math.floor(end / MINUTE) * MINUTE) };
  };
  const duration = one.input.windows[0]?.services[0]?.duration ?? 1;
  return {
    form: one.form,
    range: 'default',
    input: {
      ...one.input,
      windows: one.input.windows.map((window) => ({ ...whole(window), services: [{ id: '7', duration }] })),
      busy: one.input.busy.map(whole),
      grid: undefined,
      notBefore: undefined,
      notAfter: undefined,
    },
  };
}

/** Returns the start (epoch ms) of each minute that the intervals cover. */
function minutesOf(intervals: readonly { readonly start: number; readonly end: number }[]): Set<number> {
  const minutes = new Set<number>();
  for (const { start, end } of intervals) for (let ms = start; ms < end; ms += MINUTE) minutes.add(ms);
  return minutes;
}

const read = ({ start, end }: { start: string; end: string }) => ({
  start: Date.parse(start),
  end: Date.parse(end),
});

function widenBusy({ busy, bufferBefore, bufferAfter }: OracleInput) {
  return busy.map(({ start, end }) => ({
    start: start - bufferBefore * MINUTE,
    end: end + bufferAfter * MINUTE,
  }));
}

describe('computeSlotConfigs', () => {
  test(
    'the result equals the oracle in every minute',
    () => {
      holds(1, (one) => {
        const days = compute(toInput(one));
        const found = days === undefined ? 'invalid' : JSON.stringify(days);
        const expected = oracle(one.input);
        if (found !== expected) expect(found).toBe(expected);
      });
    },
    TIMEOUT,
  );

  test(
    'the result equals the oracle for long lists of busy time in any order',
    () => {
      const ticks = fc.integer({ min: 0, max: 24 * 60 });
      const span = fc.record({ at: ticks, length: fc.integer({ min: 1, max: 20 }) });
      const busy = fc.array(span, { maxLength: 300, size: 'max' });
      const order = fc.constantFrom(undefined, 1, -1);
      fc.assert(
        fc.property(busy, order, (spans, sign) => {
          const instant = (tick: number) => Date.parse('2026-11-16T08:00:00+01:00') + tick * TICK;
          if (sign !== undefined) spans.sort((a, b) => (a.at - b.at) * sign);
          const input: OracleInput = {
            timeZone: 'Europe/Warsaw',
            windows: [
              {
                start: instant(0),
                end: instant(24 * 60),
                services: [{ id: '7', duration: 1 }],
                insurance: undefined,
              },
            ],
            busy: spans.map(({ at, length }) => ({ start: instant(at), end: instant(at + length) })),
            from: '2026-11-16',
            to: '2026-11-16',
            bufferBefore: 0,
            bufferAfter: 0,
            grid: undefined,
            notBefore: undefined,
            notAfter: undefined,
          };
          const days = compute(toInput({ input, form: 'epoch ms', range: 'default' }));
          expect(JSON.stringify(days)).toBe(oracle(input));
        }),
        { numRuns: Math.ceil(CASES * 0.02), ...seed },
      );
    },
    TIMEOUT,
  );

  test(
    'no slot contains busy time, lies outside windows or extends beyond its date',
    () => {
      holds(0.2, (one) => {
        const { input } = one;
        const busy = widenBusy(input);
        for (const { date, slots } of compute(toInput(one)) ?? []) {
          let last = Number.NEGATIVE_INFINITY;
          for (const slot of slots) {
            const { start, end } = read(slot);
            const wrong = [
              start < last && 'overlaps the slot before',
              busy.some((taken) => taken.start < end && start < taken.end) && 'is busy',
              !(slot.start.startsWith(date) && slot.end.startsWith(date)) && 'leaves its date',
              !(slot.start.slice(17, 19) === '00' && slot.end.slice(17, 19) === '00') &&
                'is not of whole minutes',
              clock(start, input.timeZone).minute % (input.grid ?? 1) !== 0 && 'is off the grid',
              start < (input.notBefore ?? start) && 'begins too early',
              end > (input.notAfter ?? end) && 'ends too late',
              slot.address_services.some(({ duration }) => start + duration * MINUTE > end) && 'is too short',
              slot.address_services.some(({ address_service_id: id, duration }) => {
                const listed = input.windows.filter(({ services }) =>
                  services.some((service) => service.id === id && service.duration === duration),
                );
                return !isCovered(start, end, listed);
              }) && 'has a service that no window has',
            ].filter(Boolean);
            if (wrong.length > 0) expect(wrong).toEqual([]);
            last = end;
          }
        }
      });
    },
    TIMEOUT,
  );

  test(
    'the slots contain all free time that is long enough: busy and free time together equal the windows',
    () => {
      holds(0.2, (one) => {
        const { form, range, input } = simplify(one);
        const days = compute(toInput({ form, range, input })) ?? [];
        const free = minutesOf(days.flatMap(({ slots }) => slots.map(read)));
        const busy = minutesOf(widenBusy(input));
        const duration = input.windows[0]?.services[0]?.duration ?? 1;
        const missing = [...minutesOf(input.windows)].filter((ms) => !free.has(ms) && !busy.has(ms));
        const both = [...free].filter((ms) => busy.has(ms));
        if (both.length > 0) expect(both).toEqual([]);

        // Missing time must be the last minute of a date or lie in an interval of its date that is too short.
        const date = (ms: number) => clock(ms, input.timeZone).date;
        const open = minutesOf(input.windows);
        const lastOfDate = (ms: number) => date(ms) !== date(ms + MINUTE);
        const usable = (ms: number, of: string) =>
          open.has(ms) && !busy.has(ms) && date(ms) === of && !lastOfDate(ms);
        for (const ms of missing.filter((minute) => !lastOfDate(minute))) {
          let length = 1;
          for (let before = ms - MINUTE; usable(before, date(ms)); before -= MINUTE) length++;
          for (let after = ms + MINUTE; usable(after, date(ms)); after += MINUTE) length++;
          if (length >= duration) expect(`${clock(ms, input.timeZone).iso} left out`).toBe('offered');
        }
      });
    },
    TIMEOUT,
  );

  test(
    'the result depends neither on the order of the input nor on earlier computations',
    () => {
      holds(0.2, (one) => {
        const input = toInput(one);
        const turned = {
          ...input,
          windows: input.windows
            .map((window) => ({ ...window, services: window.services.toReversed() }))
            .reverse(),
          busy: input.busy?.toReversed(),
        };
        const days = JSON.stringify(compute(input));
        const again = JSON.stringify(compute(input));
        const other = JSON.stringify(compute(turned));
        if (days !== again || days !== other) expect([again, other]).toEqual([days, days]);
      });
    },
    TIMEOUT,
  );

  test(
    'the input is not modified',
    () => {
      holds(0.02, (one) => {
        const input = toInput(one);
        const before = JSON.stringify(input);
        compute(input);
        expect(JSON.stringify(input)).toBe(before);
      });
    },
    TIMEOUT,
  );

  test(
    'slots that are used as windows result in the same slots',
    () => {
      holds(0.2, (one) => {
        const { form, input } = simplify(one);
        const grid = one.input.grid;
        const whole = { ...toInput({ form, range: 'given', input }), grid };
        const days = compute(whole) ?? [];
        const windows = days.flatMap(({ slots }) =>
          slots.map(({ start, end }) => ({ start, end, services: input.windows[0]?.services ?? [] })),
        );
        const again = JSON.stringify(compute({ ...whole, windows }));
        if (again !== JSON.stringify(days)) expect(again).toBe(JSON.stringify(days));
      });
    },
    TIMEOUT,
  );
});

/** Whether the intervals together cover the time from `start` to `end`. */
function isCovered(
  start: number,
  end: number,
  intervals: readonly { readonly start: number; readonly end: number }[],
) {
  let reached = start;
  for (let before = Number.NaN; before !== reached && reached < end; ) {
    before = reached;
    for (const one of intervals) if (one.start <= reached && one.end > reached) reached = one.end;
  }
  return reached >= end;
}

test('bookableStarts returns exactly the starts that a check of every minute finds', () => {
  const durations = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 4 });
  const cut = fc.constantFrom('duration' as const, 'divisor' as const);
  fc.assert(
    fc.property(durations, fc.integer({ min: 1, max: 300 }), cut, (all, minutes, how) => {
      const start = Date.parse('2026-11-16T08:00:00Z');
      const slot = {
        start: '2026-11-16T08:00:00+00:00',
        end: new Date(start + minutes * MINUTE).toISOString(),
        address_services: all.map((duration, n) => ({ address_service_id: `${n}`, duration })),
      };
      const found = new Set(
        bookableStarts([slot], undefined, { cut: how }).flatMap(({ start: at, services }) =>
          services.map((service) => `${(Date.parse(at) - start) / MINUTE} ${service}`),
        ),
      );
      const divisors = Array.from({ length: 90 }, (_, n) => n + 1).filter((divisor) =>
        all.every((duration) => duration % divisor === 0),
      );
      for (let minute = 0; minute <= minutes; minute += 1) {
        for (const [n, duration] of all.entries()) {
          const step = how === 'duration' ? duration : Math.max(...divisors);
          const fits = minute % step === 0 && minute + duration <= minutes;
          expect(found.delete(`${minute} ${n}`)).toBe(fits);
        }
      }
      expect([...found]).toEqual([]);
    }),
    { numRuns: Math.ceil(CASES * 0.02), ...seed },
  );
}, 60_000);
