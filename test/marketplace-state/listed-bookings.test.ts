// A list of bookings of which some cannot be read, or are left out, beside what the record knows. Contract: getBookings.
import { expect, test } from '@jest/globals';
import { getCalendar } from '../../src/db/tables/calendars.js';
import type { Booking, DocplannerClient, Listed } from '../../src/docplanner/index.js';
import { listBookings } from '../../src/marketplace-state/listed-bookings.js';
import { hearing, said, visitBooking } from '../notifications/notification-fixture.js';

const HOUR = 60 * 60_000;

test('what cannot be read is there, and without its id nothing is taken for gone that was not asked for', async () => {
  const { desk, push } = await hearing();
  for (const [n, id] of ['listed', 'unread', 'odd', 'gone'].entries()) {
    const booking = visitBooking(desk, id, `10:${n}0`, { end_at: desk.at(`10:${n}5`) });
    expect(await push(said('slot-booked', { visit_booking: booking }))).toMatchObject({ status: 200 });
  }
  const { db } = desk.engine;
  const calendar = await getCalendar(db, 'nowak');
  if (calendar === undefined) throw new Error('there is no calendar');
  const sent = {
    calendar_id: 'nowak',
    id: 'sent 1',
    status: 'booked',
    start_at: new Date(desk.at('11:00')),
    end_at: new Date(desk.at('11:20')),
    placeholder: true,
    updated_at: new Date(desk.engine.now()),
  } as const;
  await db.insertInto('slotkeeper.bookings').values(sent).execute();
  const asked: string[] = [];
  const list = async (unread: Listed<Booking>['unread'], now: number) => {
    asked.splice(0);
    const client = {
      listBookings: async () => ({ items: [visitBooking(desk, 'listed', '10:00')], unread }),
      findBooking: async (_: unknown, id: string) => {
        asked.push(id);
        return id === 'odd' ? 'unreadable' : undefined;
      },
    } as unknown as DocplannerClient;
    const range = { from: desk.at('00:00'), to: desk.at('23:00') };
    return await listBookings({ db, client, calendar, ...range, ofPatients: false, now });
  };
  const later = desk.engine.now() + HOUR;
  const all = await list([{ id: 'unread', problem: 'x' }], later);
  expect(asked).toEqual(['odd', 'gone']);
  expect(all.listed.map(({ id }) => id)).toEqual(['listed']);
  expect(all.gone.map(({ id }) => id)).toEqual(['gone']);
  // One of unknown id may be any of them, and ours that awaits its answer.
  expect((await list([{ id: undefined, problem: 'x' }], later)).gone.map(({ id }) => id)).toEqual([
    'unread',
    'gone',
  ]);
  expect(asked).toEqual(['unread', 'odd', 'gone']);
  expect((await list([], later)).gone.map(({ id }) => id)).toEqual(['unread', 'gone', 'sent 1']);
  expect((await list([], desk.engine.now() + 1)).gone.map(({ id }) => id)).toEqual(['sent 1']);
});
