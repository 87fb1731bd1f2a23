import { expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { backends } from './backends.js';
import { foundingExample } from './founding-example.js';
import { openClinic, sent, settled, startEngine, writesTo } from './running.js';

const { events, put } = foundingExample();
const [available, occupied] = events;

test.each(backends)(
  'the founding example on $name is exactly one PUT with exactly that body, by the queue',
  async ({ fresh }) => {
    const engine = await startEngine(await fresh());
    const sandbox = await openClinic(engine);
    await engine.events([available]);
    await settled(engine);
    const before = writesTo(sandbox).length;
    await engine.enqueue([occupied]);
    await eventually(() => writesTo(sandbox).length > before);
    await settled(engine);
    expect(writesTo(sandbox).slice(before).map(sent)).toEqual([put]);
    await engine.stop();
  },
);
