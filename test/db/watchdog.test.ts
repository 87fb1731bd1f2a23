import { describe, expect, test } from '@jest/globals';
import { Watchdog } from '../../src/db/watchdog.js';
import type { Timers } from '../../src/lib/timers.js';

/** A clock, and a timer that fires when the test advances it, however late that is. */
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
  async advance(ms: number): Promise<void> {
    this.#elapsed += ms;
    await this.#work();
  }
  async advanceSeconds(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) await this.advance(1_000);
  }
}

describe('the watchdog', () => {
  const startWatchdog = (limitMs: number) => {
    const timers = new LateTimers();
    const stuck: number[] = [];
    const watchdog = new Watchdog(timers, limitMs, (ms) => stuck.push(ms));
    return { timers, watchdog, stuck };
  };

  test('reports once that no response came within the limit, and not before', async () => {
    const { timers, watchdog, stuck } = startWatchdog(10_000);
    watchdog.requestSent();
    await timers.advanceSeconds(9);
    expect(stuck).toEqual([]);
    await timers.advanceSeconds(5);
    expect(stuck).toEqual([10_000]);
  });

  test('restarts after each response, and does not report without an open request', async () => {
    const { timers, watchdog, stuck } = startWatchdog(10_000);
    await timers.advanceSeconds(30);
    for (let n = 0; n < 5; n += 1) {
      watchdog.requestSent();
      watchdog.requestSent();
      await timers.advanceSeconds(9);
      watchdog.responseReceived();
      await timers.advanceSeconds(9);
      watchdog.responseReceived();
    }
    expect(stuck).toEqual([]);
  });

  test('does not count the time for which its process was suspended', async () => {
    const { timers, watchdog, stuck } = startWatchdog(10_000);
    watchdog.requestSent();
    await timers.advanceSeconds(3);
    await timers.advance(8 * 60 * 60_000);
    await timers.advanceSeconds(4);
    expect(stuck).toEqual([]);
    await timers.advanceSeconds(1);
    expect(stuck).toEqual([10_000]);
  });

  test('accepts another limit while a request is open, and reports nothing after it is stopped', async () => {
    const { timers, watchdog, stuck } = startWatchdog(60_000);
    watchdog.requestSent();
    await timers.advanceSeconds(20);
    watchdog.setLimit(10_000);
    watchdog.stop();
    await timers.advanceSeconds(20);
    expect(stuck).toEqual([]);
  });
});
