// What patients and doctors do in the marketplace, as it comes to the clinic: through a real push, or pulled.
import { describe, expect, test } from '@jest/globals';
import { addressOf } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { API_KEY, ERRANDS_MS, passing, sharedHearing } from './notification-fixture.js';

const open = sharedHearing();

async function hearing(mode: 'push' | 'pull', { asks = false } = {}) {
  const clinic = await open({ notifications: { mode, pullEverySeconds: 1 } });
  const { desk, call, items, timers } = clinic;
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
  desk.sandbox.setEstate(undefined, clients);
  await desk.rest();
  const heard = async (...names: string[]) => {
    await eventually(async () => {
      if (mode === 'pull') await timers.advance(ERRANDS_MS);
      return (await items()).length >= names.length;
    });
    expect((await items()).map(({ name }) => name)).toEqual(names);
  };
  const books = (time: string) =>
    desk.sandbox.book(addressOf('nowak'), { start: desk.at(time), serviceId: 'visit' });
  return { ...clinic, heard, books };
}

describe.each(['push', 'pull'] as const)('by %s', (mode) => {
  test('a booking occupies its time, a cancellation frees it, and the clinic is notified of both', async () => {
    const { desk, heard, busy, books, items } = await hearing(mode);
    const { id } = books('10:20');
    await heard('slot-booked');
    expect(await busy()).toEqual([{ booking: id, start: desk.at('10:20'), end: desk.at('10:40') }]);
    const [item] = await items();
    expect(item).toMatchObject({ account: 'many', calendar: 'nowak', booking: id, ref: null });
    await desk.rest();
    expect(desk.shown()).toEqual(['10:00', '10:40', '11:00', '11:20', '11:40']);

    desk.sandbox.cancel(id);
    await heard('slot-booked', 'booking-canceled');
    await desk.rest();
    expect(await busy()).toEqual([]);
    expect(desk.shown()).toEqual(['10:00', '10:20', '10:40', '11:00', '11:20', '11:40']);
  });

  test('a booking that the patient moves has a new id and time', async () => {
    const { desk, heard, busy, books } = await hearing(mode);
    const { id } = books('10:20');
    // Two pushes under way at once come in either order; order.test.ts has that.
    await heard('slot-booked');
    const moved = desk.sandbox.move(id, { start: desk.at('11:00') });
    await heard('slot-booked', 'booking-moved');
    expect(await busy()).toEqual([{ booking: moved.id, start: desk.at('11:00'), end: desk.at('11:20') }]);
  });

  test("a doctor's break is busy time", async () => {
    const { desk, heard, busy } = await hearing(mode);
    const { id } = desk.sandbox.addBreak(addressOf('nowak'), {
      since: desk.at('11:00'),
      till: desk.at('11:30'),
    });
    await heard('break-created');
    expect(await busy()).toEqual([{ break: id, start: desk.at('11:00'), end: desk.at('11:30') }]);
    desk.sandbox.removeBreak(id);
    await heard('break-created', 'break-removed');
    expect(await busy()).toEqual([]);
  });
});

test('a booking that overlaps an appointment of the clinic is notified as a conflict', async () => {
  const clinic = await hearing('push');
  const { desk, books, items } = clinic;
  desk.sandbox.faults.set([
    { fault: { kind: 'latency', ms: 600_000 }, match: { operation: 'replaceSlots' } },
  ]);
  await desk.book('apt-1', '10:20', '10:40');
  const { id } = books('10:20');
  await eventually(async () => (await items()).length >= 2);
  expect((await items()).map(({ name }) => name).sort()).toEqual(['conflict', 'slot-booked']);
  expect((await items()).find(({ name }) => name === 'conflict')).toMatchObject({
    calendar: 'nowak',
    booking: id,
    data: { booking: { id }, occupancy: { ref: 'apt-1' } },
  });
  expect((await desk.engine.status()).conflicts).toBe(1);

  desk.sandbox.faults.clear();
  await passing(clinic, desk.engine.bookings.link('nowak', id, 'apt-1'));
  expect((await desk.engine.status()).conflicts).toBe(0);
});

test('an approval is answered from the database, also while a publication is pending', async () => {
  const { desk } = await hearing('push', { asks: true });
  desk.sandbox.faults.set([
    { fault: { kind: 'latency', ms: 600_000 }, match: { operation: 'replaceSlots' } },
  ]);
  await desk.book('apt-1', '10:20', '10:40');
  const visit = (time: string) => ({ start: desk.at(time), serviceId: 'visit' });
  await expect(desk.sandbox.bookAsking(addressOf('nowak'), visit('10:20'))).rejects.toMatchObject({
    reason: 'denied',
    errorCode: 1,
  });
  const booked = await desk.sandbox.bookAsking(addressOf('nowak'), visit('11:00'));
  expect(booked.status).toBe('booked');
});

test('of two requests for one time one is approved', async () => {
  const { desk } = await hearing('push', { asks: true });
  const visit = { start: desk.at('11:00'), serviceId: 'visit' };
  const both = await Promise.allSettled([
    desk.sandbox.bookAsking(addressOf('nowak'), visit),
    desk.sandbox.bookAsking(addressOf('nowak'), visit),
  ]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(both.find((one) => one.status === 'rejected')).toMatchObject({ reason: { reason: 'denied' } });
});

test('own placeholders and breaks are not notified', async () => {
  const { desk, items } = await hearing('push');
  await desk.strategy('book');
  await desk.rest();
  await desk.book('apt-1', '10:20', '10:40');
  await desk.book('apt-2', '11:10', '11:30');
  await desk.rest();
  expect(desk.sandbox.bookings(addressOf('nowak'))).toHaveLength(1);
  expect(desk.sandbox.breaks(addressOf('nowak'))).toHaveLength(1);
  await eventually(async () => desk.sandbox.deliveries.filter(({ status }) => status === 200).length >= 2);
  expect(await items()).toEqual([]);
  expect((await desk.engine.status()).pending).toBe(0);
});
