// Marketplace bookings over HTTP: a refusal of the marketplace is answered with a problem and its reason.
import { expect, test } from '@jest/globals';
import { listInDoubtMoves } from '../../src/db/tables/in-doubt.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';
import { serve } from './served.js';

test('each refusal is answered with the status and the reason of the marketplace', async () => {
  const fixture = await ClinicFixture.open();
  await fixture.open('nowak', fixture.date, { from: '10:00', to: '12:00' });
  await fixture.untilAtRest();
  const call = await serve(fixture.engine);
  const books = (time: string) =>
    fixture.sandbox.book(addressOf('nowak'), { start: fixture.at(time), serviceId: 'visit' }).id;
  const ask = (id: string, verb: string, body: object) =>
    call('POST', `/v1/calendars/nowak/bookings/${id}/${verb}`, body);
  const to = { start: fixture.at('11:40') };

  const [paid, over, plain] = [books('10:00'), books('10:20'), books('10:40')];
  fixture.sandbox.cancel(over);
  fixture.sandbox.faults.set([
    { fault: { kind: 'status', status: 422, message: 'it is paid' }, match: { path: `/${paid}/move` } },
  ]);
  const refused = [
    await ask(paid, 'move', to),
    await ask(over, 'move', to),
    await ask('999', 'cancel', {}),
    await ask(plain, 'move', {}),
  ];
  expect(refused.map(({ status }) => status)).toEqual([422, 409, 404, 400]);
  for (const { type } of refused) expect(type).toContain('application/problem+json');
  expect(refused[0]?.body.detail).toContain('paid');
  expect(refused[1]?.body.detail).toContain('already moved or deleted');

  fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 403, message: 'no right' } }]);
  expect(await ask(plain, 'cancel', {})).toMatchObject({ status: 403, body: { detail: 'no right' } });
  fixture.sandbox.faults.clear();
  expect(await ask(plain, 'cancel', { reason: 'ill' })).toMatchObject({
    status: 200,
    body: { id: plain, status: 'canceled' },
  });
  expect((await call('POST', '/v1/calendars/nobody/bookings/1/cancel', {})).status).toBe(404);
});

test('an operation on a placeholder is refused', async () => {
  const fixture = await ClinicFixture.open({ strategy: 'book' });
  await fixture.open();
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  const call = await serve(fixture.engine);
  const id = fixture.sandbox.bookings(addressOf('nowak'))[0]?.id;
  for (const [verb, body] of [
    ['cancel', {}],
    ['move', { start: fixture.at('10:40') }],
    ['link', { ref: 'apt-2' }],
  ] as const) {
    const { status, body: problem } = await call('POST', `/v1/calendars/nowak/bookings/${id}/${verb}`, body);
    expect({ status, detail: problem.detail }).toEqual({
      status: 409,
      detail: expect.stringContaining('stands for an appointment'),
    });
  }
});

test('a move to an address of another facility reports which of the two is wrong', async () => {
  const address = (id: string) => ({ id, services: [{ id: 'visit' }] });
  const doctor = (id: string, ...addresses: string[]) => ({ id, addresses: addresses.map(address) });
  const facilities = [
    { id: 'facility', doctors: [doctor('doctor', 'address-nowak')] },
    { id: 'elsewhere', doctors: [doctor('kot', 'address-elsewhere')] },
  ];
  const fixture = await ClinicFixture.open({ sandbox: { estate: { facilities } } });
  await fixture.open('nowak', fixture.date, { from: '10:00', to: '12:00' });
  await fixture.untilAtRest();
  const call = await serve(fixture.engine);
  const { id } = fixture.sandbox.book(addressOf('nowak'), { start: fixture.at('10:00'), serviceId: 'visit' });
  const move = async (addressId: string) => {
    const to = { start: fixture.at('11:40'), addressId };
    const { status, body } = await call('POST', `/v1/calendars/nowak/bookings/${id}/move`, to);
    return { status, detail: body.detail };
  };
  expect(await move('address-elsewhere')).toEqual({
    status: 403,
    detail: 'This address does not belong to this facility.',
  });
  expect(await move('address-nowhere')).toEqual({ status: 400, detail: 'The address does not exist.' });
  // Neither move is in doubt.
  expect(await listInDoubtMoves(fixture.engine.db, 'nowak')).toEqual([]);
});

test('a booking is linked by a ref that is a number, and moved to an instant in milliseconds or with a space', async () => {
  const fixture = await ClinicFixture.open();
  await fixture.open('nowak', fixture.date, { from: '10:00', to: '12:00' });
  await fixture.untilAtRest();
  const call = await serve(fixture.engine);
  const booked = fixture.sandbox.book(addressOf('nowak'), {
    start: fixture.at('10:00'),
    serviceId: 'visit',
  }).id;
  const ask = (id: string, verb: string, body: object) =>
    call('POST', `/v1/calendars/nowak/bookings/${id}/${verb}`, body);
  const moved = await ask(booked, 'move', { start: Date.parse(fixture.at('10:40')) });
  expect(moved).toMatchObject({ status: 200, body: { status: 'booked' } });
  expect(Date.parse(moved.body.start)).toBe(Date.parse(fixture.at('10:40')));
  const again = await ask(moved.body.id, 'move', { start: fixture.at('11:00').replace('T', ' ') });
  expect(Date.parse(again.body.start)).toBe(Date.parse(fixture.at('11:00')));
  expect(await ask(again.body.id, 'link', { ref: 77 })).toMatchObject({ status: 200, body: { ref: '77' } });
  expect(await ask(again.body.id, 'move', { start: 1_796_636_400 })).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'start', reason: 'looks like seconds: send milliseconds or ISO 8601' }] },
  });
  expect(await ask(again.body.id, 'link', { ref: 1.5 })).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'ref', reason: 'expected text or whole number' }] },
  });
});
