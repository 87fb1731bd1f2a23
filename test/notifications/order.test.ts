// The order in which the marketplace's news arrive, how often and by which way, changes nothing of what they come to.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sharedNotificationFixture, toPushBody, visitBooking } from './notification-fixture.js';

const CALENDARS = ['nowak', 'lis', 'kot', 'zuk', 'sowa'];
const hearing = sharedNotificationFixture({ calendars: CALENDARS });

test('a repeated notification of a service publishes its days once, and one of a break within a second changes nothing twice', async () => {
  const { fixture, push, busy, items } = await hearing();
  const puts = () => fixture.requests('replaceSlots', 'nowak').length;
  const generation = async () => {
    const days = await fixture.engine.db
      .selectFrom('slotkeeper.days')
      .select('generation')
      .where('calendar_id', '=', 'nowak')
      .execute();
    return days.map((day) => Number(day.generation));
  };
  await fixture.untilAtRest();
  const told = puts();
  for (const name of ['address-service-changed', 'address-service-deleted']) {
    const news = toPushBody(name, { address_service: { id: 'visit', price: 70 } });
    const before = await generation();
    await push(news);
    await fixture.untilAtRest();
    const after = await generation();
    expect(after).toEqual(before.map((n) => n + 1));
    for (let n = 0; n < 3; n += 1) expect(await push(news)).toMatchObject({ status: 200 });
    await Promise.all([push(news), push(news)]);
    await fixture.untilAtRest();
    expect(await generation()).toEqual(after);
  }
  expect(puts()).toBe(told + 2);
  expect(await items()).toHaveLength(2);

  const lunch = (from: string, to: string) => ({
    id: 'lunch',
    since: fixture.at(from),
    till: fixture.at(to),
  });
  const first = toPushBody('break-moved', { break: lunch('11:00', '11:10') });
  const second = toPushBody('break-moved', { break: lunch('11:30', '11:40') });
  for (const one of [first, second, first, second, first]) await push(one);
  expect(await busy()).toMatchObject([{ break: 'lunch', start: fixture.at('11:30') }]);
});

test('the same notifications in any order, each once or twice, one by one or at once, lead to the same state', async () => {
  const { fixture, busy, items } = await hearing();
  const account = await fixture.account();
  const receive = (body: object) => fixture.engine.receivePush(account, Buffer.from(JSON.stringify(body)));
  let cases = 0;
  const news = (n: number, calendar: string, other: string) => {
    const booking = (id: string, time: string, more: object = {}) =>
      visitBooking(fixture, `${id}-${n}`, time, more);
    const lunch = (from: string, to: string) => ({
      id: `lunch-${n}`,
      since: fixture.at(from),
      till: fixture.at(to),
    });
    const canceled = { status: 'canceled', canceled_by: 'user' };
    const at = (minute: number) => `2026-01-01T10:${minute}:00+01:00`;
    return [
      toPushBody('slot-booked', { visit_booking: booking('a', '10:00') }, calendar),
      toPushBody('booking-canceled', { visit_booking: booking('a', '10:00', canceled) }, calendar),
      toPushBody('slot-booked', { visit_booking: booking('b', '10:20') }, calendar),
      // To another address of the same doctor.
      toPushBody(
        'booking-moved',
        {
          old_visit_booking: booking('b', '10:20', { status: 'moved' }),
          new_visit_booking: booking('c', '10:40'),
        },
        other,
      ),
      toPushBody('slot-booked', { visit_booking: booking('d', '11:40') }, calendar),
      toPushBody('break-created', { break: lunch('11:00', '11:10') }, calendar, at(10)),
      toPushBody('break-moved', { break: lunch('11:00', '11:20') }, calendar, at(20)),
      toPushBody('break-moved', { break: lunch('11:00', '11:30') }, calendar, at(30)),
      toPushBody(
        'break-created',
        { break: { ...lunch('11:30', '11:40'), id: `gone-${n}` } },
        calendar,
        at(40),
      ),
      toPushBody(
        'break-removed',
        { break: { ...lunch('11:30', '11:40'), id: `gone-${n}` } },
        calendar,
        at(50),
      ),
      // All of one second.
      toPushBody(
        'break-created',
        { break: { ...lunch('10:00', '10:05'), id: `quick-${n}` } },
        calendar,
        at(10),
      ),
      toPushBody(
        'break-moved',
        { break: { ...lunch('11:30', '11:35'), id: `quick-${n}` } },
        calendar,
        at(10),
      ),
    ];
  };
  const order = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }).chain((twice) => {
    const all = twice.flatMap((again, n) => (again ? [n, n] : [n]));
    return fc.shuffledSubarray(all, { minLength: all.length });
  });
  await fc.assert(
    fc.asyncProperty(order, fc.boolean(), async (indexes, together) => {
      const n = cases++;
      // Each case on a day that others have filled would hide what it leaves behind.
      const calendar = CALENDARS[n % 4] ?? '';
      const bodies = news(n, calendar, 'sowa');
      const before = (await items()).length;
      const send = (index: number) => receive(bodies[index] ?? {});
      const answers = together
        ? await Promise.all(indexes.map(send))
        : await indexes.reduce<Promise<{ kind: string }[]>>(
            async (done, index) => [...(await done), await send(index)],
            Promise.resolve([]),
          );
      expect(answers.every(({ kind }) => kind === 'stored')).toBe(true);
      const mine = (taken: readonly unknown[]) =>
        taken.filter((one) => JSON.stringify(one).includes(`-${n}"`));
      expect(mine(await busy(calendar))).toEqual([
        { break: `lunch-${n}`, start: fixture.at('11:00'), end: fixture.at('11:30') },
        { break: `quick-${n}`, start: fixture.at('11:30'), end: fixture.at('11:35') },
        { booking: `d-${n}`, start: fixture.at('11:40'), end: fixture.at('12:00') },
      ]);
      expect(mine(await busy('sowa'))).toEqual([
        { booking: `c-${n}`, start: fixture.at('10:40'), end: fixture.at('11:00') },
      ]);
      expect((await items()).length - before).toBe(bodies.length);
    }),
    { numRuns: 20 },
  );
});
