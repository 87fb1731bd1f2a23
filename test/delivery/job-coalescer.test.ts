import { expect, test } from '@jest/globals';
import { JobCoalescer } from '../../src/delivery/job-coalescer.js';

const key = (calendar: string) => ({ account: 'warsaw', calendar });

test('what is added at any moment around the end of a waking is woken', async () => {
  for (let turns = 0; turns < 8; turns += 1) {
    const enqueued: string[] = [];
    const jobsToEnqueue = new JobCoalescer(async (keys) => {
      enqueued.push(...keys.map(({ calendar }) => String(calendar)));
    });
    jobsToEnqueue.add([key('first')]);
    for (let n = 0; n < turns; n += 1) await undefined;
    jobsToEnqueue.add([key('second')]);
    await jobsToEnqueue.settled();
    expect({ turns, enqueued }).toEqual({ turns, enqueued: ['first', 'second'] });
  }
});

test('what is added while others are woken is woken with one another, each once', async () => {
  const enqueued: number[] = [];
  let done = (): void => {};
  const jobsToEnqueue = new JobCoalescer(async (keys) => {
    enqueued.push(keys.length);
    await new Promise<void>((resolve) => {
      done = resolve;
    });
  });
  jobsToEnqueue.add([key('first')]);
  for (const calendar of ['a', 'b', 'a']) jobsToEnqueue.add([key(calendar)]);
  done();
  await new Promise(setImmediate);
  done();
  await jobsToEnqueue.settled();
  expect(enqueued).toEqual([1, 2]);
});
