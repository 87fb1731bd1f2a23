import { describe, expect, test } from '@jest/globals';
import { type SandboxOptions, SandboxRefusedError } from '../../src/sandbox/index.js';
import {
  A,
  ADDRESS,
  DAY,
  MORNING,
  type Partner,
  partner,
  patientTimes,
  period,
  startSandbox,
} from './helper.js';

const at = (time: string) => `2026-11-16T${time}:00+01:00`;
const bookPath = (time: string) => `${A}/slots/${encodeURIComponent(at(time))}/book`;
const BODY = {
  address_service_id: '123',
  duration: 10,
  patient: { name: 'Clinic', surname: 'Placeholder', phone: '+48000000000' },
};
const bookingsPath = (more = '') =>
  `${A}/bookings?start=${encodeURIComponent(DAY[0])}&end=${encodeURIComponent(DAY[1])}${more}`;

async function published(options: SandboxOptions = {}) {
  const sandbox = await startSandbox(options);
  const send = await partner(sandbox);
  await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
  return { sandbox, send };
}

const idOf = async (send: Partner, time: string): Promise<string> =>
  (await send('POST', bookPath(time), BODY)).body.id;

describe('bookSlot', () => {
  test('removes the start and returns the booking', async () => {
    const { sandbox, send } = await published();
    const answer = await send('POST', bookPath('10:30'), BODY);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      id: expect.any(String),
      status: 'booked',
      start_at: at('10:30'),
      end_at: at('10:40'),
      duration: 10,
      booked_by: 'integration',
      canceled_by: '',
      booked_at: at('08:00'),
      canceled_at: null,
      comment: null,
      insurance: null,
      presence: null,
      address_service: expect.objectContaining({ id: '123', name: 'Service 123', price: null }),
      patient: {
        ...BODY.patient,
        email: null,
        birth_date: null,
        nin: null,
        gender: null,
        is_returning: false,
        insurance_number: null,
      },
    });
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:20', '10:40', '10:50']);
  });

  test('is 404 when the start or service is not free, or the booking does not fit', async () => {
    const { send } = await published();
    await send('POST', bookPath('10:30'), BODY);
    expect((await send('POST', bookPath('10:30'), BODY)).status).toBe(404);
    expect((await send('POST', bookPath('10:05'), BODY)).status).toBe(404);
    expect((await send('POST', bookPath('10:00'), { ...BODY, address_service_id: '9' })).status).toBe(404);
    expect((await send('POST', bookPath('10:20'), { ...BODY, duration: 20 })).status).toBe(404);
    expect((await send('POST', bookPath('10:50'), { ...BODY, duration: '20' })).status).toBe(404);
    expect((await send('POST', bookPath('10:00'), { ...BODY, duration: '20' })).body.duration).toBe(20);
  });

  test('requires address_service_id, duration, and in patient name and phone', async () => {
    const { send } = await published();
    const without = async (missing: object) =>
      (await send('POST', bookPath('10:00'), { ...BODY, ...missing })).body.message;
    expect(await without({ address_service_id: undefined })).toMatch(/^address_service_id: /);
    expect(await without({ duration: undefined })).toMatch(/^duration: /);
    expect(await without({ patient: { phone: '1' } })).toMatch(/^patient.name: /);
    expect(await without({ patient: { name: 'Clinic' } })).toMatch(/^patient.phone: /);
    expect((await send('POST', `${A}/slots/tomorrow/book`, BODY)).status).toBe(400);
  });

  test('retains bookings, which occupy their time, when the slots change', async () => {
    const { sandbox, send } = await published();
    await idOf(send, '10:30');
    await send('DELETE', `${A}/slots/2026-11-16`);
    await send('PUT', `${A}/slots`, { slots: [period('10:15', '10:55', [['123', 20]])] });
    expect(patientTimes(sandbox)).toEqual([]);
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00', [['123', 20]])] });
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:40']);
    expect((await send('GET', bookingsPath())).body._items).toHaveLength(1);
  });
});

describe('getBookings', () => {
  test('returns all bookings without page, and pages with totals with it', async () => {
    const { sandbox, send } = await published();
    for (const _ of Array(101)) {
      const { id } = sandbox.book(ADDRESS, { start: at('10:00'), serviceId: '123' });
      sandbox.cancel(id);
    }
    const all = (await send('GET', bookingsPath('&limit=10'))).body;
    expect(all._items).toHaveLength(101);
    expect(Object.keys(all)).toEqual(['_items']);
    const { _items, ...totals } = (await send('GET', bookingsPath('&page=2'))).body;
    expect(_items).toHaveLength(1);
    expect(totals).toEqual({ page: 2, limit: 100, pages: 2, total: 101 });
  });

  test('is paged, and has patient and service only with their scopes', async () => {
    const { send } = await published();
    const first = await idOf(send, '10:10');
    const second = await idOf(send, '10:00');
    const all = (await send('GET', bookingsPath())).body._items;
    expect(all.map(({ id }: { id: string }) => id)).toEqual([second, first]);
    expect(all[0]).not.toHaveProperty('patient');
    const page = (
      await send('GET', bookingsPath('&page=2&limit=1&with=booking.patient,booking.address_service'))
    ).body._items;
    expect(page).toMatchObject([{ id: first, patient: { name: 'Clinic' }, address_service: { id: '123' } }]);
    expect((await send('GET', bookingsPath('&page=3&limit=1'))).body).toEqual({
      _items: [],
      page: 3,
      limit: 1,
      pages: 2,
      total: 2,
    });
    expect((await send('GET', bookingsPath('&limit=101'))).status).toBe(400);
    expect(await send('GET', `${A}/bookings/${first}`)).toMatchObject({ status: 200, body: { id: first } });
    expect((await send('GET', `${A}/bookings/nobody`)).status).toBe(404);
  });
});

describe('cancelBooking', () => {
  test('frees the time once and retains the booking as canceled', async () => {
    const { sandbox, send } = await published();
    const id = await idOf(send, '10:30');
    expect((await send('DELETE', `${A}/bookings/${id}`, { reason: 'the doctor is ill' })).status).toBe(204);
    expect(patientTimes(sandbox)).toHaveLength(6);
    expect((await send('GET', `${A}/bookings/${id}`)).body).toMatchObject({
      status: 'canceled',
      canceled_by: 'integration',
      canceled_at: at('08:00'),
    });
    expect(await send('DELETE', `${A}/bookings/${id}`)).toMatchObject({
      status: 400,
      body: { errors: [], message: expect.stringContaining('cannot be canceled because it is not booked') },
    });
    expect((await send('DELETE', `${A}/bookings/nobody`)).status).toBe(404);
  });
});

describe('moveBooking', () => {
  test.each(['/move', ''])(
    'returns the new booking with a new id, at the path ending in "%s"',
    async (ending) => {
      const { sandbox, send } = await published();
      const id = await idOf(send, '10:30');
      const answer = await send('POST', `${A}/bookings/${id}${ending}`, {
        address_service_id: '123',
        start: at('10:50'),
      });
      expect(answer).toMatchObject({
        status: 201,
        body: { status: 'booked', start_at: at('10:50'), patient: { name: 'Clinic' } },
      });
      expect(answer.body.id).not.toBe(id);
      expect(answer.headers.location).toBe(`/api/v3/integration${A}/bookings/${answer.body.id}`);
      expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:20', '10:30', '10:40']);
      expect(
        (await send('POST', `${A}/bookings/${id}/move`, { address_service_id: '123', start: at('10:00') }))
          .status,
      ).toBe(409);
    },
  );

  test('is 404 for an unknown booking, 400 without a free time, 409 after a cancellation', async () => {
    const { send } = await published();
    const move = (id: string, start: string) =>
      send('POST', `${A}/bookings/${id}/move`, { address_service_id: '123', start });
    const [one, other] = [await idOf(send, '10:30'), await idOf(send, '10:40')];
    expect((await move('nobody', at('10:00'))).status).toBe(404);
    expect(await move(one, at('10:40'))).toMatchObject({
      status: 400,
      body: { errors: [], message: expect.stringMatching(/^start: /) },
    });
    await send('DELETE', `${A}/bookings/${other}`);
    expect((await move(other, at('10:00'))).status).toBe(409);
  });

  test('can move into its own time, and only to an address of the same facility', async () => {
    const { sandbox, send } = await published();
    await send('PUT', '/facilities/456/doctors/1/addresses/2/slots', { slots: [period('12:00', '12:10')] });
    const id = await idOf(send, '10:30');
    const longer = { address_service_id: '123', start: at('10:30'), duration: 20 };
    const moved = (await send('POST', `${A}/bookings/${id}/move`, longer)).body;
    expect(moved.end_at).toBe(at('10:50'));
    const away = { address_service_id: '123', start: at('12:00'), duration: 10, address_id: '2' };
    await send('GET', '/facilities/457/doctors/1/addresses/3');
    const move = (to: object) => send('POST', `${A}/bookings/${moved.id}/move`, { ...away, ...to });
    expect((await move({ address_id: '3' })).status).toBe(403);
    expect((await move({ address_id: '99' })).status).toBe(400);
    expect((await move({})).headers.location).toContain('/doctors/1/addresses/2/');
    expect(patientTimes(sandbox)).toHaveLength(6);
  });

  test('cancels the old booking; `with=booking.moving` returns the first and the newest id', async () => {
    const { sandbox, send } = await published();
    const first = await idOf(send, '10:30');
    const moving = async (id: string) =>
      (await send('GET', `${A}/bookings/${id}?with=booking.moving`)).body.moving;
    expect(await moving(first)).toEqual({ origin_booking_id: first, newest_booking_id: first });
    const second = sandbox.move(first, { start: at('10:00') }).id;
    const newest = sandbox.move(second, { start: at('10:10') }).id;
    for (const id of [first, second, newest]) {
      expect(await moving(id)).toEqual({ origin_booking_id: first, newest_booking_id: newest });
    }
    const old = (await send('GET', `${A}/bookings/${first}`)).body;
    expect(old).toMatchObject({ status: 'canceled', canceled_by: 'user', canceled_at: at('08:00') });
    expect(old).not.toHaveProperty('moving');
  });

  test('has no moves for a booking made before 2025-04-02', async () => {
    const before = Date.parse('2025-04-01T08:00:00+02:00');
    const sandbox = await startSandbox({ now: () => before });
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00', [['123', 10]], '2025-04-01')] });
    const { id } = sandbox.book(ADDRESS, { start: '2025-04-01T11:00:00+02:00', serviceId: '123' });
    expect((await send('GET', `${A}/bookings/${id}?with=booking.moving`)).body.moving).toBeNull();
  });
});

describe('confirmBooking', () => {
  test('is 204 once, then 409, and 409 after the visit has begun', async () => {
    const { sandbox, send } = await published({ tokenSeconds: 86_400 });
    const id = await idOf(send, '10:30');
    const confirm = (booking: string, body: object) => send('PUT', `${A}/bookings/${booking}/confirm`, body);
    expect((await confirm(id, {})).status).toBe(400);
    expect((await confirm(id, { confirmed_by: 'doctor' })).status).toBe(400);
    expect((await confirm(id, { confirmed_by: 'user' })).status).toBe(204);
    expect((await confirm(id, { confirmed_by: 'admin' })).status).toBe(409);
    expect((await confirm('nobody', { confirmed_by: 'user' })).status).toBe(404);
    const other = await idOf(send, '10:00');
    sandbox.clock.advance(3 * 3_600_000);
    expect((await confirm(other, { confirmed_by: 'user' })).status).toBe(409);
  });
});

describe('a patient', () => {
  test('books a free start, moves and cancels; the integration is notified of each in order', async () => {
    const { sandbox, send } = await published();
    const booked = sandbox.book(ADDRESS, { start: at('10:00'), serviceId: '123' });
    const moved = sandbox.move(booked.id, { start: at('10:20') });
    sandbox.cancel(moved.id, { reason: 'changed plans' });
    expect(patientTimes(sandbox)).toHaveLength(6);
    const first = await send('GET', '/notifications');
    expect(first).toMatchObject({
      status: 200,
      body: {
        name: 'slot-booked',
        data: {
          facility: { id: '456' },
          doctor: { id: '9876' },
          address: { id: '789' },
          visit_booking: {
            id: booked.id,
            booked_by: 'user',
            start_at: at('10:00'),
            patient: { name: 'Sandbox' },
          },
        },
        created_at: at('08:00'),
      },
    });
    const { notifications, remaining } = (await send('GET', '/notifications/multiple?limit=1')).body;
    expect(remaining).toBe(1);
    expect(notifications).toMatchObject([
      {
        name: 'booking-moved',
        data: {
          old_visit_booking: { id: booked.id, status: 'canceled' },
          new_visit_booking: { id: moved.id },
        },
      },
    ]);
    expect((await send('GET', '/notifications/multiple')).body).toMatchObject({
      notifications: [
        { name: 'booking-canceled', data: { visit_booking: { id: moved.id, canceled_by: 'user' } } },
      ],
      remaining: 0,
    });
    expect((await send('GET', '/notifications/multiple')).status).toBe(404);
    expect((await send('GET', '/notifications')).status).toBe(404);
  });

  test('cannot book a start that is occupied, past, or not for the service', async () => {
    const { sandbox } = await published();
    sandbox.book(ADDRESS, { start: at('10:00'), serviceId: '123' });
    expect(() => sandbox.book(ADDRESS, { start: at('10:00'), serviceId: '123' })).toThrow(
      SandboxRefusedError,
    );
    expect(() => sandbox.book(ADDRESS, { start: at('10:10'), serviceId: '9' })).toThrow('no-slot');
    sandbox.clock.advance(3 * 3_600_000);
    expect(() => sandbox.book(ADDRESS, { start: at('10:10'), serviceId: '123' })).toThrow('no-slot');
  });
});

describe('notifications', () => {
  test("echo the integration's own changes, unless echoes are off", async () => {
    const { send } = await published();
    await idOf(send, '10:00');
    expect((await send('GET', '/notifications')).body).toMatchObject({
      data: { visit_booking: { booked_by: 'integration' } },
    });
    const quiet = await startSandbox({ echoes: false });
    const other = await partner(quiet);
    await other('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
    await idOf(other, '10:00');
    expect((await other('GET', '/notifications')).status).toBe(404);
  });

  test('expire when they are not pulled within 72 hours', async () => {
    let now = MORNING;
    const sandbox = await startSandbox({ now: () => now, tokenSeconds: 604_800 });
    const send = await partner(sandbox);
    await send('GET', `${A}/calendar`);
    sandbox.addBreak(ADDRESS, { since: at('12:00'), till: at('13:00') });
    now += 72 * 3_600_000;
    expect((await send('GET', '/notifications')).status).toBe(404);
  });

  test('of a facility are delivered to the clients with access to it', async () => {
    const clients = [
      { id: 'clinic', secret: 's3cret', facilities: ['456'] },
      { id: 'stranger', secret: 's3cret', facilities: ['457'] },
    ];
    const sandbox = await startSandbox({ clients });
    sandbox.addBreak(ADDRESS, { since: at('12:00'), till: at('13:00') });
    expect((await (await partner(sandbox, 'stranger'))('GET', '/notifications')).status).toBe(404);
    expect((await (await partner(sandbox, 'clinic'))('GET', '/notifications')).status).toBe(200);
  });
});
