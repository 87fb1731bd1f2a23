import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backends } from '../engine/backends.js';
import { Office } from './office.js';

describe.each(backends.slice(0, 2))('the feed on $name', ({ fresh }) => {
  let office: Office;
  const follow = (options: { after?: string; waitMs?: number; signal?: AbortSignal }) =>
    office.delivery.follow({ limit: 10, ...options });
  const timed = async <T>(work: Promise<T>) => {
    const began = performance.now();
    return { answer: await work, took: performance.now() - began };
  };
  const end = async () => (await office.delivery.follow({ limit: 1_000 })).next;

  beforeAll(async () => {
    office = await Office.open(await fresh(), { parts: [] });
  });

  afterAll(async () => {
    await office.close();
  });

  test('answers at once where it is not asked to wait, and where there is something', async () => {
    expect(await follow({})).toEqual({ items: [], next: '0' });
    const [id] = await office.say({});
    const { answer, took } = await timed(follow({ waitMs: 60_000 }));
    expect(answer.items.map((item) => item.id)).toEqual([id]);
    expect(took).toBeLessThan(45_000);
  });

  test('that is waited at ends the wait when something comes', async () => {
    const waiting = timed(follow({ after: await end(), waitMs: 60_000 }));
    await sleep(100);
    const [id] = await office.say({});
    const { answer, took } = await waiting;
    expect(answer.items.map((item) => item.id)).toEqual([id]);
    expect(took).toBeLessThan(45_000);
  });

  test('that is waited at finds what another process took in', async () => {
    const waiting = timed(follow({ after: await end(), waitMs: 60_000 }));
    await sleep(100);
    const [added] = await office.hear({});
    const { answer, took } = await waiting;
    expect(answer.items.map(({ id }) => id)).toEqual([added?.id]);
    expect(took).toBeLessThan(45_000);
  });

  test('ends the wait when its time is over, when the client is gone, and when the engine stops', async () => {
    const after = await end();
    const nothing = { items: [], next: after };
    const over = await timed(follow({ after, waitMs: 300 }));
    expect(over.answer).toEqual(nothing);
    expect(over.took).toBeGreaterThan(290);

    const gone = new AbortController();
    const left = timed(follow({ after, waitMs: 60_000, signal: gone.signal }));
    await sleep(100);
    gone.abort();
    expect((await left).answer).toEqual(nothing);
    expect((await left).took).toBeLessThan(45_000);

    const stopped = timed(follow({ after, waitMs: 60_000 }));
    await sleep(100);
    await office.delivery.stop();
    expect((await stopped).answer).toEqual(nothing);
    expect((await stopped).took).toBeLessThan(45_000);
  });
});
