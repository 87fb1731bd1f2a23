// The Prometheus metrics need no key, so their cost is limited by a cache.
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Slotkeeper } from '../../src/engine.js';
import { CachedValue } from '../../src/lib/cached-value.js';
import { postgresDatabase } from '../db/databases.js';
import { foundingExample } from '../engine/founding-example.js';
import { openClinic, startEngine } from '../engine/running.js';
import { ManualTimers } from '../support/manual-timers.js';
import { callerOf, serve } from './served.js';

const timers = new ManualTimers();
let engine: Slotkeeper;

beforeAll(async () => {
  engine = await startEngine({ databaseUrl: await postgresDatabase() }, { timers, roles: ['api'] });
});

beforeEach(async () => {
  await openClinic(engine);
});

const pendingAt = async (url: string) => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return /^slotkeeper_days\{state="pending"\} (\d+)$/m.exec(text)?.[1];
};

test('metrics are at most five seconds old, and computed no more often', async () => {
  const { url } = await serve(engine);
  expect(await pendingAt(url)).toBe('0');
  await engine.events(foundingExample().events);
  await timers.advance(4_999);
  expect(await pendingAt(url)).toBe('0');
  expect((await callerOf(url)('GET', '/v1/status')).body.pending).toBe(1);
  await timers.advance(1);
  expect(await pendingAt(url)).toBe('1');
});

test('concurrent requests of the metrics share one computation, also a failed one', async () => {
  const waiting: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const recent = new CachedValue(
    { timers, maxAgeMs: 10 },
    () => new Promise<number>((resolve, reject) => waiting.push({ resolve, reject })),
  );
  const first = [recent.get(), recent.get()];
  await timers.advance(100);
  first.push(recent.get());
  expect(waiting).toHaveLength(1);
  waiting[0]?.resolve(1);
  expect(await Promise.all(first)).toEqual([1, 1, 1]);
  const second = [recent.get(), recent.get()];
  waiting[1]?.reject(new Error('away'));
  await expect(Promise.all(second)).rejects.toThrow('away');
  await timers.advance(10);
  const third = recent.get();
  waiting[2]?.resolve(3);
  expect(await third).toBe(3);
});
