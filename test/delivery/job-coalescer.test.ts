import { expect, test } from '@jest/globals';
import { Wakes } from '../../src/delivery/job-coalescer.js';

const key = (calendar: string) => ({ account: 'warsaw', calendar });

test('what is added at any moment around the end of a waking is woken', async () => {
  for (let turns = 0; turns < 8; turns += 1) {
    const woken: string[] = [];
    const wakes = new Wakes(async (keys) => {
      woken.push(...keys.map(({ calendar }) => String(calendar)));
    });
    wakes.add([key('first')]);
    for (let n = 0; n < turns; n += 1) await undefined;
    wakes.add([key('second')]);
    await wakes.settled();
    expect({ turns, woken }).toEqual({ turns, woken: ['first', 'second'] });
  }
});

test('what is added while others are woken is woken with one another, each once', async () => {
  const woken: number[] = [];
  let done = (): void => {};
  const wakes = new Wakes(async (keys) => {
    woken.push(keys.length);
    await new Promise<void>((resolve) => {
      done = resolve;
    });
  });
  wakes.add([key('first')]);
  for (const calendar of ['a', 'b', 'a']) wakes.add([key(calendar)]);
  done();
  await new Promise(setImmediate);
  done();
  await wakes.settled();
  expect(woken).toEqual([1, 2]);
});
