import { expect, test } from '@jest/globals';
import { Together } from '../../../src/intake/notifications/together.js';
import { systemTimers } from '../../../src/lib/timers.js';
import { isUnavailable } from '../../../src/store/is-unavailable.js';
import { eventually } from '../../support/eventually.js';

/** Work that ends when it is told to. */
function working(limitMs: number) {
  const batches: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const together = new Together<string>(
    async (items) => {
      batches.push(items);
      await new Promise<void>((resolve) => ends.push(resolve));
    },
    { timers: systemTimers, most: 10, limitMs },
  );
  return { together, batches, ends };
}

const turn = () => new Promise<void>((resolve) => void setTimeout(resolve, 1));

test('work that hangs fails those it is for as a record that is away, and holds none that come after', async () => {
  const { together, batches, ends } = working(2_000);
  const hanging = together.add('a').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await eventually(() => batches.length === 1);
  const others = [together.add('b'), together.add('c')];
  await turn();
  expect(batches).toEqual([['a']]);
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

test('who was answered together, and asks again at once, is done together again', async () => {
  const { together, batches, ends } = working(5_000);
  const again = ['a', 'b', 'c'].map((item) => together.add(item).then(() => together.add(`${item} again`)));
  await eventually(() => batches.length === 1);
  ends[0]?.();
  await eventually(() => batches.length === 2);
  ends[1]?.();
  await Promise.all(again);
  expect(batches).toEqual([
    ['a', 'b', 'c'],
    ['a again', 'b again', 'c again'],
  ]);
});
