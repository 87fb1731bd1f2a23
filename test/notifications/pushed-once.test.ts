// A marketplace that pushes once and cancels a booking whose push got no 2xx. Contract: Where the founding page and the live
// API differ.
import { expect, test } from '@jest/globals';
import { resync } from '../resync/resync-fixture.js';
import { type Reaction, startReceiver } from '../sandbox/receiver.js';
import { addressOf } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import {
  API_KEY,
  type NotificationFixture,
  PUSH,
  sharedNotificationFixture,
} from './notification-fixture.js';

const hearing = sharedNotificationFixture();

async function pushedOnce(how: { url?: string; apiKey?: string }): Promise<NotificationFixture> {
  const clinic = await hearing();
  const push = { url: `${clinic.call.url}${PUSH}`, apiKey: API_KEY, ...how };
  clinic.fixture.sandbox.setEstate(
    undefined,
    ['many', 'alone'].map((id) => ({
      id,
      secret: 'secret',
      notifications: 'push' as const,
      push: { ...push, mode: 'once' as const, timeoutMs: 60_000 },
      ...(id === 'alone' ? { facilities: ['elsewhere'] } : {}),
    })),
  );
  await clinic.fixture.untilAtRest();
  return clinic;
}

/** The booking is over at the marketplace, and looking finds that. */
async function isOver({ fixture, busy }: NotificationFixture, shown: readonly string[]): Promise<void> {
  const deliveries = () => fixture.sandbox.deliveries;
  await eventually(() => deliveries().some(({ name }) => name === 'booking-canceled'));
  await eventually(() => deliveries().every(({ endedAt }) => endedAt !== undefined));
  expect(fixture.sandbox.bookings(addressOf('nowak'))).toMatchObject([{ status: 'canceled' }]);
  await resync(fixture);
  await fixture.untilAtRest();
  expect(await busy()).toEqual([]);
  expect(fixture.shown()).toEqual(shown);
}

test('a booking whose push was refused is ended on both sides', async () => {
  const clinic = await pushedOnce({ apiKey: 'another key' });
  const { fixture } = clinic;
  const shown = fixture.shown();
  fixture.sandbox.book(addressOf('nowak'), { start: fixture.at('10:20'), serviceId: 'visit' });
  await isOver(clinic, shown);
});

test('a booking whose push was ingested, and whose answer was lost, is ended on both sides', async () => {
  const receiver = await startReceiver();
  const clinic = await pushedOnce({ url: receiver.url });
  const { fixture, busy, push } = clinic;
  receiver.react(async (body): Promise<Reaction> => {
    // That it is over does not arrive at all.
    if (body.name === 'slot-booked') {
      expect((await push(body)).status).toBe(200);
      expect(await busy()).toHaveLength(1);
    }
    return 'cut';
  });
  const shown = fixture.shown();
  fixture.sandbox.book(addressOf('nowak'), { start: fixture.at('10:20'), serviceId: 'visit' });
  await isOver(clinic, shown);
  expect(receiver.names).toContain('slot-booked');
});

test('a booking whose push was ingested is booked on both sides', async () => {
  const { fixture, busy } = await pushedOnce({});
  const { id } = fixture.sandbox.book(addressOf('nowak'), { start: fixture.at('10:20'), serviceId: 'visit' });
  await eventually(async () => (await busy()).length === 1);
  await fixture.untilAtRest();
  expect(fixture.sandbox.bookings(addressOf('nowak'))).toMatchObject([{ id, status: 'booked' }]);
  expect(await busy()).toMatchObject([{ booking: id }]);
});
