import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { computeSlotConfigs } from '../../src/core/index.js';
import type { Slotkeeper } from '../../src/engine.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { createApp } from '../../src/server/app.js';
import { postgresDatabase } from '../db/databases.js';
import { ADDRESS, CALENDAR, foundingExample } from './founding-example.js';
import { openClinic, sent, settled, startEngine, writesTo } from './running.js';

const { date, input, days, events, put } = foundingExample();
const [available, occupied] = events;

test('the library computes the founding example', () => {
  expect(computeSlotConfigs(input)).toEqual(days);
  expect(put.body.slots).toEqual(days[0]?.slots);
});

describe('the founding example', () => {
  let sandbox: Sandbox;
  let engine: Slotkeeper;

  beforeAll(async () => {
    engine = await startEngine({ databaseUrl: await postgresDatabase() });
  });

  beforeEach(async () => {
    sandbox = await openClinic(engine);
  });

  afterAll(async () => {
    await engine.stop();
  });

  test('results in exactly one PUT with the expected body, through the library', async () => {
    await engine.events([available]);
    await settled(engine);
    const before = writesTo(sandbox).length;
    await engine.events([occupied]);
    await settled(engine);
    expect(writesTo(sandbox).slice(before).map(sent)).toEqual([put]);
  });

  test('results in exactly one PUT with the expected body, over HTTP', async () => {
    const app = createApp({ engine, apiKey: 'key' });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    try {
      const headers = { authorization: 'Bearer key', 'content-type': 'application/json' };
      const post = async (event: unknown) =>
        await fetch(`${url}/v1/events`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ events: [event] }),
        });
      expect((await post(available)).status).toBe(202);
      await settled(engine);
      const before = writesTo(sandbox).length;
      expect(await (await post(occupied)).json()).toEqual({
        accepted: 1,
        duplicates: 0,
        stale: 0,
        ignored: 0,
        past: 0,
        rejected: [],
        warnings: [],
        differing: [],
      });
      await settled(engine);
      expect(writesTo(sandbox).slice(before).map(sent)).toEqual([put]);
      const answer = await fetch(`${url}/v1/calendars/${CALENDAR}/days?from=${date}&to=${date}`, { headers });
      expect(await answer.json()).toMatchObject([
        { date, state: 'in-sync', wanted: put.body.slots, published: put.body.slots, error: null },
      ]);
    } finally {
      await app.close();
    }
  });

  test('results in one PUT for both events together, in the live payload variant, and patients see the rest', async () => {
    await engine.events(events);
    await settled(engine);
    expect(writesTo(sandbox).map(sent)).toEqual([put]);
    const starts = sandbox.patientView(ADDRESS, `${date}T00:00:00+01:00`, `${date}T23:59:00+01:00`);
    expect(starts.map(({ start }) => start.slice(11, 16))).toEqual([
      '10:00',
      '10:10',
      '10:20',
      '10:40',
      '10:50',
    ]);
  });
});
