import { describe, expect, test } from '@jest/globals';
import { Bulkhead, type Entry } from '../../src/lib/bulkhead.js';

const SECOND = 1_000;

/** Eight places for a clinic, all taken. */
function full({ maxWaitMs = 30 * SECOND } = {}) {
  const clock = { now: 0 };
  const bulkhead = new Bulkhead({ concurrency: 64, maxInOne: 8, maxWaitMs, now: () => clock.now });
  const inHand = Array.from({ length: 8 }, () => bulkhead.enter('clinic'));
  return { clock, bulkhead, inHand };
}

const leave = (entry: Entry | undefined): void => {
  if (entry?.kind !== 'entered') throw new Error('it is not in');
  entry.leave();
};

function waitOf(entry: Entry): number {
  if (entry.kind !== 'full') throw new Error('it is in');
  return entry.afterMs;
}

describe('who finds a lane full', () => {
  test('asks again soon where those in hand are quick', () => {
    const { bulkhead, clock } = full();
    clock.now = 20;
    expect(waitOf(bulkhead.enter('clinic'))).toBe(100);
  });

  test('asks again later where one of them is slow', () => {
    const { bulkhead, clock, inHand } = full();
    clock.now = 5 * SECOND;
    for (const entry of inHand.slice(1)) leave(entry);
    for (let n = 1; n < 8; n += 1) bulkhead.enter('clinic');
    expect(waitOf(bulkhead.enter('clinic'))).toBe(SECOND);
  });

  test('waits for those who wait already: as many come back in a turn as there are places', () => {
    const { bulkhead, clock } = full();
    clock.now = 10 * SECOND;
    const waits = Array.from({ length: 1_000 }, () => waitOf(bulkhead.enter('clinic')));
    const inSecond = (n: number) =>
      waits.filter((wait) => wait > n * SECOND && wait <= (n + 1) * SECOND).length;
    expect([0, 1, 2, 10, 20].map(inSecond)).toEqual([8, 8, 8, 8, 8]);
    expect(Math.max(...waits)).toBe(30 * SECOND);
    clock.now += 30 * SECOND;
    expect(waitOf(bulkhead.enter('clinic'))).toBe(SECOND);
  });

  test('waits no longer than quick ones before it take', () => {
    const { bulkhead, clock, inHand } = full();
    for (let n = 0; n < 40; n += 1) {
      clock.now += 25;
      leave(inHand.shift());
      inHand.push(bulkhead.enter('clinic'));
    }
    // 200 ms each, eight at a time: the hundredth has its turn after 2.6 s.
    const waits = Array.from({ length: 100 }, () => waitOf(bulkhead.enter('clinic')));
    expect(waits.at(-1)).toBeGreaterThan(2_400);
    expect(waits.at(-1)).toBeLessThan(2_800);
  });

  test('waits for a second at most where nothing else was said', () => {
    const clock = { now: 0 };
    const bulkhead = new Bulkhead({ concurrency: 4, now: () => clock.now });
    bulkhead.enter('other');
    for (let n = 0; n < 3; n += 1) bulkhead.enter('many');
    clock.now = 60 * SECOND;
    const waits = Array.from({ length: 50 }, () => waitOf(bulkhead.enter('many')));
    expect(new Set(waits)).toEqual(new Set([SECOND]));
  });
});

test('a lane that is full keeps no other from entering', () => {
  const { bulkhead } = full();
  expect(bulkhead.enter('another').kind).toBe('entered');
});

test('where many lanes have something in hand each has fewer places, and half of all stay free', () => {
  const bulkhead = new Bulkhead({ concurrency: 64, maxInOne: 8, now: () => 0 });
  const inHand = new Map<string, Entry[]>();
  const fill = (name: string): number => {
    const mine = inHand.get(name) ?? [];
    inHand.set(name, mine);
    for (let entry = bulkhead.enter(name); entry.kind === 'entered'; entry = bulkhead.enter(name))
      mine.push(entry);
    return mine.length;
  };
  const names = Array.from({ length: 10 }, (_, n) => `clinic ${n}`);
  expect(names.map(fill)).toEqual([8, 8, 8, 8, 6, 5, 4, 4, 3, 3]);
  expect(bulkhead.enter('quick').kind).toBe('entered');
  // Each that is over with one leaves, where its lane has too many by now.
  for (const [name, mine] of inHand) {
    const stay = mine.filter((entry) => {
      if (entry.kind === 'entered' && !entry.mayStay()) return leave(entry);
      return true;
    });
    inHand.set(name, stay);
  }
  expect([...inHand.values()].map((mine) => mine.length)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
});

test('a place that is left can be had', () => {
  const { bulkhead, inHand } = full();
  expect(bulkhead.enter('clinic').kind).toBe('full');
  leave(inHand[0]);
  expect(bulkhead.enter('clinic').kind).toBe('entered');
});
