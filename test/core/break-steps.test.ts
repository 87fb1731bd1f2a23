// The order of the requests that change breaks, against what a slow look at every minute says.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type BreakStep,
  breakSteps,
  type CalendarBreak,
  diffBreaks,
  type ExistingBreak,
} from '../../src/core/index.js';
import { sampleOf } from '../support/long.js';

const MINUTE = 60_000;
const NINE = Date.parse('2026-11-16T09:00:00Z');
const LAST = 24;

const iso = (minute: number): string => new Date(NINE + minute * MINUTE).toISOString();
const minuteOf = (text: string): number => (Date.parse(text) - NINE) / MINUTE;
const minutesOf = ({ since, till }: CalendarBreak): number[] =>
  Array.from({ length: minuteOf(till) - minuteOf(since) }, (_, n) => minuteOf(since) + n);
const covered = (breaks: Iterable<CalendarBreak>): ReadonlySet<number> =>
  new Set([...breaks].flatMap(minutesOf));

const span = fc
  .record({ since: fc.integer({ min: 0, max: LAST - 1 }), length: fc.integer({ min: 1, max: 8 }) })
  .map(({ since, length }) => ({ since: iso(since), till: iso(Math.min(LAST, since + length)) }));

const named = (breaks: readonly CalendarBreak[]): ExistingBreak[] =>
  breaks.map((one, n) => ({ ...one, id: `id-${n}` }));

/** As the marketplace holds them: never twice the same. */
const anyBreaks = fc.uniqueArray(span, { maxLength: 6, selector: ({ since, till }) => `${since} ${till}` });

/** None of them touch, as wanted ones never do. */
const apart = (most: number) =>
  fc
    .array(fc.record({ gap: fc.integer({ min: 1, max: 4 }), length: fc.integer({ min: 1, max: 4 }) }), {
      maxLength: most,
    })
    .map((parts) => {
      let at = 0;
      return parts.map(({ gap, length }): CalendarBreak => {
        const since = at + gap;
        at = since + length;
        return { since: iso(since), till: iso(at) };
      });
    });

function applied(breaks: ReadonlyMap<string, CalendarBreak>, step: BreakStep, n: number) {
  const next = new Map(breaks);
  switch (step.kind) {
    case 'add':
      return next.set(`new-${n}`, step);
    case 'move':
      if (!next.has(step.id)) throw new Error(`${step.id} is not there to move`);
      return next.set(step.id, step);
    case 'delete':
      if (!next.delete(step.id)) throw new Error(`${step.id} is not there to delete`);
      return next;
  }
}

/** The state before the first step, and after each. */
function states(existing: readonly ExistingBreak[], steps: readonly BreakStep[]) {
  const all = [new Map<string, CalendarBreak>(existing.map((one) => [one.id, one]))];
  for (const [n, step] of steps.entries()) {
    const before = all.at(-1);
    if (before !== undefined) all.push(applied(before, step, n));
  }
  return all;
}

const sorted = (breaks: Iterable<CalendarBreak>): string[] =>
  [...breaks].map(({ since, till }) => `${minuteOf(since)}-${minuteOf(till)}`).sort();

describe('breaks are changed step by step', () => {
  test('and end as they are wanted', () => {
    fc.assert(
      fc.property(anyBreaks, apart(6), (before, wanted) => {
        const existing = named(before);
        const end = states(existing, breakSteps(existing, wanted)).at(-1);
        expect(sorted(end?.values() ?? [])).toEqual(sorted(wanted));
      }),
      { numRuns: sampleOf(1_000) },
    );
  });

  test('and after each step at least as much of what is wanted is hidden as before it', () => {
    fc.assert(
      fc.property(anyBreaks, apart(6), fc.func(fc.boolean()), (before, wanted, mayMove) => {
        const existing = named(before);
        const must = [...covered(wanted)];
        let hidden: readonly number[] = [];
        for (const state of states(
          existing,
          breakSteps(existing, wanted, ({ id }) => mayMove(id)),
        )) {
          const now = covered(state.values());
          expect(hidden.filter((minute) => !now.has(minute))).toEqual([]);
          hidden = must.filter((minute) => now.has(minute));
        }
        expect(hidden).toHaveLength(must.length);
      }),
      { numRuns: sampleOf(1_000) },
    );
  });

  test('and nothing leaves before all that is wanted is hidden', () => {
    fc.assert(
      fc.property(anyBreaks, apart(6), (before, wanted) => {
        const existing = named(before);
        const steps = breakSteps(existing, wanted);
        const first = steps.findIndex(({ kind }) => kind === 'delete');
        if (first === -1) return;
        const state = states(existing, steps)[first];
        const hidden = covered(state?.values() ?? []);
        expect([...covered(wanted)].filter((minute) => !hidden.has(minute))).toEqual([]);
        expect(steps.slice(first).every(({ kind }) => kind === 'delete')).toBe(true);
      }),
      { numRuns: sampleOf(500) },
    );
  });

  test('and a break that may not move does not', () => {
    fc.assert(
      fc.property(anyBreaks, apart(6), (before, wanted) => {
        const existing = named(before);
        const steps = breakSteps(existing, wanted, ({ id }) => id !== 'id-0');
        expect(steps).not.toContainEqual(expect.objectContaining({ kind: 'move', id: 'id-0' }));
      }),
      { numRuns: sampleOf(300) },
    );
  });

  test('and a later step that is nearer in time would have uncovered something earlier', () => {
    fc.assert(
      fc.property(anyBreaks, apart(6), (before, wanted) => {
        const existing = named(before);
        const must = [...covered(wanted)];
        const steps = breakSteps(existing, wanted);
        const all = states(existing, steps);
        for (const [n, step] of steps.entries()) {
          const state = all[n];
          if (state === undefined || step.kind === 'delete') continue;
          const hidden = covered(state.values());
          for (const later of steps.slice(n + 1)) {
            if (later.kind !== 'move' || later.since >= step.since) continue;
            const without = covered(applied(state, later, n).values());
            expect(must.some((minute) => hidden.has(minute) && !without.has(minute))).toBe(true);
          }
        }
      }),
      { numRuns: sampleOf(1_000) },
    );
  });

  test('with the fewest writes there can be', () => {
    fc.assert(
      fc.property(anyBreaks, apart(6), (before, wanted) => {
        const existing = named(before);
        const stays = sorted(before).filter((one) => sorted(wanted).includes(one)).length;
        // Each write ends one break that is not wanted, begins one that is, or both.
        const fewest = Math.max(before.length, wanted.length) - stays;
        expect(breakSteps(existing, wanted)).toHaveLength(fewest);
      }),
      { numRuns: sampleOf(1_000) },
    );
  });

  test('with one write more for each break that should move and may not', () => {
    fc.assert(
      fc.property(anyBreaks, apart(6), fc.func(fc.boolean()), (before, wanted, mayMove) => {
        const existing = named(before);
        const { add, move, delete: gone } = diffBreaks(existing, wanted);
        const stuck = move.filter(({ id }) => !mayMove(id)).length;
        const steps = breakSteps(existing, wanted, ({ id }) => mayMove(id));
        expect(steps).toHaveLength(add.length + move.length + gone.length + stuck);
      }),
      { numRuns: sampleOf(1_000) },
    );
  });
});
