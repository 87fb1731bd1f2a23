// A doctor's breaks: what is said of them late, beside what is read of them meanwhile. And ours on coupled addresses.
import { describe, expect, test } from '@jest/globals';
import { addressOf } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { type NotificationFixture, sharedNotificationFixture, toPushBody } from './notification-fixture.js';

const hearing = sharedNotificationFixture();

test.each(['slots', 'breaks'] as const)(
  'a break that moved away before its day was read is taken where it is as soon as that is heard: %s',
  async (strategy) => {
    const { fixture, push, busy, skip } = await hearing({ strategy });
    const now = () => new Date(fixture.engine.now()).toISOString();
    const two = fixture.dateAfter(1);
    const on = (date: string, time: string) => fixture.at(time).replace(fixture.date, date);
    const lunch = (date: string) => ({ since: on(date, '11:00'), till: on(date, '11:20') });
    const tell = (name: string, about: object, at: string) =>
      push(toPushBody(name, { break: about }, 'nowak', at)).then(({ status }) => status);
    await fixture.open('nowak', two, { from: '10:00', to: '12:00' });
    const made = fixture.sandbox.addBreak(addressOf('nowak'), lunch(fixture.date));
    expect(await tell('break-created', made, now())).toBe(200);
    await fixture.untilAtRest();
    expect(await busy()).toMatchObject([{ break: made.id }]);

    const moved = fixture.sandbox.moveBreak(made.id, lunch(two));
    const movedAt = now();
    skip(1_100);
    await fixture.book('apt-1', '10:00', '10:20');
    await fixture.untilAtRest();
    expect(await tell('break-moved', moved, movedAt)).toBe(200);
    await fixture.untilAtRest();
    expect(await busy()).toMatchObject([{ ref: 'apt-1' }]);
    const [day] = (await fixture.engine.days('nowak', two, two)) ?? [];
    expect(day?.busy).toMatchObject([{ break: made.id }]);
    const request = { start_at: lunch(two).since, end_at: lunch(two).till, address_service: { id: 'visit' } };
    expect(await push(toPushBody('slot-booking', { visit_booking_request: request }))).toMatchObject({
      status: 409,
    });
  },
);

describe('a break that was made for another calendar, and that is on this one because they are coupled', () => {
  const COUPLED = 'slotkeeper lis';

  async function buffered(strategy: 'slots' | 'breaks'): Promise<NotificationFixture> {
    const clinic = await hearing({ strategy });
    const buffers = { bufferBefore: 10, bufferAfter: 10 };
    const calendar = { id: 'nowak', account: 'many', ...addressOf('nowak'), strategy, ...buffers };
    await clinic.fixture.engine.putCalendar(calendar);
    await clinic.fixture.untilAtRest();
    return clinic;
  }

  test.each([
    ['may', COUPLED, 200],
    ['may not', 'lunch', 409],
  ])('is told by its description, and a visit %s touch it: %s', async (_, description, status) => {
    const { fixture, push } = await buffered('slots');
    const range = { since: fixture.at('11:00'), till: fixture.at('11:20') };
    await push(toPushBody('break-created', { break: { id: '1', ...range, description } }));
    const request = {
      start_at: fixture.at('10:40'),
      end_at: fixture.at('11:00'),
      address_service: { id: 'visit' },
    };
    expect(await push(toPushBody('slot-booking', { visit_booking_request: request }))).toMatchObject({
      status,
    });
  });

  test('has no own break beside it, also where its notification arrives during a publication and does not name its owner', async () => {
    const { fixture, push } = await buffered('breaks');
    const match = { operation: 'addCalendarBreak' };
    fixture.sandbox.faults.set([{ fault: { kind: 'latency', ms: 600_000 }, match }]);
    await fixture.book('apt-1', '10:20', '10:40');
    await eventually(() => fixture.requests('addCalendarBreak').length === 1);
    const range = { since: fixture.at('11:20'), till: fixture.at('11:40') };
    const { id } = fixture.sandbox.addBreak(addressOf('nowak'), { ...range, description: COUPLED });
    await push(toPushBody('break-created', { break: { id, ...range } }));
    fixture.sandbox.faults.clear();
    await fixture.untilAtRest();
    expect(fixture.requests('addCalendarBreak')).toHaveLength(1);
    expect(fixture.shown()).toEqual(['11:00', '11:40']);
  });
});
