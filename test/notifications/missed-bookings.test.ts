// What nobody told is found; what a service change means for days; times that are sold twice.
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { deleteAccount } from '../../src/db/tables/accounts.js';
import { getCalendar } from '../../src/db/tables/calendars.js';
import { recordInDoubt, toInDoubtBlock } from '../../src/db/tables/in-doubt.js';
import { MissedBookingPoller } from '../../src/notifications/missed-booking-poller.js';
import type { Estate } from '../../src/sandbox/index.js';
import { serve } from '../server/served.js';
import { addressOf, type ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import {
  API_KEY,
  type NotificationFixture,
  openNotificationFixture,
  PUSH,
  SWEEP_MS,
  sharedNotificationFixture,
  toPushBody,
  visitBooking,
  withTimePassing,
} from './notification-fixture.js';

const shared = sharedNotificationFixture();

/** The marketplace pushes to it, and asks. */
async function pushedTo(estate?: Estate): Promise<NotificationFixture> {
  const clinic = await shared();
  const clients = ['many', 'alone'].map((id) => ({
    id,
    secret: 'secret',
    notifications: 'push' as const,
    asks: id === 'many',
    askTimeoutMs: 60_000,
    push: { url: `${clinic.call.url}${PUSH}`, apiKey: API_KEY, timeoutMs: 60_000 },
    ...(id === 'alone' ? { facilities: ['elsewhere'] } : {}),
  }));
  clinic.fixture.sandbox.setEstate(estate, clients);
  await clinic.fixture.untilAtRest();
  return clinic;
}

const books = (fixture: ClinicFixture, time: string) =>
  fixture.sandbox.book(addressOf('nowak'), { start: fixture.at(time), serviceId: 'visit' });

/** Reads the bookings that are due. A calendar whose row is locked just then would have its turn in the next round. */
async function pollOnce({ fixture, timers }: NotificationFixture): Promise<void> {
  const active = fixture.engine.db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('lease_token', 'is not', null);
  await eventually(async () => (await active.execute()).length === 0);
  await timers.advance(SWEEP_MS);
}

/** Reads the bookings again: it is as if they were not for days. */
async function pollAll(clinic: NotificationFixture): Promise<void> {
  await clinic.fixture.untilAtRest();
  await markUnread(clinic);
  await eventually(async () => {
    await pollOnce(clinic);
    return await areRead(clinic);
  });
}

const markUnread = ({ fixture: { engine } }: NotificationFixture) =>
  engine.db.updateTable('slotkeeper.calendars').set({ bookings_read_at: null }).execute();

async function areRead({ fixture: { engine } }: NotificationFixture): Promise<boolean> {
  const unread = engine.db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('bookings_read_at', 'is', null);
  return (await unread.execute()).length === 0;
}

/** The same, when nothing has become of what is known for as long as push and pull have to tell of it. */
async function pollLater(clinic: NotificationFixture): Promise<void> {
  const { engine } = clinic.fixture;
  const longAgo = new Date(engine.now() - 3_600_000);
  // A publish reads bookings, too.
  await clinic.fixture.untilAtRest();
  await engine.db.updateTable('slotkeeper.bookings').set({ updated_at: longAgo }).execute();
  await pollAll(clinic);
}

const MINUTE = 60_000;

/** Of patients' bookings: a publish reads others. */
const bookingReads = (fixture: ClinicFixture, client: string) =>
  fixture
    .requests('getBookings')
    .filter((one) => one.client === client && decodeURIComponent(one.path).includes('booking.patient'));

const names = async ({ items }: NotificationFixture) => (await items()).map(({ name }) => name);

const isNotified = (clinic: NotificationFixture, count: number): Promise<boolean> =>
  eventually(async () => (await names(clinic)).length === count);

describe('a booking that no notification reported', () => {
  test('is found and notified once, and a later push is a repetition; so is its cancellation', async () => {
    const clinic = await pushedTo();
    const { fixture, busy, push } = clinic;
    fixture.sandbox.setDelivery({ lose: 1 });
    const { id } = books(fixture, '10:20');
    await pollAll(clinic);
    expect(await busy()).toHaveLength(1);
    // Push may yet tell.
    expect(await names(clinic)).toEqual([]);
    await pollLater(clinic);
    expect(await clinic.items()).toMatchObject([{ name: 'slot-booked', booking: id, calendar: 'nowak' }]);
    expect((await clinic.items())[0]?.data).toMatchObject({ visit_booking: { id, patient: {} } });
    expect(await busy()).toEqual([{ booking: id, start: fixture.at('10:20'), end: fixture.at('10:40') }]);
    await push(toPushBody('slot-booked', { visit_booking: visitBooking(fixture, id, '10:20') }));
    expect(await names(clinic)).toEqual(['slot-booked']);

    fixture.sandbox.cancel(id);
    await pollAll(clinic);
    expect(await busy()).toEqual([]);
    expect(await names(clinic)).toEqual(['slot-booked']);
    await pollLater(clinic);
    expect(await names(clinic)).toEqual(['slot-booked', 'booking-canceled']);
    expect(await busy()).toEqual([]);
    const canceled = visitBooking(fixture, id, '10:20', { status: 'canceled' });
    await push(toPushBody('booking-canceled', { visit_booking: canceled }));
    expect(await names(clinic)).toHaveLength(2);
  });

  test('and that a resync read first is notified too, once', async () => {
    const clinic = await pushedTo();
    const { fixture, busy, skip } = clinic;
    await pollOnce(clinic);
    fixture.sandbox.setDelivery({ lose: 1 });
    const { id } = books(fixture, '10:20');
    const { id: resync } = await fixture.engine.resyncs.begin({ calendars: ['nowak'] });
    await eventually(async () => (await fixture.engine.resyncs.report(resync))?.state === 'done');
    expect(await busy()).toHaveLength(1);
    expect(await names(clinic)).toEqual([]);

    skip(4 * MINUTE);
    await pollOnce(clinic);
    expect(await names(clinic)).toEqual([]);
    skip(2 * MINUTE);
    await pollOnce(clinic);
    expect(await names(clinic)).toHaveLength(1);
    await pollAll(clinic);
    expect(await clinic.items()).toMatchObject([{ name: 'slot-booked', booking: id, calendar: 'nowak' }]);
  });

  test('in a calendar whose publication was refused is found too, because the calendar is still on sale', async () => {
    const clinic = await pushedTo();
    const { fixture, busy } = clinic;
    fixture.sandbox.faults.set([
      { fault: { kind: 'status', status: 403, message: 'no right' }, match: { operation: 'replaceSlots' } },
    ]);
    await fixture.book('apt-1', '10:00', '10:20');
    await eventually(async () => (await getCalendar(fixture.engine.db, 'nowak'))?.failed !== undefined);
    fixture.sandbox.setDelivery({ lose: 1 });
    const { id } = books(fixture, '10:20');
    await pollAll(clinic);
    const there = { booking: id, start: fixture.at('10:20'), end: fixture.at('10:40') };
    expect((await busy()).filter((one) => isDeepStrictEqual(one, there))).toHaveLength(1);
    expect((await getCalendar(fixture.engine.db, 'nowak'))?.failed).toBeDefined();
  });

  test('but moved is found at its new time, and its old time is free', async () => {
    const clinic = await pushedTo();
    const { fixture, busy } = clinic;
    const { id } = books(fixture, '10:20');
    await isNotified(clinic, 1);
    fixture.sandbox.setDelivery({ lose: 1 });
    const moved = fixture.sandbox.move(id, { start: fixture.at('11:00') });
    await pollAll(clinic);
    expect(await busy()).toEqual([
      { booking: moved.id, start: fixture.at('11:00'), end: fixture.at('11:20') },
    ]);
    await pollLater(clinic);
    expect(await names(clinic)).toEqual(['slot-booked', 'booking-moved']);
  });

  test('and that a push reports after the read is notified once, as a move', async () => {
    const clinic = await pushedTo();
    const { fixture, busy, push } = clinic;
    const { id } = books(fixture, '10:20');
    await isNotified(clinic, 1);
    fixture.sandbox.setDelivery({ lose: 1 });
    const moved = fixture.sandbox.move(id, { start: fixture.at('11:00') });
    await pollAll(clinic);
    expect(await busy()).toEqual([
      { booking: moved.id, start: fixture.at('11:00'), end: fixture.at('11:20') },
    ]);
    await push(
      toPushBody('booking-moved', {
        new_visit_booking: visitBooking(fixture, moved.id, '11:00'),
        old_visit_booking: visitBooking(fixture, id, '10:20', { status: 'moved' }),
      }),
    );
    await pollLater(clinic);
    expect(await names(clinic)).toEqual(['slot-booked', 'booking-moved']);
  });

  test('is read again when the time for its push is over', async () => {
    const clinic = await pushedTo();
    const { fixture, busy, skip } = clinic;
    fixture.sandbox.setDelivery({ lose: 1 });
    books(fixture, '10:20');
    await pollAll(clinic);
    expect(await busy()).toHaveLength(1);
    const asked = () => bookingReads(fixture, 'many').length;
    const before = asked();
    skip(4 * MINUTE);
    await pollOnce(clinic);
    expect(await names(clinic)).toEqual([]);
    expect(asked()).toBe(before);
    skip(2 * MINUTE);
    await pollOnce(clinic);
    expect(await names(clinic)).toHaveLength(1);
    expect(asked()).toBe(before + 1);
  });
});

test('a booking that the list leaves out is fetched by its id, and has ended where it is unknown', async () => {
  const clinic = await pushedTo();
  const { fixture, busy, push } = clinic;
  const { id } = books(fixture, '10:20');
  await push(toPushBody('slot-booked', { visit_booking: visitBooking(fixture, 'ghost', '11:20') }));
  await eventually(async () => (await busy()).length === 2);
  // A placeholder of ours that has no id yet is for who books it to find.
  const span = { start: Date.parse(fixture.at('11:40')), end: Date.parse(fixture.at('12:00')) };
  const { db, now } = fixture.engine;
  await recordInDoubt(db, 'nowak', toInDoubtBlock(span, 'apt-1'), new Date(now()));
  await fixture.untilAtRest();
  const before = fixture.requests('getBooking').length;
  await pollAll(clinic);
  const asked = fixture.requests('getBooking').slice(before);
  expect(asked.map(({ path, status }) => [path.split(/[/?]/).at(-2), status])).toEqual([['ghost', 404]]);
  // What answers may not have heard of it yet.
  expect(await busy()).toHaveLength(2);
  await pollLater(clinic);
  expect(await busy()).toMatchObject([{ booking: id }]);
  await pollLater(clinic);
  const told = (await clinic.items()).filter(({ booking }) => booking === 'ghost');
  expect(told.map(({ name }) => name)).toEqual(['slot-booked', 'booking-canceled']);
});

describe('a marketplace that does not answer', () => {
  /** All bookings are to be read, and a reading for one account has begun that is not answered. */
  async function hanging(client: string, calendars: readonly string[]) {
    const clinic = await openNotificationFixture({ calendars });
    const { fixture } = clinic;
    await fixture.untilAtRest();
    await pollOnce(clinic);
    const match = { operation: 'getBookings', client, path: 'booking.patient' };
    // Answered when the faults are cleared.
    fixture.sandbox.faults.set([{ fault: { kind: 'latency', ms: 600_000 }, match }]);
    const before = bookingReads(fixture, client).length;
    await markUnread(clinic);
    const looking = pollOnce(clinic);
    await eventually(() => bookingReads(fixture, client).length > before);
    return { fixture, before, looking };
  }

  test('for one account does not delay the poll of another', async () => {
    const { fixture, before, looking } = await hanging('alone', ['alone', 'nowak', 'other']);
    const { db } = fixture.engine;
    const isUnread = db.selectFrom('slotkeeper.calendars').where('bookings_read_at', 'is', null).select('id');
    await eventually(async () => (await isUnread.execute()).length === 0);
    expect(bookingReads(fixture, 'alone').slice(before)).toMatchObject([{ answeredAt: undefined }]);
    fixture.sandbox.faults.clear();
    await looking;
  });

  test('is requested for no more calendars by a stopping process', async () => {
    const { fixture, before, looking } = await hanging('many', ['nowak', 'other', 'third']);
    const stopping = fixture.engine.stop();
    fixture.sandbox.faults.clear();
    await Promise.all([stopping, looking]);
    expect(bookingReads(fixture, 'many')).toHaveLength(before + 1);
  });

  test('is not requested by a process that stops while it acquires a calendar, and another process acquires the calendar', async () => {
    const clinic = await shared();
    const { fixture, timers } = clinic;
    const { db } = fixture.engine;
    // One account alone is looked for.
    await deleteAccount(db, 'alone', new Date(0));
    let looks = 0;
    let stopping: Promise<void> | undefined;
    const asked: string[] = [];
    const finder = new MissedBookingPoller({
      db,
      client: ({ id }) => {
        asked.push(id);
        throw new Error('nobody is to be asked');
      },
      ingest: async () => undefined,
      backoff: async () => 0,
      log: fixture.engine.log,
      now: () => {
        looks += 1;
        // The first is for what is forgotten; at the second it has begun to take one.
        if (looks === 2) stopping = finder.stop();
        return fixture.engine.now();
      },
      horizon: () => ({ from: fixture.date, to: fixture.date }),
      timers,
      everyMs: SWEEP_MS,
    });
    await finder.runOnce();
    await stopping;
    expect({ looks, asked }).toEqual({ looks: 3, asked: [] });
    await pollOnce(clinic);
    expect(bookingReads(fixture, 'many')).toHaveLength(1);
  });
});

test('a deleted address service is checked when it is notified, and its failure is visible', async () => {
  const address = { id: 'address-nowak', services: [{ id: 'visit' }, { id: 'other' }] };
  const doctors = [{ id: 'doctor', addresses: [address] }];
  const clinic = await pushedTo({ facilities: [{ id: 'facility', doctors }] });
  const { fixture } = clinic;
  await fixture.untilAtRest();
  const places = { facilityId: 'facility', doctorId: 'doctor', addressId: 'address-nowak' };
  fixture.sandbox.setServices(places, [{ id: 'other' }]);
  await eventually(async () => (await names(clinic)).includes('address-service-deleted'));
  const failures = await eventually(async () => {
    const all = await fixture.engine.failures.list();
    return all.length > 0 && all;
  });
  expect(failures).toMatchObject([{ kind: 'service', calendar: 'nowak', service: 'visit' }]);
});

describe('a conflict', () => {
  const conflicts = async ({ items }: NotificationFixture) =>
    (await items()).filter(({ name }) => name === 'conflict');
  const count = async ({ fixture }: NotificationFixture) => (await fixture.engine.status()).conflicts;
  const sell = ({ fixture, push }: NotificationFixture, id = 'b1', time = '10:20') =>
    push(toPushBody('slot-booked', { visit_booking: visitBooking(fixture, id, time) }));

  test('is notified once, whichever of the two came first, and only an overlap counts', async () => {
    const clinic = await shared();
    const { fixture } = clinic;
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.book('apt-2', '10:00', '10:20');
    await sell(clinic);
    await sell(clinic);
    expect(await conflicts(clinic)).toMatchObject([
      { booking: 'b1', ref: null, data: { booking: { id: 'b1' }, occupancy: { ref: 'apt-1' } } },
    ]);
    await sell(clinic, 'b2', '11:00');
    await fixture.book('apt-3', '11:10', '11:15');
    expect(await conflicts(clinic)).toHaveLength(2);
    expect(await count(clinic)).toBe(2);
    // The same appointment again is nothing new; at another time it is.
    await fixture.book('apt-3', '11:10', '11:15');
    expect(await conflicts(clinic)).toHaveLength(2);
  });

  test('is listed, counted in a metric, and no more once one of the two is released', async () => {
    const clinic = await shared();
    const { fixture } = clinic;
    const call = await serve(fixture.engine);
    await fixture.book('apt-1', '10:20', '10:40');
    await sell(clinic, 'b1', '10:30');
    const { items } = (await call('GET', '/v1/conflicts')).body;
    expect(items).toEqual([
      {
        id: expect.stringMatching(/^cnf_[0-9a-f]{32}$/),
        calendar: 'nowak',
        booking: 'b1',
        ref: 'apt-1',
        start: fixture.at('10:30'),
        end: fixture.at('10:40'),
        since: expect.stringMatching(/Z$/),
      },
    ]);
    const metrics = async () => await (await fetch(`${call.url}/metrics`)).text();
    expect(await metrics()).toMatch(/^slotkeeper_conflicts 1$/m);
    expect(await metrics()).toMatch(/^slotkeeper_accounts\{state="working"\} [12]$/m);
    await fixture.free('apt-1');
    expect((await call('GET', '/v1/conflicts')).body).toEqual({ items: [] });
  });

  test('is notified where a snapshot contains the appointment', async () => {
    const clinic = await shared();
    const { fixture } = clinic;
    await sell(clinic);
    const { date } = fixture;
    await fixture.engine.snapshot('nowak', {
      from: date,
      to: date,
      complete: true,
      windows: [
        { start: fixture.at('10:00'), end: fixture.at('12:00'), services: [{ id: 'visit', duration: 20 }] },
      ],
      occupancy: [{ ref: 'apt-9', start: fixture.at('10:30'), end: fixture.at('10:50') }],
    });
    expect(await conflicts(clinic)).toMatchObject([{ data: { occupancy: { ref: 'apt-9' } } }]);
  });

  test('ends once the two are linked, one of them is gone, or the event names the booking', async () => {
    const clinic = await shared();
    const { fixture, push } = clinic;
    const occupied = (ref: string, from: string, to: string, booking?: string) =>
      fixture.send({
        type: 'occupied',
        calendar: 'nowak',
        ref,
        start: fixture.at(from),
        end: fixture.at(to),
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
    await withTimePassing(clinic, fixture.engine.bookings.link('nowak', 'b2', 'apt-2'));
    expect(await count(clinic)).toBe(2);
    await fixture.free('apt-3');
    expect(await count(clinic)).toBe(1);
    const canceled = visitBooking(fixture, 'b4', '11:00', { status: 'canceled' });
    await push(toPushBody('booking-canceled', { visit_booking: canceled }));
    expect(await count(clinic)).toBe(0);
    expect(await conflicts(clinic)).toHaveLength(3);
  });
});

test('all 17 kinds of notifications are ingested by push, each for its calendar', async () => {
  const clinic = await pushedTo();
  const { fixture } = clinic;
  const { sandbox } = fixture;
  const place = addressOf('nowak');
  const first = await sandbox.bookAsking(place, { start: fixture.at('10:00'), serviceId: 'visit' });
  const { id } = await sandbox.moveAsking(first.id, { start: fixture.at('10:20') });
  sandbox.confirm(id);
  sandbox.setPayment(id, 'paid');
  sandbox.markPresence(id, 'absent');
  sandbox.cancel(id);
  const made = sandbox.addBreak(place, { since: fixture.at('11:00'), till: fixture.at('11:20') });
  sandbox.moveBreak(made.id, { since: fixture.at('11:00'), till: fixture.at('11:10') });
  sandbox.removeBreak(made.id);
  sandbox.setServices(place, [{ id: 'visit', name: 'Visit', price: 50 }]);
  sandbox.setServices(place, [{ id: 'visit', name: 'Visit', price: 60 }, { id: 'other' }]);
  sandbox.setServices(place, [{ id: 'other' }]);
  sandbox.setCommercialType(place, 'basic');
  sandbox.unassignAddress(place);
  sandbox.assignAddress(place);
  // The engine itself tells of the service that is gone.
  const heard = async () => new Set((await names(clinic)).filter((name) => name !== 'service-gone'));
  await eventually(async () => (await heard()).size === 15);
  const items = await clinic.items();
  expect(items.filter(({ calendar }) => calendar !== 'nowak')).toEqual([]);
  expect(items.filter(({ problem }) => problem !== undefined)).toEqual([]);
  // The two that ask are answered, and are no news.
  const kinds = new Set(sandbox.deliveries.map(({ name }) => name));
  expect(kinds.size).toBe(17);
  await eventually(() => sandbox.deliveries.every(({ status }) => status === 200));
});

describe.each(['before', 'after'] as const)('a linked booking whose echo arrives %s the answer', (order) => {
  test.each(['cancel', 'move'] as const)('follows its appointment once: %s', async (what) => {
    const clinic = await pushedTo();
    const { fixture, busy, push, skip } = clinic;
    const { sandbox } = fixture;
    const { id } = books(fixture, '10:20');
    await isNotified(clinic, 1);
    await fixture.send({
      type: 'occupied',
      calendar: 'nowak',
      ref: 'apt-1',
      start: fixture.at('10:20'),
      end: fixture.at('10:40'),
      booking: id,
    });
    await fixture.untilAtRest();
    const operation = what === 'cancel' ? 'cancelBooking' : 'moveBooking';
    const isEchoed = () => sandbox.deliveries.filter(({ status }) => status === 200).length >= 2;
    const isAsked = () => fixture.requests(operation).length === 1;
    // An answer with a body is held by its body, one without before it is applied; a push that is late waits for the clock.
    const fault = { kind: what === 'move' ? 'slow-body' : 'latency', ms: 600_000 } as const;
    if (order === 'before') sandbox.faults.set([{ fault, match: { operation } }]);
    else sandbox.setDelivery({ delayMs: { min: 1_000, max: 1_000 } });
    if (what === 'cancel') await fixture.free('apt-1');
    else await fixture.book('apt-1', '11:00', '11:20');
    await eventually(isAsked);
    if (order === 'before') {
      const canceled = visitBooking(fixture, id, '10:20', { status: 'canceled' });
      if (what === 'cancel') await push(toPushBody('booking-canceled', { visit_booking: canceled }));
      else await eventually(isEchoed);
      expect(fixture.requests(operation)).toMatchObject([{ answeredAt: undefined }]);
      sandbox.faults.clear();
    } else {
      await fixture.untilAtRest();
      expect(isEchoed()).toBe(false);
      skip(1_000);
    }
    await eventually(isEchoed);
    await fixture.untilAtRest();
    expect(fixture.requests(operation).map(({ applied }) => applied)).toEqual([true]);
    const standing = sandbox.bookings(addressOf('nowak')).filter(({ status }) => status === 'booked');
    if (what === 'cancel') {
      expect(standing).toEqual([]);
      expect(await busy()).toEqual([]);
    } else {
      expect(standing).toMatchObject([{ start_at: fixture.at('11:00') }]);
      expect(JSON.stringify(await busy())).not.toContain('10:20');
    }
    expect((await fixture.engine.status()).conflicts).toBe(0);
    expect(await fixture.engine.failures.list()).toEqual([]);
  });
});
