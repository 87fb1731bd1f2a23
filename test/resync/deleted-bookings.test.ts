// A record that has forgotten everything, and what another strategy left in the marketplace: publishing leaves it where it is,
// and a resync finds it by its marks.
import { expect, test } from '@jest/globals';
import type { Strategy } from '../../src/db/schema.js';
import { addressOf, Desk } from '../support/clinic-fixture.js';
import { resync } from './resync-fixture.js';

const BREAK = 'break 11:10-11:30';
const PLACEHOLDER = 'booking 10:20-10:40';
const ALL = ['10:00', '10:20', '10:40', '11:00', '11:20', '11:40'];

const ours = (desk: Desk): readonly string[] => [
  ...desk.sandbox
    .breaks(addressOf('nowak'))
    .map(({ since, till }) => `break ${since.slice(11, 16)}-${till.slice(11, 16)}`),
  ...desk.sandbox
    .bookings(addressOf('nowak'))
    .filter(({ status }) => status === 'booked')
    .map(({ start_at, end_at }) => `booking ${start_at.slice(11, 16)}-${end_at.slice(11, 16)}`),
];

async function takeBoth(desk: Desk): Promise<void> {
  await desk.book('apt-1', '10:20', '10:40');
  await desk.book('apt-2', '11:10', '11:30');
}

/** With `book` a placeholder and a break were made; then the record was lost, and the calendar is published in this way. */
async function forgotten(strategy: Strategy, tellAgain: (desk: Desk) => Promise<void>): Promise<Desk> {
  const desk = await Desk.open({ still: true, strategy: 'book' });
  const open = () => desk.open('nowak', desk.date, { from: '10:00', to: '12:00' });
  await open();
  await desk.rest();
  await takeBoth(desk);
  await desk.rest();
  expect(ours(desk)).toEqual([BREAK, PLACEHOLDER]);
  const tables = ['bookings', 'breaks', 'occupancy', 'windows', 'days', 'events'] as const;
  for (const table of tables) await desk.engine.db.deleteFrom(`slotkeeper.${table}`).execute();
  await desk.strategy(strategy);
  await tellAgain(desk);
  await open();
  await desk.rest();
  return desk;
}

test('with slots a resync clears placeholders, and breaks that hide what is free', async () => {
  const desk = await forgotten('slots', async () => {});
  expect(ours(desk)).toEqual([BREAK, PLACEHOLDER]);
  expect(desk.shown()).toEqual(['10:00', '10:40', '11:40']);
  expect(await resync(desk)).toMatchObject({ differences: { missing: 0, extra: 0, stale: 1 }, writes: 2 });
  expect(ours(desk)).toEqual([]);
  expect(desk.shown()).toEqual(ALL);
  expect(await resync(desk)).toMatchObject({ differences: { stale: 0 }, writes: 0 });
});

test('with slots a break over what is taken stays until that is free, and goes with the resync after', async () => {
  const desk = await forgotten('slots', takeBoth);
  const shown = ['10:00', '10:40', '11:30'];
  expect(desk.shown()).toEqual(shown);
  expect(await resync(desk)).toMatchObject({ differences: { stale: 1 }, writes: 1 });
  expect([ours(desk), desk.shown()]).toEqual([[BREAK], shown]);
  await desk.free('apt-2');
  await desk.rest();
  expect([ours(desk), desk.shown()]).toEqual([[BREAK], ['10:00', '10:40', '11:40']]);
  expect(await resync(desk)).toMatchObject({ differences: { stale: 1 }, writes: 1 });
  expect([ours(desk), desk.shown()]).toEqual([[], ['10:00', '10:40', '11:00', '11:20', '11:40']]);
});

test('with slots all of it goes at once where the calendar is set to book and back', async () => {
  const desk = await forgotten('slots', takeBoth);
  for (const strategy of ['book', 'slots'] as const) {
    await desk.strategy(strategy);
    await desk.rest();
  }
  expect(ours(desk)).toEqual([]);
  expect(desk.shown()).toEqual(['10:00', '10:40', '11:30']);
});

test('with breaks a resync clears placeholders, and breaks go on', async () => {
  const desk = await forgotten('breaks', takeBoth);
  expect(ours(desk)).toEqual([BREAK, 'break 10:20-10:40', PLACEHOLDER]);
  expect(await resync(desk)).toMatchObject({ differences: { stale: 1 }, writes: 1 });
  expect(ours(desk)).toEqual([BREAK, 'break 10:20-10:40']);
  expect(desk.shown()).toEqual(['10:00', '10:40', '11:40']);
});
