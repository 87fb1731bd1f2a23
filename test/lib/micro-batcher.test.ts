import { expect, test } from '@jest/globals';
import { isUnavailable } from '../../src/db/is-unavailable.js';
import { MicroBatcher } from '../../src/lib/micro-batcher.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';

/** Work that ends when it is told to. */
function working(limitMs: number, sizeOf?: (item: string) => number) {
  const timers = new ManualTimers();
  const batches: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const batcher = new MicroBatcher<string, string>(
    async (items) => {
      batches.push(items);
      await new Promise<void>((resolve) => ends.push(resolve));
      return items.map((item) => item.toUpperCase());
    },
    { timers, maxSize: 10, limitMs, gapMs: 2, ...(sizeOf === undefined ? {} : { sizeOf }) },
  );
  return { timers, batcher, batches, ends };
}

/** What was begun by now had its turn. */
const nextTick = () => new Promise((resolve) => setImmediate(resolve));

test('work that hangs fails its items as an unavailable database does, and holds up no later ones', async () => {
  const { timers, batcher, batches, ends } = working(2_000);
  const hanging = batcher.add('a').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await timers.sleeping();
  const others = [batcher.add('b'), batcher.add('c')];
  await timers.advance(1_999);
  await nextTick();
  expect(batches).toEqual([['a']]);
  await timers.advance(1);
  const error = await hanging;
  expect(error).toMatchObject({ message: 'not committed within 2000 ms' });
  expect(isUnavailable(error)).toBe(true);
  await eventually(() => batches.length === 2);
  ends[1]?.();
  expect(await Promise.all(others)).toEqual(['B', 'C']);
  expect(batches).toEqual([['a'], ['b', 'c']]);
  // What hung ends after all, and changes nothing.
  ends[0]?.();
});

test('what arrives while work is under way is combined, and each item gets its own result', async () => {
  const { batcher, batches, ends } = working(5_000);
  const first = batcher.add('a');
  await eventually(() => batches.length === 1);
  const others = ['b', 'c', 'd'].map((item) => batcher.add(item));
  await nextTick();
  expect(batches).toEqual([['a']]);
  ends[0]?.();
  expect(await first).toBe('A');
  await eventually(() => batches.length === 2);
  ends[1]?.();
  expect(await Promise.all(others)).toEqual(['B', 'C', 'D']);
  expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
});

/** Three that were worked on together, and have been answered. */
async function answeredTogether() {
  const work = working(5_000);
  const { batcher, batches, ends, timers } = work;
  const all = ['a', 'b', 'c'].map((item) => batcher.add(item));
  await eventually(() => batches.length === 1);
  ends[0]?.();
  await Promise.all(all);
  await timers.sleeping();
  return work;
}

test('clients that were answered together and ask again at once are combined again', async () => {
  const { batcher, batches, ends } = await answeredTogether();
  const again: Promise<string>[] = [];
  for (const item of ['a', 'b', 'c']) {
    expect(batches).toHaveLength(1);
    again.push(batcher.add(`${item} again`));
    await nextTick();
  }
  await eventually(() => batches.length === 2);
  ends[1]?.();
  await Promise.all(again);
  expect(batches).toEqual([
    ['a', 'b', 'c'],
    ['a again', 'b again', 'c again'],
  ]);
});

test('a client that asks again is not kept waiting for those that do not', async () => {
  const { timers, batcher, batches, ends } = await answeredTogether();
  const again = batcher.add('a again');
  await timers.advance(2);
  await timers.sleeping();
  expect(batches).toHaveLength(1);
  await timers.advance(2);
  await eventually(() => batches.length === 2);
  ends[1]?.();
  await again;
  expect(batches[1]).toEqual(['a again']);
});

test('no work is larger than its limit, but for a single item that is', async () => {
  const { batcher, batches, ends, timers } = working(5_000, (item) => item.length);
  const all = ['aaaaaa', 'bbbb', 'c', 'dddddddddddd', 'e'].map((item) => batcher.add(item));
  for (let n = 0; n < 4; n += 1) {
    await eventually(async () => {
      await timers.advance(2);
      return batches.length > n;
    });
    ends[n]?.();
  }
  await Promise.all(all);
  expect(batches).toEqual([['aaaaaa', 'bbbb'], ['c'], ['dddddddddddd'], ['e']]);
});
