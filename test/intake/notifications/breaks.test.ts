// A doctor's breaks: what is said of them late, beside what is read of them meanwhile.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { addressOf } from '../../chaos/desk.js';
import { hearing, said } from './heard.js';

jest.setTimeout(60_000);

test.each(['slots', 'breaks'] as const)(
  'a break that moved away before its day was read is taken where it is as soon as that is heard: %s',
  async (strategy) => {
    const { desk, push, busy } = await hearing({ strategy });
    const two = desk.dateAfter(1);
    const on = (date: string, time: string) => desk.at(time).replace(desk.date, date);
    const lunch = (date: string) => ({ since: on(date, '11:00'), till: on(date, '11:20') });
    const tell = (name: string, about: object, at: string) =>
      push(said(name, { break: about }, 'nowak', at)).then(({ status }) => status);
    await desk.open('nowak', two, { from: '10:00', to: '12:00' });
    const made = desk.sandbox.addBreak(addressOf('nowak'), lunch(desk.date));
    expect(await tell('break-created', made, new Date().toISOString())).toBe(200);
    await desk.rest();
    expect(await busy()).toMatchObject([{ break: made.id }]);

    const moved = desk.sandbox.moveBreak(made.id, lunch(two));
    const movedAt = new Date().toISOString();
    await sleep(1_100);
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
