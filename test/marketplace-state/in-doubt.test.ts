// Requests in doubt, and the lists of the marketplace that resolve them. Contract: getBookings, Breaks.
import { expect, test } from '@jest/globals';
import { getCalendar } from '../../src/db/tables/calendars.js';
import {
  deleteExpiredInDoubt,
  isBreakInDoubt,
  recordInDoubt,
  toInDoubtBlock,
} from '../../src/db/tables/in-doubt.js';
import type { DocplannerClient } from '../../src/docplanner/index.js';
import { ingestBookings, ingestBreaks } from '../../src/marketplace-state/fetch-state.js';
import { ClinicFixture } from '../support/clinic-fixture.js';

const SECOND = 1_000;

async function open() {
  const fixture = await ClinicFixture.open();
  const { db } = fixture.engine;
  const calendar = await getCalendar(db, 'nowak');
  if (calendar === undefined) throw new Error('there is no calendar');
  const span = { start: Date.parse(fixture.at('10:00')), end: Date.parse(fixture.at('10:20')) };
  const at = Date.parse(fixture.at('08:00'));
  const record = async (before: number) => {
    await recordInDoubt(db, 'nowak', toInDoubtBlock(span), new Date(at - before));
    await recordInDoubt(db, 'nowak', toInDoubtBlock(span, 'apt'), new Date(at - before));
  };
  const kinds = async () => {
    const rows = await db.selectFrom('slotkeeper.in_doubt').select('kind').orderBy('kind').execute();
    return rows.map(({ kind }) => kind);
  };
  /** A list of each kind, requested at `at`. */
  const list = async (from: string, to: string, unreadable: { id: undefined; problem: string }[] = []) => {
    const answer = async () => ({ items: [], unreadable });
    const client = { listBookings: answer, listCalendarBreaks: answer } as unknown as DocplannerClient;
    const context = { db, calendar, client, now: () => at };
    const range = { from: fixture.at(from), to: fixture.at(to) };
    await ingestBookings(context, range);
    await ingestBreaks(context, range);
  };
  return { fixture, db, span, at, record, kinds, list };
}

test('a list resolves the blocks of its time that were requested before it', async () => {
  const { record, kinds, list } = await open();
  await record(10 * SECOND);
  await list('10:20', '23:00');
  expect(await kinds()).toEqual(['break', 'placeholder']);
  // A list of bookings contains those that begin in its range, a list of breaks those that touch it.
  await list('10:10', '23:00');
  expect(await kinds()).toEqual(['placeholder']);
  await list('10:00', '10:01');
  expect(await kinds()).toEqual([]);
});

test('a list does not resolve blocks that were requested after it', async () => {
  const { record, kinds, list } = await open();
  await record(-1);
  await list('00:00', '23:00');
  expect(await kinds()).toEqual(['break', 'placeholder']);
});

test('a list with an unreadable item resolves nothing', async () => {
  const { record, kinds, list } = await open();
  await record(10 * SECOND);
  await list('00:00', '23:00', [{ id: undefined, problem: 'x' }]);
  expect(await kinds()).toEqual(['break', 'placeholder']);
  await list('00:00', '23:00');
  expect(await kinds()).toEqual([]);
});

test('a break is in doubt by its exact times, and expires with them', async () => {
  const { db, span, record, kinds } = await open();
  await record(0);
  expect(await isBreakInDoubt(db, 'nowak', span)).toBe(true);
  expect(await isBreakInDoubt(db, 'nowak', { ...span, end: span.end + SECOND })).toBe(false);
  await deleteExpiredInDoubt(db, new Date(span.end));
  expect(await kinds()).toHaveLength(2);
  await deleteExpiredInDoubt(db, new Date(span.end + 1));
  expect(await kinds()).toEqual([]);
});
