import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Slotkeeper } from '../../src/engine.js';
import { createApp } from '../../src/server/app.js';
import { postgresDatabase } from '../db/databases.js';
import { CALENDAR } from '../engine/founding-example.js';
import { openClinic, startEngine } from '../engine/running.js';
import { type Caller, KEY, serve } from './served.js';

const NOW = Date.parse('2026-03-20T08:00:00+01:00');

describe('GET /v1/history', () => {
  let engine: Slotkeeper;
  let call: Caller;
  let sent = 0;

  beforeAll(async () => {
    engine = await startEngine({ databaseUrl: await postgresDatabase() }, { now: () => NOW, roles: ['api'] });
    call = await serve(engine);
    await openClinic(engine, { now: () => NOW });
  });

  afterAll(async () => {
    await engine.stop();
  });

  const occupy = async (ref: string, more: object = {}) => {
    sent += 1;
    const [start, end] = ['2026-03-23T10:00', '2026-03-23T10:10'];
    const event = { id: `evt-${sent}`, type: 'occupied', calendar: CALENDAR, ref, start, end, ...more };
    return await call('POST', '/v1/events', { events: [event] });
  };

  test('answers pages, oldest first, and the newest first', async () => {
    for (const ref of ['page-1', 'page-2', 'page-3']) await occupy(ref);
    const { body: first } = await call('GET', `/v1/history?calendar=${CALENDAR}&kind=event&limit=2`);
    expect(first.items.map((item: { ref: string }) => item.ref)).toEqual(['page-1', 'page-2']);
    const { body: rest } = await call(
      'GET',
      `/v1/history?calendar=${CALENDAR}&kind=event&after=${first.next}`,
    );
    expect(rest.items.map((item: { ref: string }) => item.ref)).toEqual(['page-3']);
    const { body: newest } = await call('GET', '/v1/history?kind=event&newest=true&limit=1');
    expect(newest.items).toMatchObject([{ ref: 'page-3', actor: 'api', date: '2026-03-23' }]);
  });

  test('has the paths of what a rejected event has wrong, and none of its values', async () => {
    const { status } = await occupy('rejected', { end: 'Jan Kowalski' });
    expect(status).toBe(422);
    const { body } = await call('GET', `/v1/history?calendar=${CALENDAR}&kind=event&newest=true&limit=1`);
    expect(body.items).toMatchObject([{ detail: { outcome: 'rejected', paths: ['end'] } }]);
    expect(JSON.stringify(body)).not.toContain('Kowalski');
  });

  test.each([
    ['date=tomorrow', 'date'],
    ['kind=told', 'kind'],
    ['after=x', 'after'],
    ['limit=0', 'limit'],
    ['calender=nowak', 'calender'],
  ])('refuses %s with its path', async (query, path) => {
    const { status, body } = await call('GET', `/v1/history?${query}`);
    expect(status).toBe(400);
    expect(JSON.stringify(body.errors)).toContain(path);
  });

  test('requires the key', async () => {
    const { status } = await call('GET', '/v1/history', undefined, { authorization: 'Bearer wrong' });
    expect(status).toBe(401);
  });

  test('follows new entries as server-sent events, from the cursor that is named', async () => {
    await occupy('before');
    const { body } = await call('GET', '/v1/history?kind=event&newest=true&limit=1');
    const left = new AbortController();
    const response = await fetch(`${call.url}/v1/history?kind=event`, {
      headers: {
        authorization: `Bearer ${KEY}`,
        accept: 'text/event-stream',
        'last-event-id': body.items[0].cursor,
      },
      signal: left.signal,
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    await occupy('live-1');
    await occupy('live-2');
    expect(await readRefs(response, 2)).toEqual(['live-1', 'live-2']);
    left.abort();
  });

  test('ends its streams when the server stops', async () => {
    const app = createApp({ engine, apiKey: KEY });
    const response = await fetch(`${await app.listen({ host: '127.0.0.1', port: 0 })}/v1/history`, {
      headers: { authorization: `Bearer ${KEY}`, accept: 'text/event-stream' },
    });
    const text = response.text();
    await app.close();
    expect(await text).toMatch(/^: nothing new/);
  });
});

/** The `ref` of the first events of a stream. */
async function readRefs(response: Response, count: number): Promise<string[]> {
  const refs: string[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    refs.splice(
      0,
      refs.length,
      ...[...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json).ref),
    );
    if (refs.length >= count) break;
  }
  return refs;
}
