import { expect, test } from '@jest/globals';
import { Together } from '../../../src/intake/notifications/together.js';
import { isUnavailable } from '../../../src/store/is-unavailable.js';
import { eventually } from '../../support/eventually.js';
import { ManualTimers } from '../../support/manual-timers.js';

/** Work that ends when it is told to. */
function working(limitMs: number) {
  const timers = new ManualTimers();
  const batches: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const together = new Together<string>(
    async (items) => {
      batches.push(items);
      await new Promise<void>((resolve) => ends.push(resolve));
    },
    { timers, most: 10, limitMs },
  );
  return { timers, together, batches, ends };
}

/** What was begun by now had its turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('work that hangs fails those it is for as a record that is away, and holds none that come after', async () => {
  const { timers, together, batches, ends } = working(2_000);
  const hanging = together.add('a').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await timers.sleeping();
  const others = [together.add('b'), together.add('c')];
  await timers.advance(1_999);
  await turn();
  expect(batches).toEqual([['a']]);
  await timers.advance(1);
  const error = await hanging;
  expect(error).toMatchObject({ message: 'not committed within 2000 ms' });
  expect(isUnavailable(error)).toBe(true);
  await eventually(() => batches.length === 2);
  ends[1]?.();
  await Promise.all(others);
  expect(batches).toEqual([['a'], ['b', 'c']]);
  // What hung ends after all, and nobody minds.
  ends[0]?.();
});

test('what comes while others are done is done together', async () => {
  const { together, batches, ends } = working(5_000);
  const first = together.add('a');
  await eventually(() => batches.length === 1);
  const others = ['b', 'c', 'd'].map((item) => together.add(item));
  await turn();
  expect(batches).toEqual([['a']]);
  ends[0]?.();
  await first;
  await eventually(() => batches.length === 2);
  ends[1]?.();
  await Promise.all(others);
  expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
});

/** Three that were done together, and have been answered. */
async function answeredTogether() {
  const work = working(5_000);
  const { together, batches, ends, timers } = work;
  const all = ['a', 'b', 'c'].map((item) => together.add(item));
  await eventually(() => batches.length === 1);
  ends[0]?.();
  await Promise.all(all);
  await timers.sleeping();
  return work;
}

test('who was answered together, and asks again at once, is done together again', async () => {
  const { together, batches, ends } = await answeredTogether();
  const again: Promise<void>[] = [];
  for (const item of ['a', 'b', 'c']) {
    expect(batches).toHaveLength(1);
    again.push(together.add(`${item} again`));
    await turn();
  }
  await eventually(() => batches.length === 2);
  ends[1]?.();
  await Promise.all(again);
  expect(batches).toEqual([
    ['a', 'b', 'c'],
    ['a again', 'b again', 'c again'],
  ]);
});

test('who asks again is not kept waiting for those who do not', async () => {
  const { timers, together, batches, ends } = await answeredTogether();
  const again = together.add('a again');
  await timers.advance(2);
  await timers.sleeping();
  expect(batches).toHaveLength(1);
  await timers.advance(2);
  await eventually(() => batches.length === 2);
  ends[1]?.();
  await again;
  expect(batches[1]).toEqual(['a again']);
});
