// What the record will not have: it is kept without being applied, and takes nothing else along.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { ingestOrDeadLetter } from '../../src/notifications/dead-letter.js';
import type { NotificationSubject } from '../../src/notifications/parsed-notification.js';
import { sharedNotificationFixture, toPushBody, visitBooking } from './notification-fixture.js';

const hearing = sharedNotificationFixture();

const subject = (name: string, createdAt: Date | null = null): NotificationSubject => ({
  name,
  hash: name,
  createdAt,
  bookings: [],
  breaks: [],
  data: { of: name },
});

const unavailable = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const refused = Object.assign(new Error('date/time field value out of range'), { code: '22008' });

/** A record that fails for some, whatever else comes with them. */
function record(failsFor: (subject: NotificationSubject) => Error | undefined) {
  const taken: NotificationSubject[] = [];
  const take = async (some: readonly NotificationSubject[]): Promise<void> => {
    for (const error of some.map(failsFor)) if (error !== undefined) throw error;
    taken.push(...some);
  };
  return { taken, take };
}

describe('a notification that the database refuses', () => {
  test('is stored without its time, which may be the reason', async () => {
    const year0 = new Date('0000-06-01T00:00:00Z');
    const { taken, take } = record(({ createdAt }) => (createdAt === year0 ? refused : undefined));
    await ingestOrDeadLetter([subject('a'), subject('odd', year0), subject('b')], take);
    expect(taken).toMatchObject([
      { name: 'a' },
      { name: 'odd', createdAt: null, data: { of: 'odd' }, problem: expect.stringContaining('22008') },
      { name: 'b' },
    ]);
  });

  test('affects no later ones in any form, and is reported at the end', async () => {
    const { taken, take } = record(({ name }) => (name.startsWith('bad') ? new Error(name) : undefined));
    const all = ['a', 'bad-1', 'b', 'bad-2', 'c'].map((name) => subject(name));
    await expect(ingestOrDeadLetter(all, take)).rejects.toThrow('bad-1');
    expect(taken.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});

test('an unavailable database is reported at once, whatever failed before', async () => {
  const { taken, take } = record(({ name }) =>
    name === 'bad' ? refused : name === 'away' ? unavailable : undefined,
  );
  const all = ['a', 'bad', 'away', 'b'].map((name) => subject(name));
  await expect(ingestOrDeadLetter(all, take)).rejects.toBe(unavailable);
  expect(taken.map(({ name }) => name)).toEqual(['a']);
});

test('a booking is applied whatever becomes of notifications without updates, and is notified unchanged', async () => {
  const { fixture, push, busy, items } = await hearing();
  const about = {
    address_service: { id: 'visit', price: '150.00' },
    booked_at: 'just now',
    comment: ['hello'],
  };
  const booking = visitBooking(fixture, 'b1', '10:20', about);
  expect(await push(toPushBody('slot-booked', { visit_booking: booking }))).toMatchObject({ status: 200 });
  expect(await busy()).toMatchObject([{ booking: 'b1' }]);
  expect(await items()).toMatchObject([{ name: 'slot-booked', data: { visit_booking: booking } }]);
  expect((await items())[0]).not.toHaveProperty('problem');
  // A question whose length cannot be read is not answered with yes.
  const asked = { start_at: fixture.at('11:00'), duration: 'short', address_service: { id: 'visit' } };
  expect(await push(toPushBody('slot-booking', { visit_booking_request: asked }))).toMatchObject({
    status: 409,
  });
  const free = { ...asked, duration: '20' };
  expect(await push(toPushBody('slot-booking', { visit_booking_request: free }))).toMatchObject({
    status: 200,
  });
});

test('a booking whose id no index accepts is stored as failed, and those that are pushed with it are answered 2xx', async () => {
  const { fixture, push, busy, items } = await hearing();
  const id = randomBytes(40_000).toString('base64');
  const pushes = [id, 'b1', 'b2'].map((one, n) =>
    push(
      toPushBody('slot-booked', {
        visit_booking: visitBooking(fixture, one, ['10:00', '10:20', '10:40'][n] ?? ''),
      }),
    ),
  );
  expect((await Promise.all(pushes)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await busy()).map((one) => (one as { booking?: string }).booking).sort()).toEqual(['b1', 'b2']);
  const failed = (await items()).filter((one: object) => 'problem' in one);
  expect(failed).toMatchObject([{ name: 'slot-booked', booking: null, data: { visit_booking: { id } } }]);
});
