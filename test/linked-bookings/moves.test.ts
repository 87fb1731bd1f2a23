// Moves whose answers are lost, and moves that are refused: what came of them, and that nobody else's visit is taken for it.
import { describe, expect, test } from '@jest/globals';
import { findBookings } from '../../src/db/tables/bookings.js';
import { addressOf, type Desk } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { beforeMovesAreTold, linked, opened, patientBooks, standing } from './booking-fixture.js';

/** @param unread a booking that the marketplace cannot be asked about, the first times */
function lose(desk: Desk, when: 'before' | 'after', unread?: string): void {
  const [match, path] = [{ operation: 'moveBooking' }, `/bookings/${unread}`];
  desk.sandbox.faults.set([
    { fault: { kind: 'cut', when }, match, times: 1 },
    { fault: { kind: 'status', status: 500 }, match: { operation: 'getBooking', path }, times: 2 },
  ]);
}

const refOf = async (desk: Desk, id: string) =>
  (await findBookings(desk.engine.db, 'nowak', [id])).get(id)?.ref;

const move = (desk: Desk, id: string, time: string) =>
  desk.engine.bookings.move('nowak', id, { start: desk.at(time) });

/** The booking that stands at that time, by its id. */
const at = (desk: Desk, time: string): string =>
  desk.sandbox
    .bookings(addressOf('nowak'))
    .find(({ status, start_at }) => status === 'booked' && start_at === desk.at(time))?.id ?? '';

describe('a visit of somebody else, where a booking that moved meanwhile was to go, is left alone', () => {
  test('by an appointment that it follows', async () => {
    const desk = await opened();
    const id = await linked(desk);
    desk.sandbox.move(id, { start: desk.at('11:20') });
    const other = patientBooks(desk, '11:00', { name: 'Maria' });
    await desk.book('apt-1', '11:00', '11:20');
    await desk.rest();
    expect(await refOf(desk, other.id)).toBeFalsy();
    // The one that moved goes on following.
    await desk.free('apt-1');
    await desk.rest();
    expect(standing(desk)).toEqual(['11:00']);
  });

  test('by hand', async () => {
    const desk = await opened();
    const { id } = patientBooks(desk, '10:20');
    await desk.engine.bookings.link('nowak', id, 'apt-1');
    desk.sandbox.move(id, { start: desk.at('11:20') });
    patientBooks(desk, '11:00', { name: 'Maria' });
    await expect(move(desk, id, '11:00')).rejects.toMatchObject({ name: 'ConflictError' });
  });

  test('also after a move there that was lost on its way', async () => {
    const desk = await opened(beforeMovesAreTold());
    const { id } = patientBooks(desk, '10:20');
    await desk.engine.bookings.link('nowak', id, 'apt-1');
    lose(desk, 'before');
    await expect(move(desk, id, '11:00')).rejects.toMatchObject({ mayHaveApplied: true });
    await desk.endLeases();
    desk.sandbox.move(id, { start: desk.at('11:20') });
    const other = patientBooks(desk, '11:00', { name: 'Maria' });
    await expect(move(desk, id, '11:00')).rejects.toMatchObject({ name: 'ConflictError' });
    expect(await refOf(desk, other.id)).toBeFalsy();
  });
});

describe('a booking whose move was lost on the way back', () => {
  test('keeps its link where a reading brought it into the record before', async () => {
    const desk = await opened();
    const id = await linked(desk);
    lose(desk, 'after', id);
    await desk.book('apt-1', '11:00', '11:20');
    await eventually(() => at(desk, '11:00') !== '');
    await desk.until(async () => true);
    await desk.endLeases();
    await desk.engine.bookings.link('nowak', at(desk, '11:00'), null);
    await desk.rest();
    await desk.free('apt-1');
    await desk.rest();
    expect(standing(desk)).toEqual([]);
    expect(desk.requests('moveBooking')).toHaveLength(1);
  });

  test('is found although nobody asks again, and follows from where it is', async () => {
    const desk = await opened();
    const id = await linked(desk);
    lose(desk, 'after');
    await expect(move(desk, id, '11:00')).rejects.toThrow();
    await desk.rest();
    expect(await move(desk, id, '11:00')).toMatchObject({ id: at(desk, '11:00'), ref: 'apt-1' });
    await desk.free('apt-1');
    await desk.rest();
    expect(standing(desk)).toEqual([]);
  });

  test('goes on to where its appointment is by then', async () => {
    const desk = await opened();
    lose(desk, 'after', await linked(desk));
    await desk.book('apt-1', '11:00', '11:20');
    await eventually(() => at(desk, '11:00') !== '');
    await desk.book('apt-1', '11:40', '12:00');
    await desk.rest();
    expect(standing(desk)).toEqual(['11:40']);
    expect(await desk.engine.failures.list()).toEqual([]);
  });
});

test('a move that was lost on its way there is made again', async () => {
  const desk = await opened();
  await linked(desk);
  lose(desk, 'before');
  await desk.book('apt-1', '11:00', '11:20');
  await desk.rest();
  expect(standing(desk)).toEqual(['11:00']);
  expect(desk.requests('moveBooking')).toHaveLength(2);
});

test('a booking of which no service is known moves as what the marketplace says that it is', async () => {
  const desk = await opened();
  const { id } = patientBooks(desk, '10:20');
  await desk.engine.bookings.link('nowak', id, null);
  await desk.engine.db.updateTable('slotkeeper.bookings').set({ service: null }).execute();
  await move(desk, id, '11:00');
  expect(desk.requests('moveBooking')).toMatchObject([{ body: { address_service_id: 'visit' } }]);
});
