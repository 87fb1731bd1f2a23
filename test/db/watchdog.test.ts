import { describe, expect, test } from '@jest/globals';
import { Watchdog } from '../../src/db/watchdog.js';
import type { Timers } from '../../src/lib/timers.js';

/** A clock, and a timer that rings when it is told to, however late that is. */
class LateTimers implements Timers {
  #elapsed = 0;
  #work: () => Promise<void> = async () => {};
  elapsed = (): number => this.#elapsed;
  sleep = async (): Promise<void> => {};
  every(_ms: number, work: () => Promise<void>): () => void {
    this.#work = work;
    return () => {
      this.#work = async () => {};
    };
  }
  async pass(ms: number): Promise<void> {
    this.#elapsed += ms;
    await this.#work();
  }
  async seconds(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) await this.pass(1_000);
  }
}

describe('the watchdog', () => {
  const watched = (limitMs: number) => {
    const timers = new LateTimers();
    const stuck: number[] = [];
    const watchdog = new Watchdog(timers, limitMs, (ms) => stuck.push(ms));
    return { timers, watchdog, stuck };
  };

  test('tells once that nothing was answered for so long, and not before', async () => {
    const { timers, watchdog, stuck } = watched(10_000);
    watchdog.requestSent();
    await timers.seconds(9);
    expect(stuck).toEqual([]);
    await timers.seconds(5);
    expect(stuck).toEqual([10_000]);
  });

  test('waits for the same time again after each answer, and without end where nothing was asked', async () => {
    const { timers, watchdog, stuck } = watched(10_000);
    await timers.seconds(30);
    for (let n = 0; n < 5; n += 1) {
      watchdog.requestSent();
      watchdog.requestSent();
      await timers.seconds(9);
      watchdog.responseReceived();
      await timers.seconds(9);
      watchdog.responseReceived();
    }
    expect(stuck).toEqual([]);
  });

  test('does not count the time for which its process was suspended', async () => {
    const { timers, watchdog, stuck } = watched(10_000);
    watchdog.requestSent();
    await timers.seconds(3);
    await timers.pass(8 * 60 * 60_000);
    await timers.seconds(4);
    expect(stuck).toEqual([]);
    await timers.seconds(1);
    expect(stuck).toEqual([10_000]);
  });

  test('takes another limit while it waits, and ends when it is told to', async () => {
    const { timers, watchdog, stuck } = watched(60_000);
    watchdog.requestSent();
    await timers.seconds(20);
    watchdog.setLimit(10_000);
    watchdog.stop();
    await timers.seconds(20);
    expect(stuck).toEqual([]);
  });
});
