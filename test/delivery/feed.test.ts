import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { postgresDatabase } from '../db/databases.js';
import { DeliveryFixture } from './delivery-fixture.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe('the feed', () => {
  let fixture: DeliveryFixture;
  const readFeed = (options: { after?: string; waitMs?: number; signal?: AbortSignal }) =>
    fixture.delivery.followFeed({ limit: 10, ...options });
  const lastCursor = async () => (await fixture.delivery.followFeed({ limit: 1_000 })).next;

  beforeAll(async () => {
    fixture = await DeliveryFixture.open({ databaseUrl: await postgresDatabase() }, { parts: [] });
  });

  afterAll(async () => {
    await fixture.close();
  });

  // Time passes in these tests only where they advance the timers.

  test('answers at once without a wait, and when an item is available', async () => {
    expect(await readFeed({})).toEqual({ items: [], next: '0' });
    const [id] = await fixture.addAndEnqueue({});
    const { items } = await readFeed({ waitMs: MINUTE });
    expect(items.map((item) => item.id)).toEqual([id]);
  });

  test('ends the wait when an item is added', async () => {
    const waiting = readFeed({ after: await lastCursor(), waitMs: MINUTE });
    await fixture.timers.sleeping();
    const [id] = await fixture.addAndEnqueue({});
    expect((await waiting).items.map((item) => item.id)).toEqual([id]);
  });

  test('finds an item that another process adds during the wait', async () => {
    const waiting = readFeed({ after: await lastCursor(), waitMs: MINUTE });
    await fixture.timers.sleeping();
    const [added] = await fixture.add({});
    await fixture.timers.advance(SECOND);
    expect((await waiting).items.map(({ id }) => id)).toEqual([added?.id]);
  });

  test('ends the wait when its time is over', async () => {
    const after = await lastCursor();
    const waiting = readFeed({ after, waitMs: 2.5 * SECOND });
    await fixture.timers.sleeping();
    for (let n = 0; n < 2; n += 1) {
      await fixture.timers.advance(SECOND);
      // The feed has polled, and waits again.
      await fixture.timers.sleeping();
    }
    await fixture.timers.advance(SECOND / 2);
    expect(await waiting).toEqual({ items: [], next: after });
  });

  test('ends the wait when the client leaves', async () => {
    const after = await lastCursor();
    const gone = new AbortController();
    const waiting = readFeed({ after, waitMs: MINUTE, signal: gone.signal });
    await fixture.timers.sleeping();
    gone.abort();
    expect(await waiting).toEqual({ items: [], next: after });
  });

  test('ends the wait when the engine stops', async () => {
    const after = await lastCursor();
    const waiting = readFeed({ after, waitMs: MINUTE });
    await fixture.timers.sleeping();
    await fixture.delivery.stop();
    expect(await waiting).toEqual({ items: [], next: after });
  });
});
