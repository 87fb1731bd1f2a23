// A marketplace that pushes once and cancels a booking whose push got no 2xx. Contract: Where the founding page and the live
// API differ.
import { expect, test } from '@jest/globals';
import { addressOf } from '../../chaos/desk.js';
import { eventually } from '../../support/eventually.js';
import { resync } from '../../sync/resync/resyncing.js';
import { API_KEY, type Hearing, hearing, PUSH } from './heard.js';

async function pushedOnce(how: { apiKey?: string; timeoutMs?: number }): Promise<Hearing> {
  const clinic = await hearing();
  const url = `${clinic.call.url}${PUSH}`;
  clinic.desk.sandbox.setEstate(
    undefined,
    ['many', 'alone'].map((id) => ({
      id,
      secret: 'secret',
      notifications: 'push' as const,
      push: { url, apiKey: API_KEY, mode: 'once' as const, timeoutMs: 60_000, ...how },
      ...(id === 'alone' ? { facilities: ['elsewhere'] } : {}),
    })),
  );
  await clinic.desk.rest();
  return clinic;
}

test.each([
  ['refused', { apiKey: 'another key' }],
  ['not answered in time', { timeoutMs: 1 }],
] as const)('a booking whose push was %s is over on both sides', async (_, how) => {
  const { desk, busy } = await pushedOnce(how);
  const shown = desk.shown();
  desk.sandbox.book(addressOf('nowak'), { start: desk.at('10:20'), serviceId: 'visit' });
  await eventually(() =>
    desk.sandbox.bookings(addressOf('nowak')).every(({ status }) => status === 'canceled'),
  );
  await eventually(() => desk.sandbox.deliveries.every(({ endedAt }) => endedAt !== undefined));
  // What was not waited for may still be on its way, and that it is over may be lost as it was: then looking finds it.
  await eventually(async () => {
    await resync(desk);
    await desk.rest();
    return (await busy()).length === 0;
  });
  expect(desk.shown()).toEqual(shown);
});

test('a booking whose push was taken stands on both sides', async () => {
  const { desk, busy } = await pushedOnce({});
  const { id } = desk.sandbox.book(addressOf('nowak'), { start: desk.at('10:20'), serviceId: 'visit' });
  await eventually(async () => (await busy()).length === 1);
  await desk.rest();
  expect(desk.sandbox.bookings(addressOf('nowak'))).toMatchObject([{ id, status: 'booked' }]);
  expect(await busy()).toMatchObject([{ booking: id }]);
});
