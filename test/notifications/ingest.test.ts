// What patients and doctors do in the marketplace, as it comes to the clinic: through a real push, or pulled.
import { describe, expect, test } from '@jest/globals';
import { addressOf } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { API_KEY, sharedNotificationFixture, TASKS_MS, withTimePassing } from './notification-fixture.js';

const open = sharedNotificationFixture();

async function hearing(mode: 'push' | 'pull', { asks = false } = {}) {
  const clinic = await open({ notifications: { mode, pullEverySeconds: 1 } });
  const { fixture, call, items, timers } = clinic;
  const clients = ['many', 'alone'].map((id) => ({
    id,
    secret: 'secret',
    notifications: mode,
    // What `many` hears is not for both.
    ...(id === 'alone' ? { facilities: ['elsewhere'] } : {}),
    ...(mode === 'pull'
      ? {}
      : {
          asks,
          askTimeoutMs: 60_000,
          push: { url: `${call.url}/v1/accounts/${id}/notifications`, apiKey: API_KEY, timeoutMs: 60_000 },
        }),
  }));
  fixture.sandbox.setEstate(undefined, clients);
  await fixture.untilAtRest();
  const heard = async (...names: string[]) => {
    await eventually(async () => {
      if (mode === 'pull') await timers.advance(TASKS_MS);
      return (await items()).length >= names.length;
    });
    expect((await items()).map(({ name }) => name)).toEqual(names);
  };
  const books = (time: string) =>
    fixture.sandbox.book(addressOf('nowak'), { start: fixture.at(time), serviceId: 'visit' });
  return { ...clinic, heard, books };
}

describe.each(['push', 'pull'] as const)('by %s', (mode) => {
  test('a booking occupies its time, a cancellation frees it, and the clinic is notified of both', async () => {
    const { fixture, heard, busy, books, items } = await hearing(mode);
    const { id } = books('10:20');
    await heard('slot-booked');
    expect(await busy()).toEqual([{ booking: id, start: fixture.at('10:20'), end: fixture.at('10:40') }]);
    const [item] = await items();
    expect(item).toMatchObject({ account: 'many', calendar: 'nowak', booking: id, ref: null });
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(['10:00', '10:40', '11:00', '11:20', '11:40']);

    fixture.sandbox.cancel(id);
    await heard('slot-booked', 'booking-canceled');
    await fixture.untilAtRest();
    expect(await busy()).toEqual([]);
    expect(fixture.shown()).toEqual(['10:00', '10:20', '10:40', '11:00', '11:20', '11:40']);
  });

  test('a booking that the patient moves has a new id and time', async () => {
    const { fixture, heard, busy, books } = await hearing(mode);
    const { id } = books('10:20');
    // Two pushes under way at once come in either order; order.test.ts has that.
    await heard('slot-booked');
    const moved = fixture.sandbox.move(id, { start: fixture.at('11:00') });
    await heard('slot-booked', 'booking-moved');
    expect(await busy()).toEqual([
      { booking: moved.id, start: fixture.at('11:00'), end: fixture.at('11:20') },
    ]);
  });

  test("a doctor's break is busy time", async () => {
    const { fixture, heard, busy } = await hearing(mode);
    const { id } = fixture.sandbox.addBreak(addressOf('nowak'), {
      since: fixture.at('11:00'),
      till: fixture.at('11:30'),
    });
    await heard('break-created');
    expect(await busy()).toEqual([{ break: id, start: fixture.at('11:00'), end: fixture.at('11:30') }]);
    fixture.sandbox.removeBreak(id);
    await heard('break-created', 'break-removed');
    expect(await busy()).toEqual([]);
  });
});

test('a booking that overlaps an appointment of the clinic is notified as a conflict', async () => {
  const clinic = await hearing('push');
  const { fixture, books, items } = clinic;
  fixture.sandbox.faults.set([
    { fault: { kind: 'latency', ms: 600_000 }, match: { operation: 'replaceSlots' } },
  ]);
  await fixture.book('apt-1', '10:20', '10:40');
  const { id } = books('10:20');
  await eventually(async () => (await items()).length >= 2);
  expect((await items()).map(({ name }) => name).sort()).toEqual(['conflict', 'slot-booked']);
  expect((await items()).find(({ name }) => name === 'conflict')).toMatchObject({
    calendar: 'nowak',
    booking: id,
    data: { booking: { id }, occupancy: { ref: 'apt-1' } },
  });
  expect((await fixture.engine.status()).conflicts).toBe(1);

  fixture.sandbox.faults.clear();
  await withTimePassing(clinic, fixture.engine.bookings.link('nowak', id, 'apt-1'));
  expect((await fixture.engine.status()).conflicts).toBe(0);
});

test('an approval is answered from the database, also while a publication is pending', async () => {
  const { fixture } = await hearing('push', { asks: true });
  fixture.sandbox.faults.set([
    { fault: { kind: 'latency', ms: 600_000 }, match: { operation: 'replaceSlots' } },
  ]);
  await fixture.book('apt-1', '10:20', '10:40');
  const visit = (time: string) => ({ start: fixture.at(time), serviceId: 'visit' });
  await expect(fixture.sandbox.bookAsking(addressOf('nowak'), visit('10:20'))).rejects.toMatchObject({
    reason: 'denied',
    errorCode: 1,
  });
  const booked = await fixture.sandbox.bookAsking(addressOf('nowak'), visit('11:00'));
  expect(booked.status).toBe('booked');
});

test('of two requests for one time one is approved', async () => {
  const { fixture } = await hearing('push', { asks: true });
  const visit = { start: fixture.at('11:00'), serviceId: 'visit' };
  const both = await Promise.allSettled([
    fixture.sandbox.bookAsking(addressOf('nowak'), visit),
    fixture.sandbox.bookAsking(addressOf('nowak'), visit),
  ]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(both.find((one) => one.status === 'rejected')).toMatchObject({ reason: { reason: 'denied' } });
});

test('own placeholders and breaks are not notified', async () => {
  const { fixture, items } = await hearing('push');
  await fixture.strategy('book');
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.book('apt-2', '11:10', '11:30');
  await fixture.untilAtRest();
  expect(fixture.sandbox.bookings(addressOf('nowak'))).toHaveLength(1);
  expect(fixture.sandbox.breaks(addressOf('nowak'))).toHaveLength(1);
  await eventually(async () => fixture.sandbox.deliveries.filter(({ status }) => status === 200).length >= 2);
  expect(await items()).toEqual([]);
  expect((await fixture.engine.status()).pending).toBe(0);
});
