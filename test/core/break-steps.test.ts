// Tests the order of break changes against a slow check of every minute.
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

const withIds = (breaks: readonly CalendarBreak[]): ExistingBreak[] =>
  breaks.map((one, n) => ({ ...one, id: `id-${n}` }));

/** Existing breaks. The marketplace never has two equal breaks. */
const anyBreaks = fc.uniqueArray(span, { maxLength: 6, selector: ({ since, till }) => `${since} ${till}` });

/** Breaks that do not touch each other, as wanted breaks never do. */
const disjointBreaks = (most: number) =>
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

function applyStep(breaks: ReadonlyMap<string, CalendarBreak>, step: BreakStep, n: number) {
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

/** Returns the state before the first step and after each step. */
function listStates(existing: readonly ExistingBreak[], steps: readonly BreakStep[]) {
  const all = [new Map<string, CalendarBreak>(existing.map((one) => [one.id, one]))];
  for (const [n, step] of steps.entries()) {
    const before = all.at(-1);
    if (before !== undefined) all.push(applyStep(before, step, n));
  }
  return all;
}

const sorted = (breaks: Iterable<CalendarBreak>): string[] =>
  [...breaks].map(({ since, till }) => `${minuteOf(since)}-${minuteOf(till)}`).sort();

describe('breakSteps', () => {
  test('the last step results in the wanted breaks', () => {
    fc.assert(
      fc.property(anyBreaks, disjointBreaks(6), (before, wanted) => {
        const existing = withIds(before);
        const end = listStates(existing, breakSteps(existing, wanted)).at(-1);
        expect(sorted(end?.values() ?? [])).toEqual(sorted(wanted));
      }),
      { numRuns: sampleOf(1_000) },
    );
  });

  test('no step reduces the wanted time that is blocked', () => {
    fc.assert(
      fc.property(anyBreaks, disjointBreaks(6), fc.func(fc.boolean()), (before, wanted, mayMove) => {
        const existing = withIds(before);
        const must = [...covered(wanted)];
        let blocked: readonly number[] = [];
        for (const state of listStates(
          existing,
          breakSteps(existing, wanted, ({ id }) => mayMove(id)),
        )) {
          const now = covered(state.values());
          expect(blocked.filter((minute) => !now.has(minute))).toEqual([]);
          blocked = must.filter((minute) => now.has(minute));
        }
        expect(blocked).toHaveLength(must.length);
      }),
      { numRuns: sampleOf(1_000) },
    );
  });

  test('no break is deleted before all wanted time is blocked', () => {
    fc.assert(
      fc.property(anyBreaks, disjointBreaks(6), (before, wanted) => {
        const existing = withIds(before);
        const steps = breakSteps(existing, wanted);
        const first = steps.findIndex(({ kind }) => kind === 'delete');
        if (first === -1) return;
        const state = listStates(existing, steps)[first];
        const blocked = covered(state?.values() ?? []);
        expect([...covered(wanted)].filter((minute) => !blocked.has(minute))).toEqual([]);
        expect(steps.slice(first).every(({ kind }) => kind === 'delete')).toBe(true);
      }),
      { numRuns: sampleOf(500) },
    );
  });

  test('a break that may not move is not moved', () => {
    fc.assert(
      fc.property(anyBreaks, disjointBreaks(6), (before, wanted) => {
        const existing = withIds(before);
        const steps = breakSteps(existing, wanted, ({ id }) => id !== 'id-0');
        expect(steps).not.toContainEqual(expect.objectContaining({ kind: 'move', id: 'id-0' }));
      }),
      { numRuns: sampleOf(300) },
    );
  });

  test('a move waits for a step of later time only if it would uncover wanted time before that step', () => {
    fc.assert(
      fc.property(anyBreaks, disjointBreaks(6), (before, wanted) => {
        const existing = withIds(before);
        const must = [...covered(wanted)];
        const steps = breakSteps(existing, wanted);
        const all = listStates(existing, steps);
        for (const [n, step] of steps.entries()) {
          const state = all[n];
          if (state === undefined || step.kind === 'delete') continue;
          const blocked = covered(state.values());
          for (const later of steps.slice(n + 1)) {
            if (later.kind !== 'move' || later.since >= step.since) continue;
            const without = covered(applyStep(state, later, n).values());
            expect(must.some((minute) => blocked.has(minute) && !without.has(minute))).toBe(true);
          }
        }
      }),
      { numRuns: sampleOf(1_000) },
    );
  });

  test('the number of steps is minimal', () => {
    fc.assert(
      fc.property(anyBreaks, disjointBreaks(6), (before, wanted) => {
        const existing = withIds(before);
        const stays = sorted(before).filter((one) => sorted(wanted).includes(one)).length;
        // Each step removes one unwanted break, creates one wanted break, or does both.
        const fewest = Math.max(before.length, wanted.length) - stays;
        expect(breakSteps(existing, wanted)).toHaveLength(fewest);
      }),
      { numRuns: sampleOf(1_000) },
    );
  });

  test('each break that may not move adds one step', () => {
    fc.assert(
      fc.property(anyBreaks, disjointBreaks(6), fc.func(fc.boolean()), (before, wanted, mayMove) => {
        const existing = withIds(before);
        const { add, move, delete: gone } = diffBreaks(existing, wanted);
        const stuck = move.filter(({ id }) => !mayMove(id)).length;
        const steps = breakSteps(existing, wanted, ({ id }) => mayMove(id));
        expect(steps).toHaveLength(add.length + move.length + gone.length + stuck);
      }),
      { numRuns: sampleOf(1_000) },
    );
  });
});
