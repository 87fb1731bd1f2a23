// Moves whose answers are lost, and moves that are refused: what came of them, and that nobody else's visit is taken for it.
import { describe, expect, test } from '@jest/globals';
import { findBookings } from '../../src/db/tables/bookings.js';
import { addressOf, type ClinicFixture } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { bookedBookings, linked, openFixture, patientBooks, withoutMoving } from './booking-fixture.js';

/** @param unread a booking that the marketplace cannot be asked about, the first times */
function loseAnswer(fixture: ClinicFixture, when: 'before' | 'after', unread?: string): void {
  const [match, path] = [{ operation: 'moveBooking' }, `/bookings/${unread}`];
  fixture.sandbox.faults.set([
    { fault: { kind: 'cut', when }, match, times: 1 },
    { fault: { kind: 'status', status: 500 }, match: { operation: 'getBooking', path }, times: 2 },
  ]);
}

const refOf = async (fixture: ClinicFixture, id: string) =>
  (await findBookings(fixture.engine.db, 'nowak', [id])).get(id)?.ref;

const move = (fixture: ClinicFixture, id: string, time: string) =>
  fixture.engine.bookings.move('nowak', id, { start: fixture.at(time) });

/** The booking that stands at that time, by its id. */
const at = (fixture: ClinicFixture, time: string): string =>
  fixture.sandbox
    .bookings(addressOf('nowak'))
    .find(({ status, start_at }) => status === 'booked' && start_at === fixture.at(time))?.id ?? '';

describe("another patient's booking at the target of a move stays unchanged", () => {
  test('when the move follows an appointment', async () => {
    const fixture = await openFixture();
    const id = await linked(fixture);
    fixture.sandbox.move(id, { start: fixture.at('11:20') });
    const other = patientBooks(fixture, '11:00', { name: 'Maria' });
    await fixture.book('apt-1', '11:00', '11:20');
    await fixture.untilAtRest();
    expect(await refOf(fixture, other.id)).toBeFalsy();
    // The one that moved goes on following.
    await fixture.free('apt-1');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual(['11:00']);
  });

  test('when the move is requested by hand', async () => {
    const fixture = await openFixture();
    const { id } = patientBooks(fixture, '10:20');
    await fixture.engine.bookings.link('nowak', id, 'apt-1');
    fixture.sandbox.move(id, { start: fixture.at('11:20') });
    patientBooks(fixture, '11:00', { name: 'Maria' });
    await expect(move(fixture, id, '11:00')).rejects.toMatchObject({ name: 'ConflictError' });
  });

  test('also after a move request that was lost', async () => {
    const fixture = await openFixture(withoutMoving());
    const { id } = patientBooks(fixture, '10:20');
    await fixture.engine.bookings.link('nowak', id, 'apt-1');
    loseAnswer(fixture, 'before');
    await expect(move(fixture, id, '11:00')).rejects.toMatchObject({ mayHaveApplied: true });
    await fixture.endLeases();
    fixture.sandbox.move(id, { start: fixture.at('11:20') });
    const other = patientBooks(fixture, '11:00', { name: 'Maria' });
    await expect(move(fixture, id, '11:00')).rejects.toMatchObject({ name: 'ConflictError' });
    expect(await refOf(fixture, other.id)).toBeFalsy();
  });
});

describe('a booking whose move got no answer', () => {
  test('keeps its link where a read stored its successor before', async () => {
    const fixture = await openFixture();
    const id = await linked(fixture);
    loseAnswer(fixture, 'after', id);
    await fixture.book('apt-1', '11:00', '11:20');
    await eventually(() => at(fixture, '11:00') !== '');
    await fixture.until(async () => true);
    await fixture.endLeases();
    await fixture.engine.bookings.link('nowak', at(fixture, '11:00'), null);
    await fixture.untilAtRest();
    await fixture.free('apt-1');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual([]);
    expect(fixture.requests('moveBooking')).toHaveLength(1);
  });

  test('is found without a repeated request, and follows from its new time', async () => {
    const fixture = await openFixture();
    const id = await linked(fixture);
    loseAnswer(fixture, 'after');
    await expect(move(fixture, id, '11:00')).rejects.toThrow();
    await fixture.untilAtRest();
    expect(await move(fixture, id, '11:00')).toMatchObject({ id: at(fixture, '11:00'), ref: 'apt-1' });
    await fixture.free('apt-1');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual([]);
  });

  test('moves on to the present time of its appointment', async () => {
    const fixture = await openFixture();
    loseAnswer(fixture, 'after', await linked(fixture));
    await fixture.book('apt-1', '11:00', '11:20');
    await eventually(() => at(fixture, '11:00') !== '');
    await fixture.book('apt-1', '11:40', '12:00');
    await fixture.untilAtRest();
    expect(bookedBookings(fixture)).toEqual(['11:40']);
    expect(await fixture.engine.failures.list()).toEqual([]);
  });
});

test('a move request that was lost is sent again', async () => {
  const fixture = await openFixture();
  await linked(fixture);
  loseAnswer(fixture, 'before');
  await fixture.book('apt-1', '11:00', '11:20');
  await fixture.untilAtRest();
  expect(bookedBookings(fixture)).toEqual(['11:00']);
  expect(fixture.requests('moveBooking')).toHaveLength(2);
});

test('a booking without a known service moves with the service that the marketplace returns', async () => {
  const fixture = await openFixture();
  const { id } = patientBooks(fixture, '10:20');
  await fixture.engine.bookings.link('nowak', id, null);
  await fixture.engine.db.updateTable('slotkeeper.bookings').set({ service: null }).execute();
  await move(fixture, id, '11:00');
  expect(fixture.requests('moveBooking')).toMatchObject([{ body: { address_service_id: 'visit' } }]);
});
