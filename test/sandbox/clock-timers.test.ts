import { afterEach, describe, expect, test } from '@jest/globals';
import { SandboxClock } from '../../src/sandbox/clock.js';
import { ClockTimers } from '../../src/sandbox/clock-timers.js';
import { systemTimers } from '../../src/sandbox/timers.js';
import { ManualTimers } from '../support/manual-timers.js';

const running: ClockTimers[] = [];

afterEach(() => {
  for (const alarms of running.splice(0)) alarms.stop();
});

function started(base: () => number, timers = new ManualTimers()) {
  const clock = new SandboxClock(base);
  const alarms = new ClockTimers(clock, timers);
  running.push(alarms);
  alarms.start();
  return { clock, alarms };
}

describe('clock timers', () => {
  test('fire once the clock is advanced or set past them, the earliest first, those of one instant in the order of scheduling', () => {
    const { clock, alarms } = started(() => 1_000);
    const rung: string[] = [];
    alarms.schedule(1_200, () => rung.push('late'));
    alarms.schedule(1_100, () => rung.push('early'));
    alarms.schedule(1_200, () => rung.push('later'));
    alarms.schedule(1_000, () => rung.push('at once'));
    expect(rung).toEqual(['at once']);
    clock.advance(99);
    expect(rung).toHaveLength(1);
    clock.advance(1);
    expect(rung).toEqual(['at once', 'early']);
    clock.set(5_000, { stopped: true });
    clock.set(9_000);
    expect(rung).toEqual(['at once', 'early', 'late', 'later']);
  });

  test('fire a timer that a callback schedules, when it is due', () => {
    const { clock, alarms } = started(() => 0);
    const rung: number[] = [];
    alarms.schedule(10, () => alarms.schedule(20, () => rung.push(20)));
    alarms.schedule(15, () => rung.push(15));
    clock.advance(30);
    expect(rung).toEqual([15, 20]);
  });

  test('fire while the clock runs, not earlier', async () => {
    const timers = new ManualTimers();
    const { clock, alarms } = started(timers.now, timers);
    const rung: string[] = [];
    alarms.schedule(clock.now() + 20, () => rung.push('soon'));
    alarms.schedule(clock.now() + 2_500, () => rung.push('later'));
    await timers.advance(19);
    expect(rung).toEqual([]);
    await timers.advance(1);
    expect(rung).toEqual(['soon']);
    await timers.advance(2_479);
    expect(rung).toEqual(['soon']);
    await timers.advance(1);
    expect(rung).toEqual(['soon', 'later']);
  });

  test('notice within a second that the underlying clock was moved', async () => {
    let now = 0;
    const timers = new ManualTimers();
    const { alarms } = started(() => now, timers);
    const rung: number[] = [];
    alarms.schedule(3_600_000, () => rung.push(now));
    now = 3_600_000;
    await timers.advance(999);
    expect(rung).toEqual([]);
    await timers.advance(1);
    expect(rung).toEqual([3_600_000]);
  });

  test('do not fire while they are stopped, and fire at the next start', () => {
    const { clock, alarms } = started(() => 0);
    const rung: number[] = [];
    alarms.schedule(10, () => rung.push(10));
    alarms.stop();
    clock.advance(20);
    alarms.schedule(5, () => rung.push(5));
    expect(rung).toEqual([]);
    alarms.start();
    expect(rung).toEqual([5, 10]);
  });
});

describe("the process's timers", () => {
  test('end a sleep after its time, and at once when the signal is aborted', async () => {
    await systemTimers.sleep(1);
    const over = new AbortController();
    const woken = systemTimers.sleep(3_600_000, over.signal);
    over.abort();
    await woken;
    await systemTimers.sleep(3_600_000, over.signal);
  });
});
