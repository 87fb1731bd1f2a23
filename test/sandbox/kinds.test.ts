import { describe, expect, test } from '@jest/globals';
import got, { type Method } from 'got';
import { notificationNames, parseNotification } from '../../src/docplanner/index.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import { A, ADDRESS, partner, patientTimes, period, startSandbox } from './helper.js';
import { ended, pushed, startReceiver } from './receiver.js';

const at = (time: string) => `2026-11-16T${time}:00+01:00`;
const visit = (time: string) => ({ start: at(time), serviceId: '123' });
const NAMES = { facility: '456', doctor: '9876', address: '789' };
const estate = {
  facilities: [
    {
      id: '456',
      doctors: [
        {
          id: '9876',
          addresses: [
            { id: '789', street: 'Long Street', services: [{ id: '123', name: 'USG', price: 50 }] },
          ],
        },
        { id: '1', addresses: [{ id: '790', paymentAccount: 'other', services: [{ id: '9' }] }] },
      ],
    },
  ],
};

async function open() {
  const receiver = await startReceiver();
  const sandbox = await startSandbox({
    estate,
    clients: pushed(receiver, {}, { asks: true }),
  });
  const send = await partner(sandbox);
  await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
  return { receiver, sandbox, send };
}

const act = async (sandbox: Sandbox, method: Method, path: string, json: object) => {
  const options = { method, json, throwHttpErrors: false, retry: { limit: 0 } };
  const { statusCode: status, body } = await got(`${sandbox.url}/_sandbox${path}`, options);
  return { status, body: JSON.parse(body) };
};

test("all 17 kinds can be produced, in formats that the contract's parser reads", async () => {
  const { receiver, sandbox } = await open();
  const first = await sandbox.bookAsking(ADDRESS, visit('10:00'));
  const { id } = await sandbox.moveAsking(first.id, { start: at('10:10') });
  sandbox.confirm(id);
  sandbox.setPayment(id, 'paid');
  sandbox.markPresence(id, 'absent');
  sandbox.cancel(id);
  const made = sandbox.addBreak(ADDRESS, { since: at('12:00'), till: at('13:00') });
  sandbox.moveBreak(made.id, { since: at('12:00'), till: at('12:30') });
  sandbox.removeBreak(made.id);
  sandbox.setServices(ADDRESS, [{ id: '123', name: 'USG', price: 60 }, { id: '124' }]);
  sandbox.setServices(ADDRESS, [{ id: '124' }]);
  sandbox.setCommercialType(ADDRESS, 'basic');
  sandbox.unassignAddress(ADDRESS);
  sandbox.assignAddress(ADDRESS);
  await ended(sandbox, 17);
  const read = receiver.received.map(({ body }) => parseNotification(body));
  expect(read.map(({ name }) => name).sort()).toEqual([...notificationNames].sort());
});

describe('a visit', () => {
  test('records whether the patient came', async () => {
    const { receiver, sandbox } = await open();
    const { id } = sandbox.book(ADDRESS, visit('10:00'));
    expect(sandbox.markPresence(id, 'present')).toMatchObject({ id, presence: 'present' });
    await ended(sandbox, 2);
    expect(receiver.received[1]?.body).toMatchObject({
      name: 'presence-marked',
      data: { visit_booking: { id }, presence: 'PRESENT' },
    });
    sandbox.cancel(id);
    expect(() => sandbox.markPresence(id, 'absent')).toThrow('over');
    expect(() => sandbox.markPresence('nobody', 'absent')).toThrow('unknown');
  });

  test('that is paid cannot be moved by the clinic to another payment account until it is refunded', async () => {
    const { receiver, sandbox, send } = await open();
    const { id } = sandbox.book(ADDRESS, visit('10:00'));
    sandbox.setPayment(id, 'paid');
    const there = '/facilities/456/doctors/1/addresses/790/slots';
    await send('PUT', there, { slots: [period('10:00', '11:00', [['9', 10]])] });
    const move = { address_service_id: '9', start: at('10:30'), address_id: '790' };
    expect((await send('POST', `${A}/bookings/${id}/move`, move)).status).toBe(422);
    sandbox.setPayment(id, 'refunded');
    expect((await send('POST', `${A}/bookings/${id}/move`, move)).status).toBe(201);
    await ended(sandbox, 4);
    expect(receiver.received[1]?.body).toMatchObject({
      name: 'booking-payment-status-changed',
      data: {
        visit_booking: { id },
        visit_payment_status: { status_from: 'not-paid', status_to: 'paid', changed_at: at('08:00') },
      },
    });
    expect(() => sandbox.setPayment(id, 'not-paid')).toThrow('over');
  });

  test('that is paid is moved by the clinic within its payment account', async () => {
    const { sandbox, send } = await open();
    const { id } = sandbox.book(ADDRESS, { ...visit('10:00'), paid: true });
    const move = { address_service_id: '123', start: at('10:30') };
    expect((await send('POST', `${A}/bookings/${id}/move`, move)).status).toBe(201);
  });
});

const SERVICE = {
  price: null,
  is_price_from: false,
  is_visible: true,
  is_default: false,
  service_id: null,
  description: null,
};

describe('an address', () => {
  test('whose services change notifies each difference and loses the starts of removed services', async () => {
    const { receiver, sandbox, send } = await open();
    const services = [{ id: '124', name: 'New' }, { id: '125' }];
    expect(sandbox.setServices(ADDRESS, [{ id: '123', name: 'USG', price: 50 }])).toEqual({
      created: [],
      changed: [],
      deleted: [],
    });
    expect(sandbox.setServices(ADDRESS, services)).toEqual({
      created: ['124', '125'],
      changed: [],
      deleted: ['123'],
    });
    await ended(sandbox, 3);
    expect(receiver.received.map(({ body }) => [body.name, body.data.address_service])).toEqual([
      ['address-service-deleted', { ...SERVICE, id: '123', name: 'USG', price: 50 }],
      ['address-service-created', { ...SERVICE, id: '124', name: 'New' }],
      ['address-service-created', { ...SERVICE, id: '125', name: 'Service 125' }],
    ]);
    expect(patientTimes(sandbox)).toEqual([]);
    expect((await send('PUT', `${A}/slots`, { slots: [period('14:00', '15:00')] })).status).toBe(400);
    expect((await send('GET', `${A}/services`)).body._items).toHaveLength(2);
  });

  test('has its changes even when they are not notified', async () => {
    const { receiver, sandbox, send } = await open();
    sandbox.setServices(ADDRESS, [{ id: '124' }], { told: false });
    expect((await send('GET', `${A}/services`)).body._items).toMatchObject([{ id: '124' }]);
    sandbox.unassignAddress(ADDRESS, { told: false });
    expect((await send('GET', `${A}/calendar`)).status).toBe(403);
    sandbox.assignAddress(ADDRESS, { told: false });
    sandbox.setServices(ADDRESS, [{ id: '125' }, { id: '124' }]);
    await ended(sandbox, 1);
    expect(receiver.names).toEqual(['address-service-created']);
  });

  test('that is not commercial anymore refuses slots', async () => {
    const { receiver, sandbox, send } = await open();
    sandbox.setCommercialType(ADDRESS, 'basic');
    await ended(sandbox, 1);
    expect(receiver.received[0]?.body).toMatchObject({
      name: 'address-commercial-type-changed',
      data: { address: { id: '789', street: 'Long Street', commercial_type: 'basic' } },
    });
    expect((await send('PUT', `${A}/slots`, { slots: [period('12:00', '13:00')] })).status).toBe(422);
    expect(() => sandbox.setCommercialType(ADDRESS, 'basic')).toThrow('same');
  });

  test('that is unassigned is 403 and sends no notifications until it is assigned again', async () => {
    const { receiver, sandbox, send } = await open();
    sandbox.unassignAddress(ADDRESS);
    sandbox.addBreak(ADDRESS, { since: at('12:00'), till: at('13:00') });
    expect((await send('GET', `${A}/calendar`)).status).toBe(403);
    expect((await send('GET', '/facilities/456/doctors/9876/addresses')).body._items).toEqual([]);
    expect(() => sandbox.unassignAddress(ADDRESS)).toThrow('same');
    sandbox.assignAddress(ADDRESS);
    expect((await send('GET', `${A}/calendar`)).status).toBe(200);
    await ended(sandbox, 2);
    expect(receiver.received.map(({ body }) => [body.name, body.data.address.commercial_type])).toEqual([
      ['address-unassigned', 'premium'],
      ['address-assigned', 'premium'],
    ]);
  });

  test('that does not exist cannot change', async () => {
    const { sandbox } = await open();
    expect(() => sandbox.setServices({ ...ADDRESS, addressId: '1' }, [])).toThrow('does not exist');
  });
});

test('the same kinds can be produced by the controls over HTTP', async () => {
  const { receiver, sandbox } = await open();
  const { id } = sandbox.book(ADDRESS, visit('10:00'));
  const presence = await act(sandbox, 'POST', `/bookings/${id}/presence`, { presence: 'present' });
  expect(presence).toMatchObject({ status: 200, body: { presence: 'present' } });
  const payment = await act(sandbox, 'POST', `/bookings/${id}/payment`, { status: 'paid' });
  expect(payment).toMatchObject({ status: 200, body: { id } });
  const services = await act(sandbox, 'PUT', '/address/services', { ...NAMES, services: [{ id: '124' }] });
  expect(services).toEqual({ status: 200, body: { created: ['124'], changed: [], deleted: ['123'] } });
  const quietly = { ...NAMES, told: false };
  const [added, less] = [[{ id: '124' }, { id: '125' }], [{ id: '124' }]];
  expect((await act(sandbox, 'PUT', '/address/services', { ...quietly, services: added })).status).toBe(200);
  expect((await act(sandbox, 'PUT', '/address/services', { ...quietly, services: less })).status).toBe(200);
  expect((await act(sandbox, 'POST', '/address/unassign', quietly)).status).toBe(200);
  expect((await act(sandbox, 'POST', '/address/assign', quietly)).status).toBe(200);
  expect((await act(sandbox, 'PUT', '/address/cutting', { ...NAMES, cutting: 'divisor' })).status).toBe(200);
  expect((await act(sandbox, 'PUT', '/address/cutting', { ...NAMES, cutting: 'thirds' })).status).toBe(400);
  expect((await act(sandbox, 'PUT', '/reading', { lagMs: 5_000 })).status).toBe(200);
  expect(await act(sandbox, 'PUT', '/reading', { lagMs: -1 })).toMatchObject({
    status: 400,
    body: { path: 'lagMs' },
  });
  const type = { ...NAMES, type: 'non-commercial' };
  expect((await act(sandbox, 'PUT', '/address/commercial-type', type)).status).toBe(200);
  expect((await act(sandbox, 'PUT', '/address/commercial-type', type)).status).toBe(409);
  expect((await act(sandbox, 'POST', '/address/unassign', NAMES)).status).toBe(200);
  expect((await act(sandbox, 'POST', '/address/assign', NAMES)).status).toBe(200);
  expect(await act(sandbox, 'POST', `/bookings/${id}/presence`, { presence: 'late' })).toMatchObject({
    status: 400,
    body: { path: 'presence' },
  });
  await ended(sandbox, 8);
  expect(receiver.names).toEqual([
    'slot-booked',
    'presence-marked',
    'booking-payment-status-changed',
    'address-service-deleted',
    'address-service-created',
    'address-commercial-type-changed',
    'address-unassigned',
    'address-assigned',
  ]);
});
