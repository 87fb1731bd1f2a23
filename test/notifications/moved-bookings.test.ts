// What is told of a booking under an id that it has no more: a late cancellation, a move that nobody told of.
import { describe, expect, test } from '@jest/globals';
import { addressOf, type ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import {
  type NotificationFixture,
  SWEEP_MS,
  sharedNotificationFixture,
  toPushBody,
  visitBooking,
  withTimePassing,
} from './notification-fixture.js';

const shared = sharedNotificationFixture();
const STRATEGIES = ['slots', 'breaks', 'book'] as const;
type Strategy = (typeof STRATEGIES)[number];

/** A patient's booking at 10:20, told and linked to the appointment `apt-1`. */
async function linkedBooking(strategy: Strategy) {
  const clinic = await shared({ strategy });
  const { fixture, push } = clinic;
  await fixture.untilAtRest();
  const { id } = fixture.sandbox.book(addressOf('nowak'), { start: fixture.at('10:20'), serviceId: 'visit' });
  await push(toPushBody('slot-booked', { visit_booking: visitBooking(fixture, id, '10:20') }));
  await fixture.send({
    type: 'occupied',
    calendar: 'nowak',
    ref: 'apt-1',
    start: fixture.at('10:20'),
    end: fixture.at('10:40'),
    booking: id,
  });
  await fixture.untilAtRest();
  const move = (time: string) =>
    withTimePassing(clinic, fixture.engine.bookings.move('nowak', id, { start: fixture.at(time) }));
  return { ...clinic, clinic, id, move };
}

const canceled = (fixture: ClinicFixture, id: string, by: 'integration' | 'user', time = '10:20') =>
  toPushBody('booking-canceled', {
    visit_booking: visitBooking(fixture, id, time, { status: 'canceled', canceled_by: by }),
  });

const movedBy = (fixture: ClinicFixture, id: string, to: string, time = '11:00') =>
  toPushBody('booking-moved', {
    old_visit_booking: visitBooking(fixture, id, '10:20', { status: 'canceled', canceled_by: 'user' }),
    new_visit_booking: visitBooking(fixture, to, time),
  });

/** Everything that a late word must not change: what is linked, its time, what hides it, what waits. */
async function state({ fixture, busy }: NotificationFixture) {
  const [bookings, days] = await Promise.all([
    fixture.engine.db
      .selectFrom('slotkeeper.bookings')
      .select(['id', 'status', 'ref', 'ref_start', 'moved_to'])
      .orderBy('id')
      .execute(),
    fixture.engine.db.selectFrom('slotkeeper.days').select(['date', 'generation']).orderBy('date').execute(),
  ]);
  const { pending } = await fixture.engine.status();
  return { bookings, days, pending, busy: await busy(), shown: fixture.shown() };
}

const notified = async ({ items }: NotificationFixture) =>
  (await items()).map(({ name, booking, ref, movedTo }) => ({ name, booking, ref, movedTo }));

describe.each(STRATEGIES)('with %s', (strategy) => {
  test('a late cancellation of a booking that the engine moved is not notified, and changes nothing', async () => {
    const { clinic, fixture, push, id, move } = await linkedBooking(strategy);
    const report = await move('11:00');
    await fixture.book('apt-1', '11:00', '11:20');
    await fixture.untilAtRest();
    const [before, toldBefore] = [await state(clinic), await notified(clinic)];
    expect(before.bookings).toMatchObject([
      { id, status: 'moved', moved_to: report?.id },
      { id: report?.id, status: 'booked', ref: 'apt-1' },
    ]);
    await push(canceled(fixture, id, 'integration'));
    expect(await notified(clinic)).toEqual(toldBefore);
    expect(await state(clinic)).toEqual(before);
    // The marketplace says whose doing it was; where it does not, it is told as what it is.
    await push(canceled(fixture, id, 'user'));
    expect((await notified(clinic)).at(-1)).toEqual({
      name: 'booking-canceled',
      booking: id,
      ref: null,
      movedTo: report?.id,
    });
    expect(await state(clinic)).toEqual(before);
  });

  test('a late cancellation of a booking that the patient moved is notified without the appointment, and with the new id', async () => {
    const { clinic, fixture, push, id } = await linkedBooking(strategy);
    await push(movedBy(fixture, id, '702'));
    await push(
      toPushBody('booking-moved', {
        old_visit_booking: visitBooking(fixture, '702', '11:00', { status: 'canceled' }),
        new_visit_booking: visitBooking(fixture, '703', '11:20'),
      }),
    );
    const before = await state(clinic);
    await push(canceled(fixture, id, 'user'));
    expect((await notified(clinic)).slice(1)).toEqual([
      { name: 'booking-moved', booking: '702', ref: 'apt-1', movedTo: undefined },
      { name: 'booking-moved', booking: '703', ref: 'apt-1', movedTo: undefined },
      { name: 'booking-canceled', booking: id, ref: null, movedTo: '703' },
    ]);
    const { pending: _, shown: __, ...rest } = await state(clinic);
    expect(before).toMatchObject(rest);
    // What ends the visit itself is told as that.
    await push(canceled(fixture, '703', 'user', '11:20'));
    expect((await notified(clinic)).at(-1)).toMatchObject({
      booking: '703',
      ref: 'apt-1',
      movedTo: undefined,
    });
  });
});

test('a cancellation that arrives before its move leaves the link to the successor', async () => {
  const { clinic, fixture, push, busy, id } = await linkedBooking('slots');
  await push(canceled(fixture, id, 'user'));
  await push(movedBy(fixture, id, '702'));
  expect((await notified(clinic)).at(-1)).toEqual({
    name: 'booking-moved',
    booking: '702',
    ref: 'apt-1',
    movedTo: undefined,
  });
  expect((await state(clinic)).bookings).toMatchObject([
    { id, status: 'moved', moved_to: '702' },
    { id: '702', status: 'booked', ref: 'apt-1' },
  ]);
  expect(JSON.stringify(await busy())).toContain('702');
});

test('a successor has the link of its predecessor, whenever it arrives', async () => {
  const { clinic, fixture, push, id } = await linkedBooking('slots');
  await fixture.engine.db
    .updateTable('slotkeeper.bookings')
    .set({ status: 'moved', moved_to: '702' })
    .execute();
  await push(toPushBody('slot-booked', { visit_booking: visitBooking(fixture, '702', '11:00') }));
  expect((await notified(clinic)).at(-1)).toMatchObject({
    name: 'slot-booked',
    booking: '702',
    ref: 'apt-1',
  });
  expect((await state(clinic)).bookings).toMatchObject([
    { id },
    { id: '702', status: 'booked', ref: 'apt-1' },
  ]);
});

test('a cancellation that arrives with its move is notified as the end of a moved booking', async () => {
  const { clinic, fixture, id } = await linkedBooking('slots');
  const account = await fixture.account();
  const bodies = [canceled(fixture, id, 'user'), movedBy(fixture, id, '702')];
  await Promise.all(
    bodies.map((body) => fixture.engine.receivePush(account, Buffer.from(JSON.stringify(body)))),
  );
  expect((await notified(clinic)).slice(1)).toEqual([
    { name: 'booking-canceled', booking: id, ref: null, movedTo: '702' },
    { name: 'booking-moved', booking: '702', ref: 'apt-1', movedTo: undefined },
  ]);
});

test('the cancellation of a booking whose own move is in doubt is left to the move', async () => {
  const { clinic, fixture, push, id } = await linkedBooking('slots');
  fixture.sandbox.faults.set([
    { fault: { kind: 'slow-body', ms: 600_000 }, match: { operation: 'moveBooking' } },
  ]);
  await fixture.book('apt-1', '11:00', '11:20');
  await eventually(() => fixture.sandbox.bookings(addressOf('nowak')).length === 2);
  const toldBefore = await notified(clinic);
  await push(canceled(fixture, id, 'integration'));
  expect((await state(clinic)).bookings).toMatchObject([{ id, status: 'booked', ref: 'apt-1' }]);
  fixture.sandbox.faults.clear();
  await fixture.untilAtRest();
  const [, moved] = fixture.sandbox.bookings(addressOf('nowak'));
  expect((await state(clinic)).bookings).toMatchObject([
    { id, status: 'moved', moved_to: moved?.id },
    { id: moved?.id, status: 'booked', ref: 'apt-1' },
  ]);
  expect(await notified(clinic)).toEqual(toldBefore);
});

test('a placeholder that the engine moved is not notified, and stays, however late its end is reported', async () => {
  const clinic = await shared({ strategy: 'book' });
  const { fixture, push } = clinic;
  await fixture.untilAtRest();
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  await fixture.book('apt-1', '11:00', '11:20');
  await fixture.untilAtRest();
  const [old] = fixture.sandbox.bookings(addressOf('nowak'));
  const before = await state(clinic);
  await push(canceled(fixture, old?.id ?? '', 'integration'));
  expect(await notified(clinic)).toEqual([]);
  expect(await state(clinic)).toEqual(before);
});

describe("a patient's move to another doctor of the facility", () => {
  const place = {
    facility: { id: 'facility' },
    doctor: { id: 'kot' },
    address: { id: 'address-of-kot' },
  };

  test('occupies the new time at once, and is a conflict with an appointment there', async () => {
    const { clinic, fixture, push, busy, id, items } = await linkedBooking('slots');
    const { facility, doctor, address } = place;
    const kot = { facilityId: facility.id, doctorId: doctor.id, addressId: address.id };
    await fixture.engine.putCalendar({ id: 'kot', account: 'many', ...kot, strategy: 'slots' });
    await fixture.book('apt-kot', '11:10', '11:30', 'kot');
    const { name, data, created_at } = movedBy(fixture, id, '702');
    await push({ name, data: { ...data, ...place }, created_at });
    expect(await busy('kot')).toContainEqual({
      booking: '702',
      start: fixture.at('11:00'),
      end: fixture.at('11:20'),
    });
    expect(await items()).toMatchObject([
      { name: 'slot-booked', calendar: 'nowak' },
      { name: 'booking-moved', calendar: 'kot', booking: '702', ref: null },
      { name: 'conflict', calendar: 'kot', booking: '702', data: { occupancy: { ref: 'apt-kot' } } },
    ]);
    // Its appointment stays where it was, and nothing of the marketplace's hides it any more.
    await fixture.untilAtRest();
    expect(fixture.shown()).not.toContain('10:20');
    await push(canceled(fixture, id, 'user'));
    expect((await notified(clinic)).at(-1)).toMatchObject({ booking: id, ref: null, movedTo: '702' });
  });
});

describe('a move that no notification reported', () => {
  /** Reads the bookings, when push and pull have had the time to tell what is known. */
  async function pollLater({ fixture, timers, call: _ }: NotificationFixture): Promise<void> {
    const { db, now } = { db: fixture.engine.db, now: fixture.engine.now() };
    await fixture.untilAtRest();
    await db
      .updateTable('slotkeeper.bookings')
      .set({ updated_at: new Date(now - 3_600_000) })
      .execute();
    await db.updateTable('slotkeeper.calendars').set({ bookings_read_at: null }).execute();
    await eventually(async () => {
      await timers.advance(SWEEP_MS);
      const unread = db.selectFrom('slotkeeper.calendars').select('id').where('bookings_read_at', 'is', null);
      return (await unread.execute()).length === 0;
    });
  }

  test.each(['the patient', 'the clinic'] as const)('by %s is notified as a move, once', async (who) => {
    const { clinic, fixture, push, id, items, move } = await linkedBooking('slots');
    const moved =
      who === 'the clinic' ? await move('11:00') : fixture.sandbox.move(id, { start: fixture.at('11:00') });
    const to = moved?.id ?? '';
    await pollLater(clinic);
    await pollLater(clinic);
    await pollLater(clinic);
    expect(await items()).toMatchObject([
      { name: 'slot-booked', booking: id },
      {
        name: 'booking-moved',
        booking: to,
        ref: 'apt-1',
        data: { old_visit_booking: { id }, new_visit_booking: { id: to } },
      },
    ]);
    // And what is pushed later repeats it.
    await push(movedBy(fixture, id, to));
    expect(await items()).toHaveLength(2);
    expect((await state(clinic)).bookings).toMatchObject([
      { id, status: 'moved', moved_to: to },
      { id: to, status: 'booked', ref: 'apt-1' },
    ]);
  });
});
