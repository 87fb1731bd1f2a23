import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { Office } from './delivery-fixture.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe('the feed', () => {
  let office: Office;
  const follow = (options: { after?: string; waitMs?: number; signal?: AbortSignal }) =>
    office.delivery.follow({ limit: 10, ...options });
  const end = async () => (await office.delivery.follow({ limit: 1_000 })).next;

  beforeAll(async () => {
    office = await Office.open({ databaseUrl: await postgresDatabase() }, { parts: [] });
  });

  afterAll(async () => {
    await office.close();
  });

  // No time passes in these tests but where they say so.

  test('answers at once where it is not asked to wait, and where there is something', async () => {
    expect(await follow({})).toEqual({ items: [], next: '0' });
    const [id] = await office.say({});
    const { items } = await follow({ waitMs: MINUTE });
    expect(items.map((item) => item.id)).toEqual([id]);
  });

  test('that is waited at ends the wait when something comes', async () => {
    const waiting = follow({ after: await end(), waitMs: MINUTE });
    await office.timers.sleeping();
    const [id] = await office.say({});
    expect((await waiting).items.map((item) => item.id)).toEqual([id]);
  });

  test('that is waited at finds what another process took in', async () => {
    const waiting = follow({ after: await end(), waitMs: MINUTE });
    await office.timers.sleeping();
    const [added] = await office.hear({});
    await office.timers.advance(SECOND);
    expect((await waiting).items.map(({ id }) => id)).toEqual([added?.id]);
  });

  test('ends the wait when its time is over', async () => {
    const after = await end();
    const waiting = follow({ after, waitMs: 2.5 * SECOND });
    await office.timers.sleeping();
    for (let n = 0; n < 2; n += 1) {
      await office.timers.advance(SECOND);
      // It has looked, and waits again.
      await office.timers.sleeping();
    }
    await office.timers.advance(SECOND / 2);
    expect(await waiting).toEqual({ items: [], next: after });
  });

  test('ends the wait when the client is gone', async () => {
    const after = await end();
    const gone = new AbortController();
    const waiting = follow({ after, waitMs: MINUTE, signal: gone.signal });
    await office.timers.sleeping();
    gone.abort();
    expect(await waiting).toEqual({ items: [], next: after });
  });

  test('ends the wait when the engine stops', async () => {
    const after = await end();
    const waiting = follow({ after, waitMs: MINUTE });
    await office.timers.sleeping();
    await office.delivery.stop();
    expect(await waiting).toEqual({ items: [], next: after });
  });
});
