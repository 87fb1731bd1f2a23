import { describe, expect, test } from '@jest/globals';
import got from 'got';
import { SandboxRefusedError } from '../../src/sandbox/index.js';
import { ManualTimers } from '../support/manual-timers.js';
import { A, ADDRESS, partner, patientTimes, period, startSandbox } from './helper.js';
import { ended, pushed, type Reaction, startReceiver, turn } from './receiver.js';

const at = (time: string) => `2026-11-16T${time}:00+01:00`;
const visit = (time: string) => ({ start: at(time), serviceId: '123' });
const denial = (code: unknown): Reaction => ({
  status: 422,
  headers: { 'content-type': 'application/json' },
  text: JSON.stringify({ error_code: code }),
});

/** A response that the test releases. */
function thinking() {
  let agree = () => {};
  const thought = new Promise<Reaction>((resolve) => {
    agree = () => resolve(200);
  });
  return { thought, agree };
}

async function asking(more: Parameters<typeof pushed>[2] = {}) {
  const receiver = await startReceiver();
  const timers = new ManualTimers();
  const sandbox = await startSandbox({ clients: pushed(receiver, {}, { asks: true, ...more }), timers });
  const send = await partner(sandbox);
  await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
  return { receiver, sandbox, send, timers };
}

describe('a client that approves', () => {
  test('approves with a 2xx: then the patient books, and the client is notified', async () => {
    const { receiver, sandbox } = await asking();
    const patient = { name: 'Wanda', surname: 'Example', phone: '+48111222333' };
    const booked = await sandbox.bookAsking(ADDRESS, { ...visit('10:00'), patient, comment: 'knee' });
    expect(booked).toMatchObject({ status: 'booked', start_at: at('10:00'), patient });
    await ended(sandbox, 2);
    const [question, news] = receiver.received.map(({ body }) => body);
    expect(question).toEqual({
      name: 'slot-booking',
      data: {
        facility: { id: '456', name: 'Facility 456' },
        doctor: { id: '9876', name: 'Doctor', surname: '9876' },
        address: { id: '789', name: 'Address 789', street: 'Street', post_code: null },
        visit_booking_request: {
          start_at: at('10:00'),
          end_at: at('10:10'),
          duration: 10,
          booking_by: 'user',
          booking_at: at('08:00'),
          address_service: {
            id: '123',
            name: 'Service 123',
            price: null,
            is_price_from: false,
            is_visible: true,
          },
          patient: expect.objectContaining(patient),
          comment: 'knee',
        },
      },
      created_at: at('08:00'),
    });
    expect(news).toMatchObject({ name: 'slot-booked', data: { visit_booking: { id: booked.id } } });
  });

  test('approves a move, which has the canceled and the created booking', async () => {
    const { receiver, sandbox } = await asking();
    const booked = sandbox.book(ADDRESS, visit('10:00'));
    await ended(sandbox, 1);
    const moved = await sandbox.moveAsking(booked.id, { start: at('10:30') });
    expect(moved).toMatchObject({ status: 'booked', start_at: at('10:30') });
    await ended(sandbox, 3);
    const [, question, news] = receiver.received.map(({ body }) => body);
    expect(question).toMatchObject({
      name: 'booking-moving',
      data: {
        canceling_booking: { id: booked.id, start_at: at('10:00'), canceling_by: 'user' },
        creating_booking: { start_at: at('10:30'), end_at: at('10:40'), duration: 10, booking_by: 'user' },
      },
    });
    expect(question.data.canceling_booking).not.toHaveProperty('status');
    expect(question.data.canceling_booking).not.toHaveProperty('patient');
    expect(Object.keys(question.data.creating_booking)).not.toEqual(expect.arrayContaining(['id']));
    expect(Object.keys(question.data.creating_booking)).not.toEqual(expect.arrayContaining(['status']));
    expect(news).toMatchObject({
      name: 'booking-moved',
      data: { old_visit_booking: { id: booked.id }, new_visit_booking: { id: moved.id } },
    });
    expect(sandbox.deliveries.map(({ bookingId }) => bookingId)).toEqual([booked.id, booked.id, moved.id]);
  });

  test.each<[string, Reaction, number | undefined]>([
    ['a 4xx with an error code for the patient', denial(17), 17],
    ['a 4xx without one', 403, undefined],
    ['an error code that is no number', denial('seventeen'), undefined],
    [
      'a body without the JSON content type',
      { status: 400, headers: { 'content-type': 'text/plain' }, text: '{"error_code":17}' },
      undefined,
    ],
    ['invalid JSON', { status: 400, headers: { 'content-type': 'application/json' }, text: '{' }, undefined],
    [
      'an error code with a 5xx',
      { status: 500, headers: { 'content-type': 'application/json' }, text: '{"error_code":17}' },
      undefined,
    ],
    ['a redirect', { status: 302, headers: { location: '/yes' } }, undefined],
    ['a cut connection', 'cut', undefined],
  ])('denies by %s: nothing is booked and nothing notified', async (_what, reaction, errorCode) => {
    const { receiver, sandbox } = await asking();
    receiver.react(reaction);
    const refused = await sandbox.bookAsking(ADDRESS, visit('10:00')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SandboxRefusedError);
    expect(refused).toMatchObject({ reason: 'denied', errorCode });
    expect(sandbox.bookings(ADDRESS)).toEqual([]);
    await turn();
    expect(sandbox.deliveries.map(({ name }) => name)).toEqual(['slot-booking']);
  });

  test.each<[string, Parameters<typeof pushed>[2], number]>([
    ['2 seconds', {}, 2_000],
    ['the time that was agreed', { askTimeoutMs: 9_000 }, 9_000],
  ])('denies by a timeout after %s', async (_what, more, ms) => {
    const { receiver, sandbox, timers } = await asking(more);
    receiver.react('hang');
    const refused = sandbox.bookAsking(ADDRESS, visit('10:00')).catch((error: unknown) => error);
    await receiver.arrived(1);
    await timers.advance(ms - 1);
    expect(sandbox.deliveries).toMatchObject([{ endedAt: undefined }]);
    await timers.advance(1);
    expect(await refused).toBeInstanceOf(SandboxRefusedError);
    expect(await refused).toMatchObject({ reason: 'denied', errorCode: undefined });
    expect(sandbox.bookings(ADDRESS)).toEqual([]);
  });

  test('denies a move: the booking is not moved', async () => {
    const { receiver, sandbox } = await asking();
    const booked = sandbox.book(ADDRESS, visit('10:00'));
    receiver.react(denial(3));
    await expect(sandbox.moveAsking(booked.id, { start: at('10:30') })).rejects.toMatchObject({
      reason: 'denied',
      errorCode: 3,
    });
    expect(sandbox.bookings(ADDRESS)).toMatchObject([{ id: booked.id, status: 'booked' }]);
  });

  test('gets no request for a start that is not free, nor for actions of a doctor', async () => {
    const { receiver, sandbox } = await asking();
    const lunch = { ...visit('12:00'), duration: 30, by: 'doctor' } as const;
    const { id } = await sandbox.bookAsking(ADDRESS, lunch);
    await sandbox.moveAsking(id, { start: at('13:00'), by: 'doctor' });
    await expect(sandbox.bookAsking(ADDRESS, visit('09:00'))).rejects.toMatchObject({ reason: 'no-slot' });
    await expect(sandbox.moveAsking(id, { start: at('09:00') })).rejects.toMatchObject({ reason: 'over' });
    await ended(sandbox, 2);
    expect(receiver.names).toEqual(['slot-booked', 'booking-moved']);
  });

  test('can approve too late: the start was booked meanwhile', async () => {
    const { receiver, sandbox } = await asking();
    const { thought, agree } = thinking();
    receiver.react(({ name }) => (name === 'slot-booking' ? thought : 200));
    const slow = sandbox.bookAsking(ADDRESS, visit('10:00'));
    const slower = sandbox.bookAsking(ADDRESS, visit('10:10'));
    await receiver.arrived(2);
    const first = sandbox.book(ADDRESS, visit('10:00'));
    sandbox.addBreak(ADDRESS, { since: at('10:10'), till: at('10:20') });
    agree();
    await expect(slow).rejects.toMatchObject({ reason: 'no-slot' });
    await expect(slower).rejects.toMatchObject({ reason: 'no-slot' });
    expect(sandbox.bookings(ADDRESS).map(({ id }) => id)).toEqual([first.id]);
  });

  test('can approve a move of a booking that was cancelled meanwhile', async () => {
    const { receiver, sandbox } = await asking();
    const { id } = sandbox.book(ADDRESS, visit('10:00'));
    const { thought, agree } = thinking();
    receiver.react(({ name }) => (name === 'booking-moving' ? thought : 200));
    const slow = sandbox.moveAsking(id, { start: at('10:30') });
    await receiver.arrived(2);
    sandbox.cancel(id);
    agree();
    await expect(slow).rejects.toMatchObject({ reason: 'over' });
    expect(patientTimes(sandbox)).toContain('10:30');
  });

  test('denies a request that the sandbox aborts when it stops', async () => {
    const { receiver, sandbox } = await asking();
    receiver.react('hang');
    const asked = sandbox.bookAsking(ADDRESS, visit('10:00'));
    const refused = expect(asked).rejects.toMatchObject({ reason: 'denied' });
    await receiver.arrived(1);
    await sandbox.stop();
    await refused;
  });
});

describe('several clients', () => {
  test('must all approve, if they have `asks`', async () => {
    const [yes, no, deaf] = [await startReceiver(), await startReceiver(), await startReceiver()];
    const sandbox = await startSandbox({
      clients: [
        ...pushed(yes, {}, { asks: true }),
        ...pushed(no, {}, { id: 'second', asks: true }),
        ...pushed(deaf, {}, { id: 'third' }),
      ],
    });
    await (await partner(sandbox))('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
    deaf.react(500);
    await sandbox.bookAsking(ADDRESS, visit('10:00'));
    await ended(sandbox, 5);
    no.react(denial(8));
    const refused = sandbox.bookAsking(ADDRESS, visit('10:10'));
    await expect(refused).rejects.toMatchObject({ reason: 'denied', errorCode: 8 });
    expect(deaf.names).toEqual(['slot-booked']);
    expect(yes.names).toEqual(['slot-booking', 'slot-booked', 'slot-booking']);
  });
});

describe('over HTTP', () => {
  const control = async (url: string, json: object) => {
    const answer = await got.post(url, { json, throwHttpErrors: false, retry: { limit: 0 } });
    return { status: answer.statusCode, body: JSON.parse(answer.body) };
  };

  test("a patient books and moves only with the clinic's approval", async () => {
    const { receiver, sandbox } = await asking();
    const bookings = `${sandbox.url}/_sandbox/bookings`;
    const body = { facility: '456', doctor: '9876', address: '789', service: '123', start: at('10:00') };
    const booked = await control(bookings, body);
    expect(booked).toMatchObject({ status: 201, body: { status: 'booked' } });
    const move = `${bookings}/${booked.body.id}/move`;
    expect(await control(move, { start: at('10:20') })).toMatchObject({ status: 201 });
    await ended(sandbox, 4);
    expect(receiver.names).toEqual(['slot-booking', 'slot-booked', 'booking-moving', 'booking-moved']);

    receiver.react(denial(5));
    expect(await control(bookings, { ...body, start: at('10:40') })).toEqual({
      status: 409,
      body: { path: '', reason: 'book: denied', errorCode: 5 },
    });
  });

  test('a client without `asks` is only notified', async () => {
    const { receiver, sandbox } = await asking({ asks: false });
    const body = { facility: '456', doctor: '9876', address: '789', service: '123', start: at('10:00') };
    expect(await control(`${sandbox.url}/_sandbox/bookings`, body)).toMatchObject({ status: 201 });
    await ended(sandbox, 1);
    expect(receiver.names).toEqual(['slot-booked']);
  });
});
