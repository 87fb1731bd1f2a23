// The client against the project's sandbox, over HTTP: slots, bookings, breaks and notifications.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  ConflictError,
  DocplannerClient,
  RateLimitedError,
  type WireSlot,
} from '../../src/docplanner/index.js';
import { Sandbox } from '../../src/sandbox/index.js';
import { address, failure } from './http-marketplace.js';

const at = (time: string) => `2026-11-16T${time}:00+01:00`;
const dayStart = at('00:00');
const dayEnd = '2026-11-17T00:00:00+01:00';
const period = (start: string, end: string): WireSlot => ({
  start: at(start),
  end: at(end),
  address_services: [{ address_service_id: '123', duration: 10 }],
});
const placeholder = { name: 'Placeholder', surname: 'Visitor', phone: '+48000000000' };
const visit = { address_service_id: '123', duration: 10, patient: placeholder };

let sandbox: Sandbox;
let client: DocplannerClient;
beforeEach(async () => {
  sandbox = new Sandbox({
    limits: { writesPerMinute: 12 },
    clients: [{ id: 'client', secret: 'secret', notifications: 'both' }],
    estate: {
      facilities: [
        {
          id: '456',
          doctors: [
            { id: '9876', addresses: [{ id: '789', services: [{ id: '123', name: 'USG' }] }] },
            { id: '1', addresses: [{ id: '2', services: [], editable: false }] },
          ],
        },
      ],
    },
  });
  sandbox.clock.set(Date.parse(at('08:00')), { stopped: true });
  const baseUrl = await sandbox.start({ port: 0 });
  client = new DocplannerClient({
    account: 'warsaw',
    baseUrl,
    clientId: 'client',
    clientSecret: 'secret',
    now: sandbox.clock.now,
    timeoutMs: 60_000,
  });
});
afterEach(async () => {
  await client.close();
  await sandbox.stop();
});

const starts = async () =>
  (await client.getSlots(address, dayStart, dayEnd)).map(({ start }) => start.slice(11, 16));

describe('slots', () => {
  test('of the founding example are published and can be booked by a patient', async () => {
    await client.replaceSlots(address, [period('10:00', '10:30'), period('10:40', '11:00')]);
    await expect(starts()).resolves.toEqual(['10:00', '10:10', '10:20', '10:40', '10:50']);
    const [first] = await client.getSlots(address, dayStart, dayEnd);
    expect(first).toEqual({ start: at('10:00'), services: ['123'] });
    expect(sandbox.requests.filter(({ operation }) => operation === 'replaceSlots')).toMatchObject([
      {
        method: 'PUT',
        path: '/api/v3/integration/facilities/456/doctors/9876/addresses/789/slots',
        status: 201,
      },
    ]);
  });

  test('of a date are cleared', async () => {
    await client.replaceSlots(address, [period('10:00', '10:30')]);
    await client.deleteSlots(address, '2026-11-16');
    await expect(starts()).resolves.toEqual([]);
  });

  test('with an invalid entry name it', async () => {
    const short = { ...period('10:00', '11:00'), end: at('10:00') };
    const error = await failure(client.replaceSlots(address, [period('10:00', '10:30'), short]));
    expect(error).toMatchObject({ name: 'InvalidRequestError', entries: [{ index: 1 }] });
    await expect(starts()).resolves.toEqual([]);
  });

  test('of another facility are forbidden or not found', async () => {
    const closed = { facilityId: '456', doctorId: '1', addressId: '2' };
    const slots = [period('10:00', '10:30')];
    expect(await failure(client.replaceSlots(closed, slots))).toMatchObject({ name: 'ForbiddenError' });
    const gone = { ...address, addressId: '790' };
    expect(await failure(client.replaceSlots(gone, slots))).toMatchObject({ name: 'NotFoundError' });
  });

  test('beyond the rate limit are refused with the delay', async () => {
    for (let minute = 10; minute < 22; minute += 1) {
      await client.replaceSlots(address, [period('10:00', `11:${minute}`)]);
    }
    const error = await failure(client.replaceSlots(address, [period('10:00', '11:30')]));
    expect(error).toMatchObject({ name: 'RateLimitedError', rateLimit: { limit: 12, remaining: 0 } });
    const wait = error instanceof RateLimitedError ? (error.retryAfterMs ?? 0) : 0;
    expect(wait).toBeGreaterThan(0);
    sandbox.clock.advance(wait);
    await client.replaceSlots(address, [period('10:00', '11:30')]);
  });
});

describe('the token', () => {
  test('is renewed before it expires by the clock', async () => {
    await starts();
    sandbox.clock.advance(3_590_000);
    await starts();
    sandbox.clock.advance(3_590_000);
    await starts();
    const answered = sandbox.requests.map(({ operation, status }) => `${operation} ${status}`);
    expect(answered.filter((one) => one === 'token 200')).toHaveLength(3);
    expect(answered).not.toContain('getSlots 401');
  });

  test('that is revoked is renewed after the 401', async () => {
    await client.getAddressServices(address);
    sandbox.revokeTokens();
    await expect(client.getAddressServices(address)).resolves.toMatchObject([{ id: '123', name: 'USG' }]);
    expect(sandbox.requests.map(({ operation, status }) => `${operation} ${status}`)).toEqual([
      'token 200',
      'getAddressServices 200',
      'getAddressServices 401',
      'token 200',
      'getAddressServices 200',
    ]);
  });

  test('is not granted for other credentials', async () => {
    const stranger = new DocplannerClient({
      account: 'warsaw',
      baseUrl: sandbox.url,
      clientId: 'client',
      clientSecret: 'guess',
      timeoutMs: 60_000,
    });
    const error = await failure(stranger.getAddressServices(address));
    expect(error).toMatchObject({
      name: 'TokenUnavailableError',
      cause: { name: 'UnauthorizedError', status: 401 },
    });
    await stranger.close();
  });
});

describe('bookings', () => {
  test('are made, read, moved, confirmed and cancelled', async () => {
    await client.replaceSlots(address, [period('10:00', '11:00')]);
    const booked = await client.bookSlot(address, at('10:30'), visit);
    expect(booked).toMatchObject({
      status: 'booked',
      start_at: at('10:30'),
      end_at: at('10:40'),
      duration: 10,
    });
    await expect(starts()).resolves.not.toContain('10:30');

    const listed = await client.getBookings(address, dayStart, dayEnd);
    expect(listed).toMatchObject([{ id: booked.id, address_service: { id: '123' } }]);
    expect(listed[0]?.patient).toBeUndefined();
    const [known] = await client.getBookings(address, dayStart, dayEnd, ['patient']);
    expect(known?.patient).toMatchObject(placeholder);

    const moved = await client.moveBooking(address, booked.id, {
      address_service_id: '123',
      start: at('10:50'),
    });
    expect(moved).toMatchObject({ start_at: at('10:50') });
    expect(moved.id).not.toBe(booked.id);
    const again = client.moveBooking(address, booked.id, { address_service_id: '123', start: at('10:00') });
    expect(await failure(again)).toBeInstanceOf(ConflictError);

    await client.confirmBooking(address, moved.id, 'admin');
    expect(await failure(client.confirmBooking(address, moved.id, 'admin'))).toBeInstanceOf(ConflictError);
    await client.cancelBooking(address, moved.id, 'the doctor is ill');
    await expect(client.getBooking(address, moved.id)).resolves.toMatchObject({ canceled_by: 'integration' });
    await expect(starts()).resolves.toHaveLength(6);
  });

  test('of a start that is not offered find nothing', async () => {
    expect(await failure(client.bookSlot(address, at('10:30'), visit))).toMatchObject({
      name: 'NotFoundError',
    });
    expect(await failure(client.getBooking(address, '1'))).toMatchObject({ name: 'NotFoundError' });
  });

  test('are moved by the founding path too', async () => {
    const founding = new DocplannerClient({
      account: 'warsaw',
      baseUrl: sandbox.url,
      clientId: 'client',
      clientSecret: 'secret',
      now: sandbox.clock.now,
      timeoutMs: 60_000,
      foundingMovePath: true,
    });
    await founding.replaceSlots(address, [period('10:00', '11:00')]);
    const { id } = await founding.bookSlot(address, at('10:00'), visit);
    const moved = await founding.moveBooking(address, id, { address_service_id: '123', start: at('10:20') });
    expect(moved).toMatchObject({ start_at: at('10:20') });
    await founding.close();
  });
});

describe('breaks', () => {
  test('are added, moved, listed and deleted, and remove starts', async () => {
    await client.replaceSlots(address, [period('10:00', '11:00')]);
    const range = { since: at('10:00'), till: at('10:30') };
    const made = await client.addCalendarBreak(address, { ...range, description: 'meeting' });
    expect(made).toMatchObject({ ...range, description: 'meeting' });
    await expect(starts()).resolves.toEqual(['10:30', '10:40', '10:50']);
    const twice = client.addCalendarBreak(address, { ...range, description: 'meeting' });
    expect(await failure(twice)).toBeInstanceOf(ConflictError);

    await client.moveCalendarBreak(address, made.id, { since: at('10:30'), till: at('11:00') });
    await expect(client.getCalendarBreaks(address, dayStart, dayEnd)).resolves.toMatchObject([
      { id: made.id, since: at('10:30'), till: at('11:00') },
    ]);
    await client.deleteCalendarBreak(address, made.id);
    expect(await failure(client.deleteCalendarBreak(address, made.id))).toMatchObject({
      name: 'NotFoundError',
    });
    const backwards = client.addCalendarBreak(address, { since: at('11:00'), till: at('10:00') });
    expect(await failure(backwards)).toMatchObject({ name: 'UnprocessableError' });
  });
});

describe('a calendar', () => {
  test('is disabled and enabled once', async () => {
    await expect(client.getCalendar(address)).resolves.toEqual({ status: 'enabled' });
    await client.disableCalendar(address);
    expect(await failure(client.disableCalendar(address))).toBeInstanceOf(ConflictError);
    await expect(client.getCalendar(address)).resolves.toEqual({ status: 'disabled' });
    await client.enableCalendar(address);
  });
});

describe('notifications', () => {
  test("echo the integration's changes, each once, in order", async () => {
    await client.replaceSlots(address, [period('10:00', '11:00')]);
    const { id } = await client.bookSlot(address, at('10:00'), visit);
    await client.cancelBooking(address, id);
    const { notifications, remaining } = await client.pullNotifications(1);
    expect(notifications).toMatchObject([
      {
        name: 'slot-booked',
        data: { address: { id: '789' }, visit_booking: { id, booked_by: 'integration' } },
      },
    ]);
    expect(remaining).toBe(1);
    await expect(client.pullNotifications(100)).resolves.toMatchObject({
      notifications: [{ name: 'booking-canceled', data: { visit_booking: { id, status: 'canceled' } } }],
      remaining: 0,
    });
    await expect(client.pullNotifications(100)).resolves.toEqual({ notifications: [], remaining: 0 });
  });
});

describe('changes by people in the marketplace', () => {
  test('are typed notifications', async () => {
    await client.replaceSlots(address, [period('10:00', '11:00')]);
    const { id } = sandbox.book(address, { start: at('10:20'), serviceId: '123' });
    sandbox.move(id, { start: at('10:40') });
    const { id: breakId } = sandbox.addBreak(address, { since: at('12:00'), till: at('13:00') });
    sandbox.removeBreak(breakId);
    const { notifications } = await client.pullNotifications(100);
    const told = notifications.flatMap((one) => {
      switch (one.name) {
        case 'slot-booked':
          return [one.data.visit_booking.start_at, one.data.visit_booking.booked_by];
        case 'booking-moved':
          return [one.data.old_visit_booking.start_at, one.data.new_visit_booking.start_at];
        case 'break-created':
          return [one.name, one.data.break.since, one.data.break.till];
        default:
          return [one.name];
      }
    });
    expect(told).toEqual([
      ...[at('10:20'), 'user'],
      ...[at('10:20'), at('10:40')],
      ...['break-created', at('12:00'), at('13:00')],
      'break-removed',
    ]);
  });

  test('are sent again on request, once an hour', async () => {
    await client.release();
    const error = await failure(client.release());
    expect(error).toMatchObject({ name: 'RateLimitedError', retryAfterMs: 3_600_000 });
  });
});

describe('faults', () => {
  test('are the errors that a reconciler branches on', async () => {
    await starts();
    const slots = [period('10:00', '11:00')];
    const only = { match: { operation: 'replaceSlots' }, times: 1 } as const;
    sandbox.faults.set([
      { ...only, fault: { kind: 'status', status: 503, applied: true } },
      { ...only, fault: { kind: 'too-many', retryAfter: 7 } },
      { ...only, fault: { kind: 'firewall', status: 405 } },
      { ...only, fault: { kind: 'cut', when: 'before' } },
    ]);
    const errors: unknown[] = [];
    for (let n = 0; n < 4; n += 1) errors.push(await failure(client.replaceSlots(address, slots)));
    expect(errors).toMatchObject([
      { name: 'ServerError', mayHaveApplied: true },
      { name: 'RateLimitedError', retryAfterMs: 7_000, mayHaveApplied: false },
      { name: 'FirewallError', mayHaveApplied: false },
      { name: 'ConnectionError', reason: 'reset', mayHaveApplied: true },
    ]);
    sandbox.faults.clear();
    await client.replaceSlots(address, slots);
  });
});
