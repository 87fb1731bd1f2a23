// A record that has forgotten everything, and what another strategy left in the marketplace: publishing leaves it where it is,
// and a resync finds it by its marks.
import { expect, test } from '@jest/globals';
import type { Strategy } from '../../src/db/schema.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';
import { resync } from './resync-fixture.js';

const BREAK = 'break 11:10-11:30';
const PLACEHOLDER = 'booking 10:20-10:40';
const ALL = ['10:00', '10:20', '10:40', '11:00', '11:20', '11:40'];

const ours = (fixture: ClinicFixture): readonly string[] => [
  ...fixture.sandbox
    .breaks(addressOf('nowak'))
    .map(({ since, till }) => `break ${since.slice(11, 16)}-${till.slice(11, 16)}`),
  ...fixture.sandbox
    .bookings(addressOf('nowak'))
    .filter(({ status }) => status === 'booked')
    .map(({ start_at, end_at }) => `booking ${start_at.slice(11, 16)}-${end_at.slice(11, 16)}`),
];

async function takeBoth(fixture: ClinicFixture): Promise<void> {
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.book('apt-2', '11:10', '11:30');
}

/** With `book` a placeholder and a break were made; then the record was lost, and the calendar is published in this way. */
async function forgotten(
  strategy: Strategy,
  tellAgain: (fixture: ClinicFixture) => Promise<void>,
): Promise<ClinicFixture> {
  const fixture = await ClinicFixture.open({ still: true, strategy: 'book' });
  const open = () => fixture.open('nowak', fixture.date, { from: '10:00', to: '12:00' });
  await open();
  await fixture.untilAtRest();
  await takeBoth(fixture);
  await fixture.untilAtRest();
  expect(ours(fixture)).toEqual([BREAK, PLACEHOLDER]);
  const tables = ['bookings', 'breaks', 'occupancy', 'windows', 'days', 'events'] as const;
  for (const table of tables) await fixture.engine.db.deleteFrom(`slotkeeper.${table}`).execute();
  await fixture.strategy(strategy);
  await tellAgain(fixture);
  await open();
  await fixture.untilAtRest();
  return fixture;
}

test('with slots a resync removes placeholders, and breaks that block free time', async () => {
  const fixture = await forgotten('slots', async () => {});
  expect(ours(fixture)).toEqual([BREAK, PLACEHOLDER]);
  expect(fixture.shown()).toEqual(['10:00', '10:40', '11:40']);
  expect(await resync(fixture)).toMatchObject({ differences: { missing: 0, extra: 0, stale: 1 }, writes: 2 });
  expect(ours(fixture)).toEqual([]);
  expect(fixture.shown()).toEqual(ALL);
  expect(await resync(fixture)).toMatchObject({ differences: { stale: 0 }, writes: 0 });
});

test('with slots a break over busy time stays until the time is free, and the next resync deletes it', async () => {
  const fixture = await forgotten('slots', takeBoth);
  const shown = ['10:00', '10:40', '11:30'];
  expect(fixture.shown()).toEqual(shown);
  expect(await resync(fixture)).toMatchObject({ differences: { stale: 1 }, writes: 1 });
  expect([ours(fixture), fixture.shown()]).toEqual([[BREAK], shown]);
  await fixture.free('apt-2');
  await fixture.untilAtRest();
  expect([ours(fixture), fixture.shown()]).toEqual([[BREAK], ['10:00', '10:40', '11:40']]);
  expect(await resync(fixture)).toMatchObject({ differences: { stale: 1 }, writes: 1 });
  expect([ours(fixture), fixture.shown()]).toEqual([[], ['10:00', '10:40', '11:00', '11:20', '11:40']]);
});

test('with slots all blocks are removed at once where the strategy changes to book and back', async () => {
  const fixture = await forgotten('slots', takeBoth);
  for (const strategy of ['book', 'slots'] as const) {
    await fixture.strategy(strategy);
    await fixture.untilAtRest();
  }
  expect(ours(fixture)).toEqual([]);
  expect(fixture.shown()).toEqual(['10:00', '10:40', '11:30']);
});

test('with breaks a resync removes placeholders, and keeps breaks', async () => {
  const fixture = await forgotten('breaks', takeBoth);
  expect(ours(fixture)).toEqual([BREAK, 'break 10:20-10:40', PLACEHOLDER]);
  expect(await resync(fixture)).toMatchObject({ differences: { stale: 1 }, writes: 1 });
  expect(ours(fixture)).toEqual([BREAK, 'break 10:20-10:40']);
  expect(fixture.shown()).toEqual(['10:00', '10:40', '11:40']);
});
