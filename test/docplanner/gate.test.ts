// Tests of the request gate: `before` precedes every request, and `after` follows it with any outcome.

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { GateAnswer } from '../../src/docplanner/index.js';
import {
  address,
  failure,
  type HttpMarketplace,
  inTurn,
  json,
  startMarketplace,
} from './http-marketplace.js';

const start = '2026-11-16T10:00:00+01:00';
const end = '2026-11-16T11:00:00+01:00';
const slots = [{ start, end, address_services: [] }];

let marketplace: HttpMarketplace;
beforeEach(async () => {
  marketplace = await startMarketplace();
});
afterEach(() => marketplace.close());

const recorder = () => {
  const told: (GateAnswer | { before: boolean })[] = [];
  const gate = {
    before: async ({ write }: { write: boolean }) => void told.push({ before: write }),
    after: (answer: GateAnswer) => void told.push(answer),
  };
  return { told, gate };
};

test('the gate distinguishes reads and writes, and is not called for tokens', async () => {
  const { told, gate } = recorder();
  const client = marketplace.client({ gate });
  await client.getSlots(address, start, end);
  marketplace.reply = json(201, undefined);
  await client.replaceSlots(address, slots);
  expect(told).toEqual([
    { before: false },
    { write: false, operation: 'getSlots', status: 200 },
    { before: true },
    { write: true, operation: 'replaceSlots', status: 201 },
  ]);
});

test('the gate gets the rate limit of the answer, and the delay', async () => {
  const { told, gate } = recorder();
  marketplace.reply = json(
    429,
    {},
    {
      'x-ratelimit-limit': '40',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '2026-11-16T10:00:00Z',
      'retry-after': '3',
    },
  );
  await failure(marketplace.client({ gate }).replaceSlots(address, slots));
  const resetAt = Date.UTC(2026, 10, 16, 10);
  expect(told[1]).toEqual({
    write: true,
    operation: 'replaceSlots',
    status: 429,
    rateLimit: { limit: 40, used: 40, remaining: 0, resetAt },
    retryAfterMs: 3_000,
  });
});

test('the gate gets `ownLimit` for an operation with a limit of its own', async () => {
  const { told, gate } = recorder();
  marketplace.reply = json(429, {}, { 'retry-after': '3' });
  await failure(marketplace.client({ gate }).release());
  expect(told[1]).toEqual({
    write: true,
    operation: 'release',
    ownLimit: true,
    status: 429,
    retryAfterMs: 3_000,
  });
});

test('the gate is called again for the retry after a 401', async () => {
  const { told, gate } = recorder();
  marketplace.reply = inTurn(json(401, {}), json(201, undefined));
  await marketplace.client({ gate }).replaceSlots(address, slots);
  expect(told).toEqual([
    { before: true },
    { write: true, operation: 'replaceSlots', status: 401 },
    { before: true },
    { write: true, operation: 'replaceSlots', status: 201 },
  ]);
});

test('the gate gets no status without an answer', async () => {
  const { told, gate } = recorder();
  marketplace.reply = (_request, response) => void response.destroy();
  await failure(marketplace.client({ gate }).replaceSlots(address, slots));
  expect(told).toEqual([{ before: true }, { write: true, operation: 'replaceSlots' }]);
});

test('a gate that rejects prevents the request, and `after` is not called', async () => {
  const { told, gate } = recorder();
  const shut = { ...gate, before: () => Promise.reject(new Error('paused')) };
  await expect(marketplace.client({ gate: shut }).replaceSlots(address, slots)).rejects.toThrow('paused');
  expect(marketplace.seen).toHaveLength(0);
  expect(told).toEqual([]);
});

test('the gate is not called without a token', async () => {
  const { told, gate } = recorder();
  marketplace.replyToken = json(503, {});
  await failure(marketplace.client({ gate }).replaceSlots(address, slots));
  expect(told).toEqual([]);
});

test('a gate that fails after an answer replaces neither the answer nor the error', async () => {
  const { gate } = recorder();
  const failing = { ...gate, after: () => Promise.reject(new Error('the record is away')) };
  const client = marketplace.client({ gate: failing });
  marketplace.reply = json(200, { notifications: [{ name: 'break-created' }], remaining: 0 });
  expect((await client.pullNotifications(100)).notifications).toHaveLength(1);
  marketplace.reply = json(404, { message: 'no such calendar' });
  expect(await failure(client.replaceSlots(address, slots))).toMatchObject({ name: 'NotFoundError' });
});
