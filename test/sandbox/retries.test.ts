import { describe, expect, test } from '@jest/globals';
import { Sandbox } from '../../src/sandbox/index.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';
import { A, ADDRESS, HOUR, MINUTE, MORNING, partner, patientTimes, startSandbox } from './helper.js';
import { at, lunch, published, pushing, visit } from './pushing.js';
import { ended, pushed, startReceiver, turn } from './receiver.js';

const DAY_MS = 24 * HOUR;

describe('a failed push', () => {
  test('is retried 1, 5 and 15 minutes after the previous attempt, not earlier, and then no more', async () => {
    const { receiver, sandbox } = await pushing();
    receiver.react(503);
    const began = sandbox.clock.now();
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 1);
    for (const [n, minutes] of [1, 5, 15].entries()) {
      sandbox.clock.advance(minutes * MINUTE - 1);
      await turn();
      expect(sandbox.deliveries).toHaveLength(n + 1);
      sandbox.clock.advance(1);
      await ended(sandbox, n + 2);
    }
    sandbox.clock.advance(DAY_MS);
    await turn();
    expect(sandbox.deliveries).toMatchObject(
      [0, 1, 6, 21].map((minutes, n) => ({ attempt: n + 1, status: 503, at: began + minutes * MINUTE })),
    );
    expect(receiver.received).toHaveLength(4);
  });

  test('makes all its retries when the clock is advanced past them', async () => {
    const { receiver, sandbox } = await pushing();
    receiver.react(503);
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 1);
    sandbox.clock.advance(HOUR);
    expect(await ended(sandbox, 4)).toHaveLength(4);
  });

  test('is retried while the clock runs, as often as configured', async () => {
    const receiver = await startReceiver();
    receiver.react(503);
    const timers = new ManualTimers(MORNING);
    const clients = pushed(receiver, { retryMinutes: [1, 2] });
    const sandbox = await startSandbox({ now: timers.now, timers, clients });
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 1);
    for (const [n, minutes] of [1, 2].entries()) {
      await timers.advance(minutes * MINUTE - 1);
      expect(sandbox.deliveries).toHaveLength(n + 1);
      await timers.advance(1);
      await ended(sandbox, n + 2);
    }
    await timers.advance(HOUR);
    expect(sandbox.deliveries.map((one) => one.at)).toEqual([0, 1, 3].map((n) => MORNING + n * MINUTE));
  });

  test('is retried by the clock and the timers of the process', async () => {
    const receiver = await startReceiver();
    receiver.react(503);
    const clients = pushed(receiver, { retryMinutes: [0.0005, 0.001], timeoutMs: 60_000 });
    const sandbox = new Sandbox({ clients });
    atEndOfTest(() => sandbox.stop());
    await sandbox.start();
    sandbox.addBreak(ADDRESS, lunch);
    expect(await ended(sandbox, 3)).toMatchObject([1, 2, 3].map((attempt) => ({ attempt, status: 503 })));
  });

  test('does not delay later pushes, and is retried after them', async () => {
    const { receiver, sandbox } = await pushing();
    receiver.react(({ name }) => (name === 'slot-booked' ? 500 : 200));
    const { id } = sandbox.book(ADDRESS, visit('10:00'));
    sandbox.cancel(id);
    await ended(sandbox, 2);
    receiver.react(200);
    sandbox.clock.advance(MINUTE);
    await ended(sandbox, 3);
    expect(receiver.names).toEqual(['slot-booked', 'booking-canceled', 'slot-booked']);
  });

  test("is retried at the client's current endpoint, and not without one", async () => {
    const { receiver, sandbox } = await pushing();
    receiver.react(500);
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 1);
    const moved = await startReceiver();
    moved.react(500);
    sandbox.setEstate(undefined, pushed(moved));
    sandbox.clock.advance(MINUTE);
    await ended(sandbox, 2);
    sandbox.setEstate(undefined, [{ id: 'clinic', secret: 's3cret' }]);
    sandbox.clock.advance(HOUR);
    await turn();
    expect([receiver.names, moved.names, sandbox.deliveries.length]).toEqual([
      ['break-created'],
      ['break-created'],
      2,
    ]);
  });
});

describe('release', () => {
  async function withFailed() {
    const { receiver, sandbox } = await pushing({ retryMinutes: [] });
    receiver.react(500);
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 1);
    receiver.react(200);
    return { receiver, sandbox, send: await partner(sandbox) };
  }

  test('sends failed pushes again, once an hour', async () => {
    const { receiver, sandbox, send } = await withFailed();
    expect((await send('POST', '/notifications/release')).status).toBe(204);
    expect(await ended(sandbox, 2)).toMatchObject([{ status: 500 }, { attempt: 2, status: 200 }]);
    expect(receiver.names).toEqual(['break-created', 'break-created']);
    expect(await send('POST', '/notifications/release')).toMatchObject({
      status: 429,
      headers: { 'retry-after': '3600' },
    });
    sandbox.clock.advance(HOUR);
    expect((await send('POST', '/notifications/release')).status).toBe(204);
    await turn();
    expect(sandbox.deliveries).toHaveLength(2);
  });

  test('retains a push that fails again for the next release', async () => {
    const { receiver, sandbox, send } = await withFailed();
    receiver.react(500);
    await send('POST', '/notifications/release');
    await ended(sandbox, 2);
    sandbox.clock.advance(HOUR);
    await send('POST', '/notifications/release');
    expect(await ended(sandbox, 3)).toHaveLength(3);
  });

  test('does not send pushes with retries left, nor failed pushes of other clients', async () => {
    const [one, other] = [await startReceiver(), await startReceiver()];
    one.react(500);
    other.react(500);
    const [clinic] = pushed(one);
    const [second] = pushed(other, { retryMinutes: [] }, { id: 'other' });
    if (clinic === undefined || second === undefined) throw new Error('there are two clients');
    const sandbox = await published({ clients: [clinic, second] });
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 2);
    await (await partner(sandbox, 'clinic'))('POST', '/notifications/release');
    await turn();
    expect(sandbox.deliveries).toHaveLength(2);
    await (await partner(sandbox, 'other'))('POST', '/notifications/release');
    await ended(sandbox, 3);
    expect([one.received.length, other.received.length]).toEqual([1, 2]);
  });

  test('does not send pushes that failed 14 days ago', async () => {
    const { sandbox, send } = await withFailed();
    sandbox.clock.advance(14 * DAY_MS - 1);
    await send('POST', '/notifications/release');
    expect(await ended(sandbox, 2)).toHaveLength(2);

    const late = await withFailed();
    late.sandbox.clock.advance(14 * DAY_MS);
    expect((await late.send('POST', '/notifications/release')).status).toBe(204);
    await turn();
    expect(late.sandbox.deliveries).toHaveLength(1);
  });
});

describe('a client with the mode `once`', () => {
  test('loses a booking whose push failed, and is notified of that', async () => {
    const { receiver, sandbox } = await pushing({ mode: 'once' });
    receiver.react(({ name }) => (name === 'slot-booked' ? 500 : 200));
    const { id } = sandbox.book(ADDRESS, visit('10:00'));
    expect(patientTimes(sandbox)).not.toContain('10:00');
    await ended(sandbox, 2);
    expect(receiver.received.map(({ body }) => body)).toMatchObject([
      { name: 'slot-booked', data: { visit_booking: { id } } },
      {
        name: 'booking-canceled',
        data: { visit_booking: { id, status: 'canceled', canceled_by: 'user' } },
      },
    ]);
    expect(patientTimes(sandbox)).toContain('10:00');
    sandbox.clock.advance(DAY_MS);
    await (await partner(sandbox))('POST', '/notifications/release');
    await turn();
    expect(sandbox.deliveries).toHaveLength(2);
  });

  test('retains a booking whose push succeeded', async () => {
    const { sandbox } = await pushing({ mode: 'once' });
    sandbox.book(ADDRESS, visit('10:00'));
    expect(await ended(sandbox, 1)).toMatchObject([{ status: 200 }]);
    await turn();
    expect(sandbox.bookings(ADDRESS)).toMatchObject([{ status: 'booked' }]);
  });

  test('retains its own booking when the echo fails', async () => {
    const { receiver, sandbox } = await pushing({ mode: 'once' });
    receiver.react(500);
    const patient = { name: 'Clinic', phone: '+48000000000' };
    const body = { address_service_id: '123', duration: 10, patient };
    const send = await partner(sandbox);
    await send('POST', `${A}/slots/${encodeURIComponent(at('10:00'))}/book`, body);
    await ended(sandbox, 1);
    await turn();
    expect(sandbox.bookings(ADDRESS)).toMatchObject([{ status: 'booked', booked_by: 'integration' }]);
  });

  test('gets other failed notifications only by release, and none of them cancels a booking', async () => {
    const { receiver, sandbox } = await pushing({ mode: 'once' });
    const { id } = sandbox.book(ADDRESS, visit('10:00'));
    await ended(sandbox, 1);
    receiver.react(500);
    sandbox.confirm(id);
    await ended(sandbox, 2);
    sandbox.clock.advance(HOUR);
    await turn();
    expect(sandbox.deliveries).toHaveLength(2);
    expect(sandbox.bookings(ADDRESS)).toMatchObject([{ status: 'booked' }]);
    await (await partner(sandbox))('POST', '/notifications/release');
    await ended(sandbox, 3);
    expect(receiver.names).toEqual(['slot-booked', 'booking-confirmed', 'booking-confirmed']);
  });
});
