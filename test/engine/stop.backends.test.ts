// The stop of an engine whose marketplace does not answer: the wait is limited.
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';
import { backends } from './backends.js';
import { foundingExample, WEEK_BEFORE } from './founding-example.js';
import { openClinic, startEngine } from './running.js';

const { events } = foundingExample();

describe.each(backends)('on $name', ({ fresh }) => {
  test('an engine whose request is not answered stops nevertheless, and reports unfinished work', async () => {
    const timers = new ManualTimers(WEEK_BEFORE);
    const config = { publish: { timeoutMs: 120_000 } };
    const engine = await startEngine(await fresh(), { config, timers, now: timers.now });
    const sandbox = await openClinic(engine);
    sandbox.faults.set([{ fault: { kind: 'hang' } }]);
    await engine.events(events);
    await eventually(() => sandbox.requests.length > 0);
    let finished: boolean | undefined;
    void engine.stop().then((isFinished) => {
      finished = isFinished;
    });
    await eventually(async () => {
      await timers.advance(1_000);
      return finished !== undefined;
    });
    expect(finished).toBe(false);
  });

  test('an engine without active work reports that all is finished, also at a second stop', async () => {
    const engine = await startEngine(await fresh());
    expect(await engine.stop()).toBe(true);
    expect(await engine.stop()).toBe(true);
  });
});
