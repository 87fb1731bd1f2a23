// A doctor's breaks: what is said of them late, beside what is read of them meanwhile. And ours on coupled addresses.
import { describe, expect, test } from '@jest/globals';
import { addressOf } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { type Hearing, said, sharedHearing } from './notification-fixture.js';

const hearing = sharedHearing();

test.each(['slots', 'breaks'] as const)(
  'a break that moved away before its day was read is taken where it is as soon as that is heard: %s',
  async (strategy) => {
    const { desk, push, busy, skip } = await hearing({ strategy });
    const now = () => new Date(desk.engine.now()).toISOString();
    const two = desk.dateAfter(1);
    const on = (date: string, time: string) => desk.at(time).replace(desk.date, date);
    const lunch = (date: string) => ({ since: on(date, '11:00'), till: on(date, '11:20') });
    const tell = (name: string, about: object, at: string) =>
      push(said(name, { break: about }, 'nowak', at)).then(({ status }) => status);
    await desk.open('nowak', two, { from: '10:00', to: '12:00' });
    const made = desk.sandbox.addBreak(addressOf('nowak'), lunch(desk.date));
    expect(await tell('break-created', made, now())).toBe(200);
    await desk.rest();
    expect(await busy()).toMatchObject([{ break: made.id }]);

    const moved = desk.sandbox.moveBreak(made.id, lunch(two));
    const movedAt = now();
    skip(1_100);
    await desk.book('apt-1', '10:00', '10:20');
    await desk.rest();
    expect(await tell('break-moved', moved, movedAt)).toBe(200);
    await desk.rest();
    expect(await busy()).toMatchObject([{ ref: 'apt-1' }]);
    const [day] = (await desk.engine.days('nowak', two, two)) ?? [];
    expect(day?.busy).toMatchObject([{ break: made.id }]);
    const request = { start_at: lunch(two).since, end_at: lunch(two).till, address_service: { id: 'visit' } };
    expect(await push(said('slot-booking', { visit_booking_request: request }))).toMatchObject({
      status: 409,
    });
  },
);

describe('a break that was made for another calendar, and that is on this one because they are coupled', () => {
  const COUPLED = 'slotkeeper lis';

  async function buffered(strategy: 'slots' | 'breaks'): Promise<Hearing> {
    const clinic = await hearing({ strategy });
    const buffers = { bufferBefore: 10, bufferAfter: 10 };
    const calendar = { id: 'nowak', account: 'many', ...addressOf('nowak'), strategy, ...buffers };
    await clinic.desk.engine.putCalendar(calendar);
    await clinic.desk.rest();
    return clinic;
  }

  test.each([
    ['may', COUPLED, 200],
    ['may not', 'lunch', 409],
  ])('is told by its description, and a visit %s touch it: %s', async (_, description, status) => {
    const { desk, push } = await buffered('slots');
    const range = { since: desk.at('11:00'), till: desk.at('11:20') };
    await push(said('break-created', { break: { id: '1', ...range, description } }));
    const request = {
      start_at: desk.at('10:40'),
      end_at: desk.at('11:00'),
      address_service: { id: 'visit' },
    };
    expect(await push(said('slot-booking', { visit_booking_request: request }))).toMatchObject({ status });
  });

  test('has no own break beside it, also where its notification arrives during a publication and does not name its owner', async () => {
    const { desk, push } = await buffered('breaks');
    const match = { operation: 'addCalendarBreak' };
    desk.sandbox.faults.set([{ fault: { kind: 'latency', ms: 600_000 }, match }]);
    await desk.book('apt-1', '10:20', '10:40');
    await eventually(() => desk.requests('addCalendarBreak').length === 1);
    const range = { since: desk.at('11:20'), till: desk.at('11:40') };
    const { id } = desk.sandbox.addBreak(addressOf('nowak'), { ...range, description: COUPLED });
    await push(said('break-created', { break: { id, ...range } }));
    desk.sandbox.faults.clear();
    await desk.rest();
    expect(desk.requests('addCalendarBreak')).toHaveLength(1);
    expect(desk.shown()).toEqual(['11:00', '11:40']);
  });
});
