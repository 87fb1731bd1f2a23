// Every operation of the official document, and every notification, in the shapes that it gives them.
import { expect, test } from '@jest/globals';
import { ADDRESS, DAY, partner, period, startSandbox } from './helper.js';
import { checked, hold, notifications, operations } from './official-shapes.js';
import { ended, pushed, startReceiver } from './receiver.js';

const F = '/facilities/456';
const D = `${F}/doctors/9876`;
const A = `${D}/addresses/789`;
const at = (time: string) => `2026-11-16T${time}:00+01:00`;
const query = (start: string, end: string) =>
  `?${start}=${encodeURIComponent(DAY[0])}&${end}=${encodeURIComponent(DAY[1])}`;
const SCOPES = [
  'address.online_only',
  'address.visit_payment',
  'address.commercial_type',
  'address.insurance_support',
  'address.booking_extra_fields',
  'doctor.addresses',
  'doctor.specializations',
  'doctor.license_numbers',
  'doctor.profile_url',
  'facility.doctors',
  'booking.patient',
  'booking.address_service',
  'booking.presence',
  'booking.confirmation',
  'booking.moving',
  'address_service.allowed_patients',
  'address_service.custom_name',
  'address_service.public_insurance_flow',
  'slot.services',
].join(',');

const services = [
  {
    id: '123',
    name: 'USG',
    price: 50.9,
    serviceId: '3',
    isDefault: true,
    duration: 10,
    allowedPatients: { minimum_age: 18 },
  },
  { id: '124' },
];
const doctor = {
  id: '9876',
  specializations: [{ id: '12' }],
  licenseNumbers: ['PL-1'],
  addresses: [{ id: '789', postCode: '00-001', cityName: 'Warszawa', street: 'Long Street', services }],
};
const other = { id: '1', addresses: [{ id: '2', services: [{ id: '9' }] }] };
const estate = { facilities: [{ id: '456', doctors: [doctor, other] }] };

const PATIENT = { name: 'Clinic', phone: '+48000000000', email: null, birth_date: '1985-01-01', gender: 'f' };

test('every operation answers in its official shape, and refuses in the shape of errors', async () => {
  const receiver = await startReceiver();
  const clients = pushed(receiver, {}, { notifications: 'both', removesIntegrations: true });
  const sandbox = await startSandbox({ estate, clients, limits: { writesPerMinute: null } });
  const { send, succeeded } = checked(await partner(sandbox));
  const get = (path: string) => send('GET', path);

  for (const path of [
    '/facilities',
    F,
    `${F}/doctors`,
    D,
    `${D}/addresses`,
    A,
    `${A}/services`,
    `${A}/services/123`,
  ]) {
    await get(path);
    await get(`${path}?with=${SCOPES}`);
  }
  expect((await get(`${D}?with=doctor.addresses`)).body.addresses._items).toMatchObject([{ id: '789' }]);
  expect((await send('PATCH', A, { insurance_support: 'insurance' })).body.insurance_support).toBe(
    'insurance',
  );
  await send('PATCH', A, { insurance_support: 'sometimes' });

  await send('PUT', `${A}/slots`, { slots: [period('08:00', '12:00')] });
  await send('PUT', `${A}/slots`, { slots: [period('08:00', '08:00')] });
  await send('PUT', `${A}/slots`, { slots: [period('08:00', '09:00', [['999', 10]])] });
  await get(`${A}/slots${query('start', 'end')}`);
  const shown = await get(`${A}/slots${query('start', 'end')}&with=slot.services`);
  expect(shown.body._items[0].address_services._items).toMatchObject([{ id: '123', price: 50 }]);
  const offered = await get(`${A}/services?start=${encodeURIComponent(at('10:00'))}`);
  expect(offered.body._items).toMatchObject([{ id: '123', duration: 10 }]);

  const book = (time: string, more = {}) =>
    send('POST', `${A}/slots/${encodeURIComponent(at(time))}/book`, {
      address_service_id: '123',
      duration: 10,
      patient: PATIENT,
      is_recurring: true,
      ...more,
    });
  const insured = (await book('08:00', { insurance_provider_id: '1', insurance_plan_id: '101' })).body;
  expect(insured.insurance).toMatchObject({ id: '1', plan_id: '101' });
  await book('08:00');
  const { id } = (await book('09:00')).body;
  const target = { address_service_id: '123', start: at('10:00') };
  const moved = (await send('POST', `${A}/bookings/${id}/move`, target)).body.id;
  await send('POST', `${A}/bookings/${id}/move`, target);
  await send('POST', `${A}/bookings/${moved}/presence/patient`);
  await send('PUT', `${A}/bookings/${moved}/confirm`, { confirmed_by: 'user' });
  sandbox.setPayment(moved, 'waiting_for_confirmation');
  sandbox.clock.advance(10_000);
  await send('POST', `${A}/bookings/${insured.id}/presence/patient`);
  await send('DELETE', `${A}/bookings/${insured.id}/presence/patient`);
  await get(`${A}/bookings/${moved}?with=booking.moving`);
  await get(`${A}/bookings${query('start', 'end')}`);
  await get(`${A}/bookings${query('start', 'end')}&page=1&with=${SCOPES}`);
  await send('DELETE', `${A}/bookings/${moved}`, { reason: 'ill' });
  await send('DELETE', `${A}/bookings/${moved}`);
  await send('PUT', `${D}/opinion-request`, { phone: '123456789' });
  await send('PUT', `${D}/opinion-request`, { phone: 'none' });
  await send('DELETE', `${A}/slots/2026-11-16`);

  const made = (await send('POST', `${A}/breaks`, { since: at('12:00'), till: at('13:00') })).body;
  await get(`${A}/breaks/${made.id}`);
  await get(`${A}/breaks/nothing`);
  await get(`${A}/breaks${query('since', 'till')}`);
  expect(await get(`${A}/breaks?since=noon`)).toMatchObject({ status: 404 });
  await send('PATCH', `${A}/breaks/${made.id}`, { since: at('12:00'), till: at('12:30') });
  await send('DELETE', `${A}/breaks/${made.id}`);
  await get(`${A}/calendar`);
  await send('POST', `${A}/calendar/disable`);
  await send('POST', `${A}/calendar/disable`);
  await send('POST', `${A}/calendar/enable`);

  expect((await get('/services')).body._items).toHaveLength(3);
  expect((await get('/services?specialization_id=12')).body._items).toHaveLength(2);
  const added = await send('POST', `${A}/services`, { service_id: '1', price: 169.999, custom_name: 'Mine' });
  expect(added).toMatchObject({ status: 201, body: { name: 'Mine', price: 169, service_id: '1' } });
  expect(added.headers.location).toBe(`/api/v3/integration${A}/services/${added.body.id}`);
  expect(await send('POST', `${A}/services`, { service_id: '1' })).toMatchObject({ status: 409 });
  expect(await send('POST', `${A}/services`, { service_id: '77' })).toMatchObject({ status: 404 });
  const changes = { price: null, custom_name: null, default_duration: 20, is_visible: false };
  const changed = await send('PATCH', `${A}/services/${added.body.id}`, changes);
  expect(changed.body).toMatchObject({ name: 'First visit', price: null, is_visible: false });
  expect(await send('PATCH', `${A}/services/${added.body.id}`, { price: 'dear' })).toMatchObject({
    status: 400,
  });
  expect(await send('DELETE', `${A}/services/9`)).toMatchObject({ status: 403 });
  await send('DELETE', `${A}/services/${added.body.id}`);
  expect(await send('DELETE', `${A}/services/${added.body.id}`)).toMatchObject({ status: 404 });

  await get('/insurance-providers');
  await get('/insurance-providers/1/plans');
  const insurer = {
    insurance_provider_id: '1',
    insurance_plans: [{ insurance_plan_id: '101' }, { insurance_plan_id: '102' }],
  };
  const insurers = `${A}/insurance-providers`;
  await send('POST', insurers, insurer);
  expect(await send('POST', insurers, insurer)).toMatchObject({ status: 400 });
  expect(await send('PUT', insurers, { insurance_provider_id: '9' })).toMatchObject({ status: 404 });
  await send('PUT', insurers, { ...insurer, insurance_plans: [{ insurance_plan_id: '102' }] });
  expect((await get(insurers)).body._items).toMatchObject([
    { insurance_provider_id: '1', insurance_plans: { _items: [{ insurance_plan_id: '102' }] } },
  ]);
  await send('DELETE', `${insurers}/1`);
  expect(await send('DELETE', `${insurers}/1`)).toMatchObject({ status: 400 });

  await get('/notifications');
  expect((await get('/notifications/multiple')).body.notifications).toHaveLength(1);
  await get('/notifications/multiple?limit=100');
  await get('/notifications');
  await send('POST', '/notifications/release');
  expect(await send('DELETE', `${A}/integration`)).toMatchObject({ status: 202 });
  expect(await get(A)).toMatchObject({ status: 403 });

  expect([...succeeded].sort()).toEqual(Object.keys(operations).sort());
});

test('every notification has its official shape', async () => {
  const receiver = await startReceiver();
  const sandbox = await startSandbox({ estate, clients: pushed(receiver, {}, { asks: true }) });
  const send = await partner(sandbox);
  await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
  const insurance = { providerId: '1', planId: '101' };
  const visit = { start: at('10:00'), serviceId: '123', insurance };
  const first = await sandbox.bookAsking(ADDRESS, visit);
  const { id } = await sandbox.moveAsking(first.id, { start: at('10:10') });
  sandbox.confirm(id);
  sandbox.setPayment(id, 'paid');
  sandbox.markPresence(id, 'absent');
  sandbox.cancel(id);
  const made = sandbox.addBreak(ADDRESS, { since: at('12:00'), till: at('13:00') });
  sandbox.moveBreak(made.id, { since: at('12:00'), till: at('12:30') });
  sandbox.removeBreak(made.id);
  sandbox.setServices(ADDRESS, [{ id: '123', duration: 20 }, { id: '125' }]);
  sandbox.setCommercialType(ADDRESS, 'saas-only');
  sandbox.unassignAddress(ADDRESS);
  sandbox.assignAddress(ADDRESS);
  await ended(sandbox, 17);
  for (const { body } of receiver.received) {
    const shape = notifications[body.name];
    if (shape === undefined) throw new Error(`${body.name} is no official notification`);
    hold(body.name, shape, body);
  }
  expect([...receiver.names].sort()).toEqual(Object.keys(notifications).sort());
});
