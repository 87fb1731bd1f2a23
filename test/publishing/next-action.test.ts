import { describe, expect, test } from '@jest/globals';
import { LOWEST_PRIORITY } from '../../src/core/index.js';
import type { DesiredDay } from '../../src/publishing/desired-days.js';
import { nextAction, priorityOf } from '../../src/publishing/next-action.js';
import { NOW, slot } from '../db/seed-rows.js';

const day = (date: string, changes: Partial<DesiredDay> = {}): DesiredDay => ({
  date,
  generation: 2,
  publishedGeneration: 1,
  pendingSince: NOW,
  priority: 100,
  published: null,
  verified: false,
  publishedAt: null,
  failedGeneration: null,
  error: null,
  wanted: [slot],
  ...changes,
});
const none = new Set<string>();
const dates = (days: readonly DesiredDay[] = []) => days.map(({ date }) => date);

describe('the plan', () => {
  test('is empty where no day is pending', () => {
    expect(nextAction([], 500, none)).toBeUndefined();
  });

  test('sends days together, the highest priority first, empty days too', () => {
    const empty = day('2026-11-17', { wanted: [], published: [slot] });
    const action = nextAction([day('2026-11-18'), empty, day('2026-11-16')], 500, none);
    expect(action?.kind).toBe('replace');
    expect(dates(action?.days)).toEqual(['2026-11-18', '2026-11-17', '2026-11-16']);
  });

  test('sends as many whole days as fit, and a day that exceeds the limit alone', () => {
    const full = { wanted: [slot, slot, slot] };
    const days = [day('2026-11-16', full), day('2026-11-17', full), day('2026-11-18', full)];
    expect(dates(nextAction(days, 6, none)?.days)).toEqual(['2026-11-16', '2026-11-17']);
    expect(dates(nextAction(days, 2, none)?.days)).toEqual(['2026-11-16']);
  });

  test('clears an empty day where it is the only one', () => {
    const empty = day('2026-11-17', { wanted: [], published: [slot] });
    const full = day('2026-11-16', { wanted: [slot, slot] });
    const cleared = { kind: 'clear', days: [{ date: '2026-11-17' }] };
    expect(nextAction([empty], 500, none)).toMatchObject(cleared);
    expect(nextAction([empty, full], 2, none)).toMatchObject(cleared);
  });

  test('counts an empty day as an entry', () => {
    const empty = { wanted: [], published: [slot] };
    const days = [day('2026-11-16', empty), day('2026-11-17', empty), day('2026-11-18', empty)];
    expect(dates(nextAction(days, 2, none)?.days)).toEqual(['2026-11-16', '2026-11-17']);
  });

  test('reads before it clears a day that was never published, after the other days', () => {
    const unknown = day('2026-11-16', { wanted: [] });
    expect(nextAction([unknown, day('2026-11-17')], 500, none)?.kind).toBe('replace');
    expect(nextAction([unknown], 500, none)).toMatchObject({ kind: 'read', days: [unknown] });
    expect(nextAction([unknown], 500, new Set(['2026-11-16']))).toMatchObject({ kind: 'clear' });
  });

  test('records verified days without a request, and no others', () => {
    const shown = day('2026-11-16', { published: [slot], verified: true });
    expect(nextAction([day('2026-11-17'), shown], 500, none)).toEqual({ kind: 'record', days: [shown] });
    const unseen = day('2026-11-16', { published: [slot], verified: false });
    expect(nextAction([unseen], 500, none)?.kind).toBe('replace');
    const cleared = day('2026-11-16', { wanted: [], published: [], verified: true });
    expect(nextAction([cleared], 500, none)?.kind).toBe('record');
  });

  test('has the highest priority of its days', () => {
    expect(
      priorityOf([day('a', { priority: 70 }), day('b', { priority: 30 }), day('c', { priority: null })]),
    ).toBe(30);
    expect(priorityOf([])).toBe(LOWEST_PRIORITY);
  });
});
