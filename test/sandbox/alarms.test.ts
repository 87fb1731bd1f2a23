import { afterEach, describe, expect, test } from '@jest/globals';
import { Alarms } from '../../src/sandbox/alarms.js';
import { SandboxClock } from '../../src/sandbox/clock.js';

const running: Alarms[] = [];

afterEach(() => {
  for (const alarms of running.splice(0)) alarms.stop();
});

function started(base?: () => number) {
  const clock = new SandboxClock(base);
  const alarms = new Alarms(clock);
  running.push(alarms);
  alarms.start();
  return { clock, alarms };
}

describe('alarms', () => {
  test('ring once the clock is advanced or set past them, the earliest first, those of one instant as they were set', () => {
    const { clock, alarms } = started(() => 1_000);
    const rung: string[] = [];
    alarms.at(1_200, () => rung.push('late'));
    alarms.at(1_100, () => rung.push('early'));
    alarms.at(1_200, () => rung.push('later'));
    alarms.at(1_000, () => rung.push('at once'));
    expect(rung).toEqual(['at once']);
    clock.advance(99);
    expect(rung).toHaveLength(1);
    clock.advance(1);
    expect(rung).toEqual(['at once', 'early']);
    clock.set(5_000, { stopped: true });
    clock.set(9_000);
    expect(rung).toEqual(['at once', 'early', 'late', 'later']);
  });

  test('that set another one on their way ring that too, when it is due', () => {
    const { clock, alarms } = started(() => 0);
    const rung: number[] = [];
    alarms.at(10, () => alarms.at(20, () => rung.push(20)));
    alarms.at(15, () => rung.push(15));
    clock.advance(30);
    expect(rung).toEqual([15, 20]);
  });

  test('ring by themselves while the clock runs', async () => {
    const { clock, alarms } = started();
    const due = clock.now() + 20;
    const rungAt = await new Promise<number>((resolve) => alarms.at(due, () => resolve(clock.now())));
    expect(rungAt).toBeGreaterThanOrEqual(due);
  });

  test('notice within a second or so that the clock they follow was moved', async () => {
    let now = 0;
    const { alarms } = started(() => now);
    const rung = new Promise<void>((resolve) => alarms.at(3_600_000, resolve));
    now = 3_600_000;
    await rung;
  });

  test('keep silent while they are stopped, and make up for it at the next start', () => {
    const { clock, alarms } = started(() => 0);
    const rung: number[] = [];
    alarms.at(10, () => rung.push(10));
    alarms.stop();
    clock.advance(20);
    alarms.at(5, () => rung.push(5));
    expect(rung).toEqual([]);
    alarms.start();
    expect(rung).toEqual([5, 10]);
  });
});
