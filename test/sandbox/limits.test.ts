import { describe, expect, test } from '@jest/globals';
import { A, HOUR, MINUTE, MORNING, type Partner, partner, startSandbox } from './helper.js';

const write = (send: Partner) => send('DELETE', `${A}/slots/2026-11-16`);
const read = (send: Partner) => send('GET', `${A}/calendar`);

async function times(n: number, send: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < n; i++) await send();
}

describe('the limits of a client', () => {
  test('are reported by headers: the one with the least remaining', async () => {
    const send = await partner(await startSandbox());
    expect((await write(send)).headers).toMatchObject({
      'x-ratelimit-limit': '40',
      'x-ratelimit-used': '1',
      'x-ratelimit-remaining': '39',
      'x-ratelimit-reset': '2026-11-16T07:01:00+00:00',
    });
    expect((await read(send)).headers).toMatchObject({
      'x-ratelimit-limit': '8000',
      'x-ratelimit-used': '2',
    });
  });

  test('are 40 writes in any minute: the next is 429 until the oldest is a minute old', async () => {
    let now = MORNING;
    const send = await partner(await startSandbox({ now: () => now }));
    await write(send);
    now += 30_000;
    await times(39, () => write(send));
    const refused = await write(send);
    expect(refused).toMatchObject({
      status: 429,
      headers: {
        'retry-after': '30',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': '2026-11-16T07:01:00+00:00',
      },
      body: { errors: [] },
    });
    expect((await read(send)).status).toBe(200);
    now += 30_000 - 1;
    expect((await write(send)).status).toBe(429);
    now += 1;
    expect((await write(send)).status).toBe(204);
    expect((await write(send)).status).toBe(429);
  });

  test('a refused write changes nothing', async () => {
    const sandbox = await startSandbox({ limits: { writesPerMinute: 1 } });
    const send = await partner(sandbox);
    await write(send);
    await write(send);
    expect(sandbox.requests.map(({ operation, status, applied }) => [operation, status, applied])).toEqual([
      ['token', 200, false],
      ['deleteSlots', 204, true],
      ['deleteSlots', 429, false],
    ]);
  });

  test('are writes per hour, too', async () => {
    let now = MORNING;
    const send = await partner(
      await startSandbox({ now: () => now, limits: { writesPerHour: 3 }, tokenSeconds: 86_400 }),
    );
    await times(3, () => write(send));
    now += 2 * MINUTE;
    expect(await write(send)).toMatchObject({ status: 429, headers: { 'retry-after': String(58 * 60) } });
    now += HOUR - 2 * MINUTE;
    expect((await write(send)).status).toBe(204);
  });

  test('are all requests per hour, reads and writes together', async () => {
    const send = await partner(await startSandbox({ limits: { requestsPerHour: 3 } }));
    await write(send);
    await read(send);
    await read(send);
    expect(await read(send)).toMatchObject({ status: 429, headers: { 'retry-after': '3600' } });
    expect((await write(send)).status).toBe(429);
  });

  test("are each client's own", async () => {
    const sandbox = await startSandbox({ limits: { writesPerMinute: 1 } });
    const [one, other] = [await partner(sandbox, 'one'), await partner(sandbox, 'other')];
    expect((await write(one)).status).toBe(204);
    expect((await write(one)).status).toBe(429);
    expect((await write(other)).status).toBe(204);
  });

  test('that are switched off send no headers', async () => {
    const limits = { writesPerMinute: null, writesPerHour: null, requestsPerHour: null };
    const send = await partner(await startSandbox({ clients: [{ id: 'clinic', secret: 's3cret', limits }] }));
    const answer = await write(send);
    expect(answer.status).toBe(204);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
  });

  test('per network address are answered by the firewall with HTML for every client, when switched on', async () => {
    let now = MORNING;
    const sandbox = await startSandbox({ now: () => now, limits: { requestsPerFiveMinutes: 2 } });
    const send = await partner(sandbox);
    await read(send);
    expect(await read(send)).toMatchObject({ status: 405, text: expect.stringContaining('<html>') });
    now += 5 * MINUTE;
    expect((await read(send)).status).toBe(200);
  });
});

describe('release', () => {
  test('is one per hour, else 429 with Retry-After', async () => {
    let now = MORNING;
    const send = await partner(await startSandbox({ now: () => now, tokenSeconds: 86_400 }));
    expect((await send('POST', '/notifications/release')).status).toBe(204);
    now += 15 * MINUTE;
    expect(await send('POST', '/notifications/release')).toMatchObject({
      status: 429,
      headers: { 'retry-after': '2700' },
    });
    now += 45 * MINUTE;
    expect((await send('POST', '/notifications/release')).status).toBe(204);
  });

  test('is 403 for a client that pulls', async () => {
    const send = await partner(
      await startSandbox({ clients: [{ id: 'clinic', secret: 's3cret', notifications: 'pull' }] }),
    );
    expect((await send('POST', '/notifications/release')).status).toBe(403);
  });
});
