import { describe, expect, test } from '@jest/globals';
import { type Acquisition, Bulkhead } from '../../src/lib/bulkhead.js';

const SECOND = 1_000;

/** Eight places for a clinic, all taken. */
function full({ maxWaitMs = 30 * SECOND } = {}) {
  const clock = { now: 0 };
  const bulkhead = new Bulkhead({ concurrency: 64, maxPerKey: 8, maxWaitMs, now: () => clock.now });
  const active = Array.from({ length: 8 }, () => bulkhead.acquire('clinic'));
  return { clock, bulkhead, active };
}

const leave = (entry: Acquisition | undefined): void => {
  if (entry?.kind !== 'acquired') throw new Error('it is not in');
  entry.release();
};

function waitOf(entry: Acquisition): number {
  if (entry.kind !== 'full') throw new Error('it is in');
  return entry.afterMs;
}

describe('who finds a lane full', () => {
  test('asks again soon where those in hand are quick', () => {
    const { bulkhead, clock } = full();
    clock.now = 20;
    expect(waitOf(bulkhead.acquire('clinic'))).toBe(100);
  });

  test('asks again later where one of them is slow', () => {
    const { bulkhead, clock, active } = full();
    clock.now = 5 * SECOND;
    for (const entry of active.slice(1)) leave(entry);
    for (let n = 1; n < 8; n += 1) bulkhead.acquire('clinic');
    expect(waitOf(bulkhead.acquire('clinic'))).toBe(SECOND);
  });

  test('waits for those who wait already: as many come back in a turn as there are places', () => {
    const { bulkhead, clock } = full();
    clock.now = 10 * SECOND;
    const waits = Array.from({ length: 1_000 }, () => waitOf(bulkhead.acquire('clinic')));
    const inSecond = (n: number) =>
      waits.filter((wait) => wait > n * SECOND && wait <= (n + 1) * SECOND).length;
    expect([0, 1, 2, 10, 20].map(inSecond)).toEqual([8, 8, 8, 8, 8]);
    expect(Math.max(...waits)).toBe(30 * SECOND);
    clock.now += 30 * SECOND;
    expect(waitOf(bulkhead.acquire('clinic'))).toBe(SECOND);
  });

  test('waits no longer than quick ones before it take', () => {
    const { bulkhead, clock, active } = full();
    for (let n = 0; n < 40; n += 1) {
      clock.now += 25;
      leave(active.shift());
      active.push(bulkhead.acquire('clinic'));
    }
    // 200 ms each, eight at a time: the hundredth has its turn after 2.6 s.
    const waits = Array.from({ length: 100 }, () => waitOf(bulkhead.acquire('clinic')));
    expect(waits.at(-1)).toBeGreaterThan(2_400);
    expect(waits.at(-1)).toBeLessThan(2_800);
  });

  test('waits for a second at most where nothing else was said', () => {
    const clock = { now: 0 };
    const bulkhead = new Bulkhead({ concurrency: 4, now: () => clock.now });
    bulkhead.acquire('other');
    for (let n = 0; n < 3; n += 1) bulkhead.acquire('many');
    clock.now = 60 * SECOND;
    const waits = Array.from({ length: 50 }, () => waitOf(bulkhead.acquire('many')));
    expect(new Set(waits)).toEqual(new Set([SECOND]));
  });
});

test('a lane that is full keeps no other from entering', () => {
  const { bulkhead } = full();
  expect(bulkhead.acquire('another').kind).toBe('acquired');
});

test('where many lanes have something in hand each has fewer places, and half of all stay free', () => {
  const bulkhead = new Bulkhead({ concurrency: 64, maxPerKey: 8, now: () => 0 });
  const active = new Map<string, Acquisition[]>();
  const fill = (name: string): number => {
    const mine = active.get(name) ?? [];
    active.set(name, mine);
    for (let entry = bulkhead.acquire(name); entry.kind === 'acquired'; entry = bulkhead.acquire(name))
      mine.push(entry);
    return mine.length;
  };
  const names = Array.from({ length: 10 }, (_, n) => `clinic ${n}`);
  expect(names.map(fill)).toEqual([8, 8, 8, 8, 6, 5, 4, 4, 3, 3]);
  expect(bulkhead.acquire('quick').kind).toBe('acquired');
  // Each that is over with one leaves, where its lane has too many by now.
  for (const [name, mine] of active) {
    const stay = mine.filter((entry) => {
      if (entry.kind === 'acquired' && !entry.mayContinue()) return leave(entry);
      return true;
    });
    active.set(name, stay);
  }
  expect([...active.values()].map((mine) => mine.length)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
});

test('a place that is left can be had', () => {
  const { bulkhead, active } = full();
  expect(bulkhead.acquire('clinic').kind).toBe('full');
  leave(active[0]);
  expect(bulkhead.acquire('clinic').kind).toBe('acquired');
});
