// Lists of bookings with unreadable and missing items, compared with the stored bookings. Contract: getBookings.
import { expect, test } from '@jest/globals';
import { getCalendar } from '../../src/db/tables/calendars.js';
import type { Booking, DocplannerClient, Listed } from '../../src/docplanner/index.js';
import { fetchListedBookings } from '../../src/marketplace-state/listed-bookings.js';
import { openNotificationFixture, toPushBody, visitBooking } from '../notifications/notification-fixture.js';

const HOUR = 60 * 60_000;

test('an unreadable booking counts as present, and without its id only bookings that were fetched count as gone', async () => {
  const { fixture, push } = await openNotificationFixture();
  for (const [n, id] of ['listed', 'unreadable', 'odd', 'gone'].entries()) {
    const booking = visitBooking(fixture, id, `10:${n}0`, { end_at: fixture.at(`10:${n}5`) });
    expect(await push(toPushBody('slot-booked', { visit_booking: booking }))).toMatchObject({ status: 200 });
  }
  const { db } = fixture.engine;
  const calendar = await getCalendar(db, 'nowak');
  if (calendar === undefined) throw new Error('there is no calendar');
  const fetched: string[] = [];
  const list = async (unreadable: Listed<Booking>['unreadable'], now: number) => {
    fetched.splice(0);
    const client = {
      listBookings: async () => ({ items: [visitBooking(fixture, 'listed', '10:00')], unreadable }),
      findBooking: async (_: unknown, id: string) => {
        fetched.push(id);
        return id === 'odd' ? 'unreadable' : undefined;
      },
    } as unknown as DocplannerClient;
    const range = { from: fixture.at('00:00'), to: fixture.at('23:00') };
    return await fetchListedBookings({ db, client, calendar, ...range, patientsOnly: false, now });
  };
  const later = fixture.engine.now() + HOUR;
  const all = await list([{ id: 'unreadable', problem: 'x' }], later);
  expect(fetched).toEqual(['odd', 'gone']);
  expect(all.listed.map(({ id }) => id)).toEqual(['listed']);
  expect(all.gone.map(({ id }) => id)).toEqual(['gone']);
  expect(all.isComplete).toBe(false);
  expect((await list([{ id: undefined, problem: 'x' }], later)).gone.map(({ id }) => id)).toEqual([
    'unreadable',
    'gone',
  ]);
  expect(fetched).toEqual(['unreadable', 'odd', 'gone']);
  expect((await list([], later)).gone.map(({ id }) => id)).toEqual(['unreadable', 'gone']);
  expect(await list([], fixture.engine.now() + 1)).toMatchObject({ gone: [], isComplete: true });
});
