// The marketplace asks whether a patient may book or move, and is answered from the record.
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { askClinic } from '../../src/delivery/ask-clinic.js';
import { LOOPBACK, PrivateAddresses } from '../../src/lib/private-addresses.js';
import { account } from '../db/seed-rows.js';
import { type Receiver, startReceiver } from '../sandbox/receiver.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';
import {
  type NotificationFixture,
  sharedNotificationFixture,
  toPushBody,
  visitBooking,
} from './notification-fixture.js';

const hearing = sharedNotificationFixture();

const YES = { status: 200, body: {} };
const no = (code: number) => ({ status: 409, body: { error_code: code } });
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

/** From 10:20, for 20 minutes unless it says otherwise. */
function requestApproval(
  { fixture, push }: NotificationFixture,
  time = '10:20',
  more: object = {},
  calendar = 'nowak',
) {
  const { id: _, ...request } = visitBooking(fixture, '', time, more);
  return push(toPushBody('slot-booking', { visit_booking_request: request }, calendar));
}

async function notify(
  { fixture, push }: NotificationFixture,
  name: string,
  id: string,
  time: string,
  more: object = {},
) {
  await push(toPushBody(name, { visit_booking: visitBooking(fixture, id, time, more) }));
}

describe('a patient may book', () => {
  test('free time in a window that offers the service, and nothing else', async () => {
    const clinic = await hearing();
    const { fixture } = clinic;
    await fixture.book('apt-1', '11:00', '11:20');
    expect(await requestApproval(clinic)).toEqual(YES);
    expect(await requestApproval(clinic, '11:00')).toEqual(no(1));
    expect(await requestApproval(clinic, '10:50')).toEqual(no(1));
    expect(await requestApproval(clinic, '11:20')).toEqual(YES);
    expect(await requestApproval(clinic, '09:50')).toEqual(no(2));
    expect(await requestApproval(clinic, '11:50')).toEqual(no(2));
    expect(await requestApproval(clinic, '10:40', { address_service: { id: 'other' } })).toEqual(no(2));
    const yesterday = new Date(fixture.engine.now() - 86_400_000).toISOString().replace('Z', '+00:00');
    expect(await requestApproval(clinic, '10:40', { start_at: yesterday })).toEqual(no(3));
    expect(await requestApproval(clinic, '10:40', {}, 'elsewhere')).toEqual(no(4));
    expect(await requestApproval(clinic, '10:40', { end_at: fixture.at('10:40') })).toEqual(no(2));
  });

  test('a time that begins when another booking ends, but not within a buffer', async () => {
    const clinic = await hearing();
    const { fixture } = clinic;
    await fixture.book('apt-1', '11:00', '11:20');
    const calendar = { id: 'nowak', account: 'many', facilityId: 'facility', doctorId: 'doctor' } as const;
    await fixture.engine.putCalendar({
      ...calendar,
      addressId: 'address-nowak',
      strategy: 'slots',
      bufferAfter: 10,
    });
    expect(await requestApproval(clinic, '11:20')).toEqual(no(1));
    expect(await requestApproval(clinic, '11:30')).toEqual(YES);
    expect(await requestApproval(clinic, '10:40')).toEqual(YES);
  });

  test('a time that continues from one window into an adjacent one', async () => {
    const clinic = await hearing();
    const { fixture } = clinic;
    const window = (from: string, to: string) => ({
      start: fixture.at(from),
      end: fixture.at(to),
      services: [{ id: 'visit', duration: 20 }],
    });
    const { date } = fixture;
    const windows = [window('10:30', '11:00'), window('10:00', '10:30'), window('11:05', '11:30')];
    await fixture.send({ type: 'available', calendar: 'nowak', from: date, to: date, windows });
    expect(await requestApproval(clinic, '10:20')).toEqual(YES);
    expect(await requestApproval(clinic, '10:50')).toEqual(no(2));
  });

  test('for the longest duration of the windows at its start, where the request contains no duration', async () => {
    const clinic = await hearing();
    const { fixture } = clinic;
    const { date } = fixture;
    const window = (from: string, to: string, duration: number, id = 'visit') => ({
      start: fixture.at(from),
      end: fixture.at(to),
      services: [{ id, duration }],
    });
    const windows = [
      window('10:00', '11:00', 20),
      window('11:00', '12:00', 30),
      window('10:00', '12:00', 60, 'other'),
    ];
    await fixture.send({ type: 'available', calendar: 'nowak', from: date, to: date, windows });
    await fixture.book('apt-1', '10:15', '10:20');
    const unsaid = { end_at: null, duration: null };
    expect(await requestApproval(clinic, '10:00', unsaid)).toEqual(no(1));
    expect(await requestApproval(clinic, '10:00', { end_at: null, duration: 15 })).toEqual(YES);
    expect(await requestApproval(clinic, '11:00', unsaid)).toEqual(YES);
    // Promised until 11:30.
    expect(await requestApproval(clinic, '11:29', unsaid)).toEqual(no(1));
    expect(await requestApproval(clinic, '10:20', { ...unsaid, address_service: null })).toEqual(no(1));
    expect(await requestApproval(clinic, '10:20', unsaid)).toEqual(YES);
    expect(await requestApproval(clinic, '11:40', unsaid)).toEqual(no(2));
    expect(await requestApproval(clinic, '09:00', unsaid)).toEqual(no(2));
    expect(await requestApproval(clinic, '10:20', { ...unsaid, address_service: { id: 'third' } })).toEqual(
      no(2),
    );
  });

  test('a readable service, or any single one for the whole booking where the request names none', async () => {
    const clinic = await hearing();
    const { fixture } = clinic;
    for (const unreadable of ['visit', { name: 'visit' }, { id: '' }, []]) {
      expect(await requestApproval(clinic, '10:20', { address_service: unreadable })).toEqual(no(2));
    }
    const { date } = fixture;
    const window = (from: string, to: string, id: string) => ({
      start: fixture.at(from),
      end: fixture.at(to),
      services: [{ id, duration: 20 }],
    });
    const windows = [window('10:00', '10:30', 'visit'), window('10:30', '11:00', 'other')];
    await fixture.send({ type: 'available', calendar: 'nowak', from: date, to: date, windows });
    expect(await requestApproval(clinic, '10:20', { address_service: null })).toEqual(no(2));
    expect(await requestApproval(clinic, '10:00', { address_service: null })).toEqual(YES);
    expect(await requestApproval(clinic, '10:30', { address_service: null })).toEqual(YES);
  });

  test('or is denied with the error codes of the account', async () => {
    const errorCodes = { taken: 71, 'not-offered': 72, past: 73, 'unknown-calendar': 74 };
    const clinic = await hearing({ notifications: { errorCodes } });
    await clinic.fixture.book('apt-1', '11:00', '11:20');
    expect(await requestApproval(clinic, '11:00')).toEqual(no(71));
    expect(await requestApproval(clinic, '09:00')).toEqual(no(72));
    expect(await requestApproval(clinic, '11:00', {}, 'elsewhere')).toEqual(no(74));
  });
});

describe('a reserved time', () => {
  test('is reserved for no other request until its booking arrives, which then occupies it', async () => {
    const clinic = await hearing();
    expect(await requestApproval(clinic)).toEqual(YES);
    expect(await requestApproval(clinic)).toEqual(no(1));
    expect(await requestApproval(clinic, '10:10')).toEqual(no(1));
    await notify(clinic, 'slot-booked', 'b1', '10:20');
    expect(await requestApproval(clinic)).toEqual(no(1));
    await notify(clinic, 'booking-canceled', 'b1', '10:20', { status: 'canceled' });
    expect(await requestApproval(clinic)).toEqual(YES);
  });

  test('ends with its booking, also where the clock of the ingesting process is behind', async () => {
    const clinic = await hearing();
    expect(await requestApproval(clinic)).toEqual(YES);
    clinic.skip(-5_000);
    await notify(clinic, 'slot-booked', 'b1', '10:20');
    await notify(clinic, 'booking-canceled', 'b1', '10:20', { status: 'canceled' });
    expect(await requestApproval(clinic)).toEqual(YES);
  });

  test('is not ended by a late notification of another booking, which was at that time and has ended', async () => {
    const clinic = await hearing();
    expect(await requestApproval(clinic)).toEqual(YES);
    await notify(clinic, 'booking-canceled', 'before', '10:20', { status: 'canceled' });
    expect(await requestApproval(clinic)).toEqual(no(1));
  });

  test('is free again a minute later where no booking arrived', async () => {
    const clinic = await hearing();
    expect(await requestApproval(clinic)).toEqual(YES);
    clinic.skip(59_000);
    expect(await requestApproval(clinic)).toEqual(no(1));
    clinic.skip(2_000);
    expect(await requestApproval(clinic)).toEqual(YES);
  });

  test('is reserved once, however many requests arrive at the same moment', async () => {
    const clinic = await hearing();
    const answers = await Promise.all(Array.from({ length: 8 }, () => requestApproval(clinic)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });
});

test('a booking may move onto a part of its own old time, and not onto the time of another', async () => {
  const clinic = await hearing();
  const { fixture, push } = clinic;
  await notify(clinic, 'slot-booked', 'b1', '10:20');
  await notify(clinic, 'slot-booked', 'b2', '11:00');
  const move = (time: string) => {
    const { id: _, ...creating } = visitBooking(fixture, '', time);
    const canceling = visitBooking(fixture, 'b1', '10:20');
    return push(toPushBody('booking-moving', { canceling_booking: canceling, creating_booking: creating }));
  };
  expect(await move('10:50')).toEqual(no(1));
  expect(await move('10:30')).toEqual(YES);
});

test('the answer counts an appointment that is not published yet', async () => {
  const clinic = await hearing();
  await clinic.fixture.untilAtRest();
  clinic.fixture.sandbox.faults.set([{ fault: { kind: 'latency', ms: 600_000 } }]);
  await clinic.fixture.book('apt-1', '10:20', '10:40');
  // One that were free again before it is sent would change nothing, and be published at once.
  await eventually(() => clinic.fixture.requests('replaceSlots').some(({ answeredAt }) => !answeredAt));
  expect(await requestApproval(clinic)).toEqual(no(1));
  await clinic.fixture.free('apt-1');
  expect(await requestApproval(clinic)).toEqual(YES);
  expect((await clinic.fixture.engine.status()).pending).toBeGreaterThan(0);
});

/** How long a clinic is waited for, in milliseconds: the marketplace waits for two seconds. */
const PATIENCE_MS = 1_500;

describe('a clinic that approves bookings itself', () => {
  async function askedAt(receiver: Receiver): Promise<NotificationFixture> {
    const delivery = { url: receiver.url, secret: SECRET, approvalUrl: `${receiver.url}/approve` };
    return await hearing({ delivery });
  }

  test("denies with its own error code, or with the account's, and then nothing is reserved", async () => {
    const receiver = await startReceiver();
    const clinic = await askedAt(receiver);
    receiver.react({ status: 422, text: '{"error_code":99}' });
    expect(await requestApproval(clinic)).toEqual(no(99));
    receiver.react({ status: 422, text: 'no' });
    expect(await requestApproval(clinic)).toEqual(no(5));
    receiver.react(204);
    expect(await requestApproval(clinic)).toEqual(YES);
    const asked = () => receiver.received.filter(({ body }) => body.name === 'slot-booking');
    expect(asked()).toHaveLength(3);
    expect(await requestApproval(clinic)).toEqual(no(1));
    expect(asked()).toHaveLength(3);
    const { headers, body } = asked()[0] ?? { headers: {}, body: {} };
    expect(body).toMatchObject({ account: 'many', calendar: 'nowak', data: { visit_booking_request: {} } });
    const verify = (secret: string) => () =>
      new Webhook(secret).verify(JSON.stringify(body), headers as Record<string, string>);
    expect(verify(SECRET)).not.toThrow();
    expect(verify(`whsec_${Buffer.alloc(24, 8).toString('base64')}`)).toThrow();
  });

  test('and takes longer than the marketplace waits is not waited for', async () => {
    const receiver = await startReceiver();
    const clinic = await askedAt(receiver);
    receiver.react('hang');
    let isOver = false;
    const asking = requestApproval(clinic).finally(() => {
      isOver = true;
    });
    await eventually(() => receiver.received.length === 1);
    await clinic.timers.advance(PATIENCE_MS - 1);
    expect(await requestApproval(clinic)).toEqual(no(1));
    expect(isOver).toBe(false);
    await clinic.timers.advance(1);
    expect(await asking).toEqual(YES);
  });

  /** What becomes of one question; time passes as the test says. */
  function question(receiver: Receiver) {
    const timers = new ManualTimers();
    const answer = askClinic(
      { fallback: { approvalUrl: receiver.url, secret: SECRET }, now: Date.now, timers },
      account(),
      { name: 'slot-booking', calendar: 'nowak', data: {} },
    );
    return { timers, answer };
  }

  test.each([
    ['an error', 500],
    ['a redirect', 307],
    ['a cut', 'cut'],
  ] as const)('and answers with %s leaves it to the record, at once', async (_, reaction) => {
    const receiver = await startReceiver();
    receiver.react(reaction);
    expect(await question(receiver).answer).toBeUndefined();
    expect(receiver.received).toHaveLength(1);
  });

  test('at a private address that was configured over HTTP is not requested', async () => {
    const receiver = await startReceiver();
    const delivery = { url: receiver.url, approvalUrl: receiver.url, secret: SECRET };
    const asking = { name: 'slot-booking', calendar: 'nowak', data: {} };
    const options = { fallback: undefined, now: Date.now, timers: new ManualTimers() };
    const overHttp = account({ delivery, overHttp: true });
    expect(await askClinic(options, overHttp, asking)).toBeUndefined();
    expect(receiver.received).toHaveLength(0);
    const privateAddresses = new PrivateAddresses(LOOPBACK);
    expect(await askClinic({ ...options, privateAddresses }, overHttp, asking)).toEqual({ approved: true });
  });

  test('and does not answer leaves the decision to the database', async () => {
    const receiver = await startReceiver();
    receiver.react('hang');
    const { timers, answer } = question(receiver);
    await eventually(() => receiver.received.length === 1);
    await timers.advance(PATIENCE_MS);
    expect(await answer).toBeUndefined();
    expect(await receiver.connections()).toBe(0);
  });
});
