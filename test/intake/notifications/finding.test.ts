// What nobody told is found; what a service change means for days; times that are sold twice.
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { Estate } from '../../../src/sandbox/index.js';
import { announcePlaceholder } from '../../../src/store/bookings.js';
import { getCalendar } from '../../../src/store/calendars.js';
import { addressOf, type Desk, type DeskOptions } from '../../chaos/desk.js';
import { eventually } from '../../support/eventually.js';
import { API_KEY, type Hearing, hearing, PUSH, said, visitBooking } from './heard.js';

/** The marketplace pushes to it, and asks. */
async function pushedTo(options: DeskOptions = {}, estate?: Estate): Promise<Hearing> {
  const clinic = await hearing(options);
  const clients = ['many', 'alone'].map((id) => ({
    id,
    secret: 'secret',
    notifications: 'push' as const,
    asks: id === 'many',
    askTimeoutMs: 60_000,
    push: { url: `${clinic.call.url}${PUSH}`, apiKey: API_KEY, timeoutMs: 60_000 },
    ...(id === 'alone' ? { facilities: ['elsewhere'] } : {}),
  }));
  clinic.desk.sandbox.setEstate(estate, clients);
  await clinic.desk.rest();
  return clinic;
}

const books = (desk: Desk, time: string) =>
  desk.sandbox.book(addressOf('nowak'), { start: desk.at(time), serviceId: 'visit' });

/** Has the bookings read again: it is as if they were not for days. */
async function look({ engine }: Desk): Promise<void> {
  await engine.db.updateTable('slotkeeper.calendars').set({ bookings_read_at: null }).execute();
}

/** The same, when nothing has become of what is known for as long as push and pull have to tell of it. */
async function lookLater(desk: Desk): Promise<void> {
  const longAgo = new Date(Date.now() - 3_600_000);
  await desk.engine.db.updateTable('slotkeeper.bookings').set({ updated_at: longAgo }).execute();
  await look(desk);
}

const unread = async ({ engine }: Desk): Promise<number> =>
  (
    await engine.db
      .selectFrom('slotkeeper.calendars')
      .selectAll()
      .where('bookings_read_at', 'is', null)
      .execute()
  ).length;

const names = async ({ items }: Hearing) => (await items()).map(({ name }) => name);

describe('a booking that nobody told of', () => {
  test('is found, told once, and what is pushed later repeats it; its cancellation, too', async () => {
    const clinic = await pushedTo();
    const { desk, busy, push } = clinic;
    desk.sandbox.setDelivery({ lose: 1 });
    const { id } = books(desk, '10:20');
    await look(desk);
    await eventually(async () => (await busy()).length === 1);
    // Push may yet tell.
    expect(await names(clinic)).toEqual([]);
    await lookLater(desk);
    await eventually(async () => (await names(clinic)).length === 1);
    expect(await clinic.items()).toMatchObject([{ name: 'slot-booked', booking: id, calendar: 'nowak' }]);
    expect((await clinic.items())[0]?.data).toMatchObject({ visit_booking: { id, patient: {} } });
    expect(await busy()).toEqual([{ booking: id, start: desk.at('10:20'), end: desk.at('10:40') }]);
    await push(said('slot-booked', { visit_booking: visitBooking(desk, id, '10:20') }));
    expect(await names(clinic)).toEqual(['slot-booked']);

    desk.sandbox.cancel(id);
    await look(desk);
    await eventually(async () => (await busy()).length === 0);
    expect(await names(clinic)).toEqual(['slot-booked']);
    await lookLater(desk);
    await eventually(async () => (await names(clinic)).length === 2);
    expect(await names(clinic)).toEqual(['slot-booked', 'booking-canceled']);
    expect(await busy()).toEqual([]);
    const canceled = visitBooking(desk, id, '10:20', { status: 'canceled' });
    await push(said('booking-canceled', { visit_booking: canceled }));
    expect(await names(clinic)).toHaveLength(2);
  });

  test('and that a resync read first is told all the same, once', async () => {
    let ahead = 0;
    const clinic = await pushedTo({ now: () => Date.now() + ahead });
    const { desk, busy } = clinic;
    // The first reading, after the start, is answered.
    const isRead = () => desk.requests('getBookings', 'nowak').some(({ status }) => status === 200);
    await eventually(isRead);
    desk.sandbox.setDelivery({ lose: 1 });
    const { id } = books(desk, '10:20');
    const { id: resync } = await desk.engine.resyncs.begin({ calendars: ['nowak'] });
    await eventually(async () => (await desk.engine.resyncs.report(resync))?.state === 'done');
    expect(await busy()).toHaveLength(1);
    expect(await names(clinic)).toEqual([]);

    ahead = 4 * 60_000;
    await desk.rest();
    expect(await names(clinic)).toEqual([]);
    ahead = 6 * 60_000;
    await eventually(async () => (await names(clinic)).length === 1);
    await look(desk);
    await eventually(async () => (await unread(desk)) === 0);
    expect(await clinic.items()).toMatchObject([{ name: 'slot-booked', booking: id, calendar: 'nowak' }]);
  });

  test('in a calendar whose publishing was refused is found, too: what it shows is still sold', async () => {
    const { desk, busy } = await pushedTo();
    desk.sandbox.faults.set([
      { fault: { kind: 'status', status: 403, message: 'no right' }, match: { operation: 'replaceSlots' } },
    ]);
    await desk.book('apt-1', '10:00', '10:20');
    await eventually(async () => (await getCalendar(desk.engine.db, 'nowak'))?.failed !== undefined);
    desk.sandbox.setDelivery({ lose: 1 });
    const { id } = books(desk, '10:20');
    await look(desk);
    const there = { booking: id, start: desk.at('10:20'), end: desk.at('10:40') };
    await eventually(async () => (await busy()).some((one) => isDeepStrictEqual(one, there)));
    expect((await getCalendar(desk.engine.db, 'nowak'))?.failed).toBeDefined();
  });

  test('but moved is found at its new time, and its old time is free', async () => {
    const clinic = await pushedTo();
    const { desk, busy } = clinic;
    const { id } = books(desk, '10:20');
    await eventually(async () => (await names(clinic)).length === 1);
    desk.sandbox.setDelivery({ lose: 1 });
    const moved = desk.sandbox.move(id, { start: desk.at('11:00') });
    const there = { booking: moved.id, start: desk.at('11:00'), end: desk.at('11:20') };
    await look(desk);
    await eventually(async () => isDeepStrictEqual(await busy(), [there]));
    await lookLater(desk);
    await eventually(async () => (await names(clinic)).length === 3);
    expect((await names(clinic)).sort()).toEqual(['booking-canceled', 'slot-booked', 'slot-booked']);
  });

  test('and that push tells after it was read is told once: as a move', async () => {
    const clinic = await pushedTo();
    const { desk, busy, push } = clinic;
    const { id } = books(desk, '10:20');
    await eventually(async () => (await names(clinic)).length === 1);
    desk.sandbox.setDelivery({ lose: 1 });
    const moved = desk.sandbox.move(id, { start: desk.at('11:00') });
    await look(desk);
    const there = { booking: moved.id, start: desk.at('11:00'), end: desk.at('11:20') };
    await eventually(async () => isDeepStrictEqual(await busy(), [there]));
    await push(
      said('booking-moved', {
        new_visit_booking: visitBooking(desk, moved.id, '11:00'),
        old_visit_booking: visitBooking(desk, id, '10:20', { status: 'moved' }),
      }),
    );
    await lookLater(desk);
    await eventually(async () => (await unread(desk)) === 0);
    await desk.rest();
    expect(await names(clinic)).toEqual(['slot-booked', 'booking-moved']);
  });

  test('is read again by itself, when push had its time', async () => {
    let ahead = 0;
    const clinic = await pushedTo({ now: () => Date.now() + ahead });
    const { desk, busy } = clinic;
    desk.sandbox.setDelivery({ lose: 1 });
    books(desk, '10:20');
    await look(desk);
    await eventually(async () => (await busy()).length === 1);
    ahead = 4 * 60_000;
    const asked = () => desk.requests('getBookings', 'nowak').length;
    const before = asked();
    await desk.rest();
    expect(await names(clinic)).toEqual([]);
    ahead = 6 * 60_000;
    await eventually(async () => (await names(clinic)).length === 1);
    expect(asked()).toBe(before + 1);
  });
});

test('a booking that the list leaves out is asked for by its id, and is over where it is not known any more', async () => {
  const clinic = await pushedTo();
  const { desk, busy, push } = clinic;
  const { id } = books(desk, '10:20');
  await push(said('slot-booked', { visit_booking: visitBooking(desk, 'ghost', '11:20') }));
  await eventually(async () => (await busy()).length === 2);
  // A placeholder of ours that has no id yet is for who books it to find.
  const placeholder = { start: new Date(desk.at('11:40')), end: new Date(desk.at('12:00')), ref: 'apt-1' };
  await announcePlaceholder(desk.engine.db, 'nowak', placeholder, new Date());
  const asked = () => desk.requests('getBooking').map(({ path, status }) => [path.split('/').at(-1), status]);
  await look(desk);
  await eventually(() => asked().length === 1);
  expect(asked()).toEqual([['ghost', 404]]);
  // What answers may not have heard of it yet.
  await eventually(async () => (await unread(desk)) === 0);
  expect(await busy()).toHaveLength(2);
  await lookLater(desk);
  await eventually(async () => (await busy()).length === 1);
  expect(await busy()).toMatchObject([{ booking: id }]);
  await lookLater(desk);
  const told = async () => (await clinic.items()).filter(({ booking }) => booking === 'ghost');
  await eventually(async () => (await told()).length === 2);
  expect((await told()).map(({ name }) => name)).toEqual(['slot-booked', 'booking-canceled']);
});

describe('a marketplace that does not answer', () => {
  /** All bookings are to be read, and a reading for one account has begun that is not answered. */
  async function hanging(client: string, calendars: readonly string[], timeoutMs: number): Promise<Desk> {
    const { desk } = await hearing({ calendars, timeoutMs });
    await desk.rest();
    await eventually(async () => (await unread(desk)) === 0);
    desk.sandbox.faults.set([{ fault: { kind: 'hang' }, match: { operation: 'getBookings', client } }]);
    await look(desk);
    await eventually(async () => (await unread(desk)) < calendars.length);
    return desk;
  }

  const hung = ({ sandbox }: Desk, client: string) =>
    sandbox.requests.filter((one) => one.client === client && one.operation === 'getBookings' && one.fault);

  test('for one account keeps the look for no other waiting', async () => {
    const desk = await hanging('alone', ['alone', 'nowak', 'other'], 25_000);
    await eventually(async () => (await unread(desk)) === 0, { within: 20_000 });
    expect(hung(desk, 'alone')).toEqual([]);
    // It cuts what hangs, or the engine's stop would wait for that.
    await desk.sandbox.stop();
  });

  test('is asked for no more calendars by a process that is told to stop', async () => {
    // Longer than a busy machine takes from the first reading to the stop.
    const desk = await hanging('many', ['nowak', 'other', 'third'], 6_000);
    await desk.engine.stop();
    expect(hung(desk, 'many')).toHaveLength(1);
  });
});

test('an address service that is gone marks the days that offer it, and they fail where it can be seen', async () => {
  const address = { id: 'address-nowak', services: [{ id: 'visit' }, { id: 'other' }] };
  const doctors = [{ id: 'doctor', addresses: [address] }];
  const clinic = await pushedTo({}, { facilities: [{ id: 'facility', doctors }] });
  const { desk } = clinic;
  await desk.rest();
  const places = { facilityId: 'facility', doctorId: 'doctor', addressId: 'address-nowak' };
  desk.sandbox.setServices(places, [{ id: 'other' }]);
  await eventually(async () => (await names(clinic)).includes('address-service-deleted'));
  const failures = await eventually(async () => {
    const all = await desk.engine.failures.list();
    return all.length > 0 && all;
  });
  expect(failures).toMatchObject([{ kind: 'day', calendar: 'nowak', date: desk.date }]);
});

describe('a time that is sold twice', () => {
  const conflicts = async ({ items }: Hearing) => (await items()).filter(({ name }) => name === 'conflict');
  const count = async ({ desk }: Hearing) => (await desk.engine.status()).conflicts;
  const sell = ({ desk, push }: Hearing, id = 'b1', time = '10:20') =>
    push(said('slot-booked', { visit_booking: visitBooking(desk, id, time) }));

  test('is told once, whichever of the two came first, and only what overlaps counts', async () => {
    const clinic = await hearing();
    const { desk } = clinic;
    await desk.book('apt-1', '10:20', '10:40');
    await desk.book('apt-2', '10:00', '10:20');
    await sell(clinic);
    await sell(clinic);
    expect(await conflicts(clinic)).toMatchObject([
      { booking: 'b1', ref: null, data: { booking: { id: 'b1' }, occupancy: { ref: 'apt-1' } } },
    ]);
    await sell(clinic, 'b2', '11:00');
    await desk.book('apt-3', '11:10', '11:15');
    expect(await conflicts(clinic)).toHaveLength(2);
    expect(await count(clinic)).toBe(2);
    // The same appointment again is nothing new; at another time it is.
    await desk.book('apt-3', '11:10', '11:15');
    expect(await conflicts(clinic)).toHaveLength(2);
  });

  test('is told where a snapshot brings the appointment', async () => {
    const clinic = await hearing();
    const { desk } = clinic;
    await sell(clinic);
    const { date } = desk;
    await desk.engine.snapshot('nowak', {
      from: date,
      to: date,
      complete: true,
      windows: [
        { start: desk.at('10:00'), end: desk.at('12:00'), services: [{ id: 'visit', duration: 20 }] },
      ],
      occupancy: [{ ref: 'apt-9', start: desk.at('10:30'), end: desk.at('10:50') }],
    });
    expect(await conflicts(clinic)).toMatchObject([{ data: { occupancy: { ref: 'apt-9' } } }]);
  });

  test('is none once the two are linked, one of them is gone, or the event said that it is the booking', async () => {
    const clinic = await hearing();
    const { desk, push } = clinic;
    const occupied = (ref: string, from: string, to: string, booking?: string) =>
      desk.say({
        type: 'occupied',
        calendar: 'nowak',
        ref,
        start: desk.at(from),
        end: desk.at(to),
        ...(booking === undefined ? {} : { booking }),
      });
    await sell(clinic, 'b1', '10:00');
    await occupied('apt-1', '10:00', '10:20', 'b1');
    expect(await count(clinic)).toBe(0);
    expect(await conflicts(clinic)).toEqual([]);
    await sell(clinic, 'b2', '10:20');
    await occupied('apt-2', '10:20', '10:40');
    await sell(clinic, 'b3', '10:40');
    await occupied('apt-3', '10:40', '11:00');
    await sell(clinic, 'b4', '11:00');
    await occupied('apt-4', '11:00', '11:20');
    expect(await count(clinic)).toBe(3);
    await desk.engine.bookings.link('nowak', 'b2', 'apt-2');
    expect(await count(clinic)).toBe(2);
    await desk.free('apt-3');
    expect(await count(clinic)).toBe(1);
    const canceled = visitBooking(desk, 'b4', '11:00', { status: 'canceled' });
    await push(said('booking-canceled', { visit_booking: canceled }));
    expect(await count(clinic)).toBe(0);
    expect(await conflicts(clinic)).toHaveLength(3);
  });
});

test('all 17 kinds come through a push of the marketplace, each to its calendar', async () => {
  const clinic = await pushedTo();
  const { desk } = clinic;
  const { sandbox } = desk;
  const place = addressOf('nowak');
  const first = await sandbox.bookAsking(place, { start: desk.at('10:00'), serviceId: 'visit' });
  const { id } = await sandbox.moveAsking(first.id, { start: desk.at('10:20') });
  sandbox.confirm(id);
  sandbox.setPayment(id, 'paid');
  sandbox.markPresence(id, 'absent');
  sandbox.cancel(id);
  const made = sandbox.addBreak(place, { since: desk.at('11:00'), till: desk.at('11:20') });
  sandbox.moveBreak(made.id, { since: desk.at('11:00'), till: desk.at('11:10') });
  sandbox.removeBreak(made.id);
  sandbox.setServices(place, [{ id: 'visit', name: 'Visit', price: 50 }]);
  sandbox.setServices(place, [{ id: 'visit', name: 'Visit', price: 60 }, { id: 'other' }]);
  sandbox.setServices(place, [{ id: 'other' }]);
  sandbox.setCommercialType(place, 'non-commercial');
  sandbox.unassignAddress(place);
  sandbox.assignAddress(place);
  await eventually(async () => new Set(await names(clinic)).size === 15);
  const items = await clinic.items();
  expect(items.filter(({ calendar }) => calendar !== 'nowak')).toEqual([]);
  expect(items.filter(({ problem }) => problem !== undefined)).toEqual([]);
  // The two that ask are answered, and are no news.
  const kinds = new Set(sandbox.deliveries.map(({ name }) => name));
  expect(kinds.size).toBe(17);
  await eventually(() => sandbox.deliveries.every(({ status }) => status === 200));
});

describe.each([
  ['before', 0, 400],
  ['after', 400, 0],
])('a linked booking whose echo arrives %s the answer', (_, delayMs, latency) => {
  test.each(['cancel', 'move'] as const)('follows its appointment once: %s', async (what) => {
    const clinic = await pushedTo();
    const { desk, busy } = clinic;
    const { sandbox } = desk;
    const { id } = books(desk, '10:20');
    await eventually(async () => (await names(clinic)).length === 1);
    await desk.say({
      type: 'occupied',
      calendar: 'nowak',
      ref: 'apt-1',
      start: desk.at('10:20'),
      end: desk.at('10:40'),
      booking: id,
    });
    await desk.rest();
    sandbox.setDelivery({ delayMs: { min: delayMs, max: delayMs } });
    const operation = what === 'cancel' ? 'cancelBooking' : 'moveBooking';
    if (latency === 0) sandbox.faults.set([{ fault: { kind: 'slow-body', ms: 300 }, match: { operation } }]);
    else sandbox.faults.set([{ fault: { kind: 'latency', ms: latency }, match: { operation } }]);
    if (what === 'cancel') await desk.free('apt-1');
    else await desk.book('apt-1', '11:00', '11:20');
    await desk.rest();
    await eventually(() => sandbox.deliveries.filter(({ status }) => status === 200).length >= 2);
    await desk.rest();
    expect(desk.requests(operation).map(({ applied }) => applied)).toEqual([true]);
    const standing = sandbox.bookings(addressOf('nowak')).filter(({ status }) => status === 'booked');
    if (what === 'cancel') {
      expect(standing).toEqual([]);
      expect(await busy()).toEqual([]);
    } else {
      expect(standing).toMatchObject([{ start_at: desk.at('11:00') }]);
      expect(JSON.stringify(await busy())).not.toContain('10:20');
    }
    expect((await desk.engine.status()).conflicts).toBe(0);
    expect(await desk.engine.failures.list()).toEqual([]);
  });
});
