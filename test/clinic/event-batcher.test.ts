// Events that arrive together are applied together, and each request gets its own answer.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { EventBatcher } from '../../src/clinic/event-batcher.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { lockCalendars } from '../../src/db/tables/locked-calendars.js';
import type { PendingCalendar } from '../../src/db/tables/pending-calendars.js';
import { systemTimers } from '../../src/lib/timers.js';
import { calendar, ENCRYPTOR, NOW } from '../db/seed-rows.js';
import { useDatabase } from '../db/use-database.js';
import { eventually } from '../support/eventually.js';

const date = '2026-11-16';
const CALENDARS = ['nowak', 'lis', 'wilk', 'sowa', 'kos', 'bury'];

let count = 0;
const occupied = (of: string, ref = 'apt') => {
  count += 1;
  const span = { start: `${date}T10:00`, end: `${date}T10:10` };
  return { id: `evt-${count}`, type: 'occupied', calendar: of, ref, ...span };
};

describe('the event batcher', () => {
  const record = useDatabase();
  let enqueued: (readonly PendingCalendar[])[];
  let intake: EventBatcher;

  beforeEach(async () => {
    for (const [n, id] of CALENDARS.entries()) {
      await putCalendar(record.db, calendar({ id, doctorId: `${n}`, addressId: `${n}` }), NOW);
    }
    enqueued = [];
    intake = new EventBatcher({
      db: record.db,
      encryptor: ENCRYPTOR,
      now: () => NOW.getTime(),
      timers: systemTimers,
      enqueuer: { enqueue: async (calendars) => void enqueued.push(calendars) },
      delivery: { enqueue: () => undefined },
    });
  });

  const known = async (): Promise<string[]> => {
    const { rows } = await sql<{ calendar_id: string; ref: string }>`
      SELECT calendar_id, ref FROM slotkeeper.occupancy ORDER BY calendar_id, ref`.execute(record.db);
    return rows.map((row) => `${row.calendar_id} ${row.ref}`);
  };

  /** How many transactions have written occupancy. */
  const transactions = async (): Promise<number> => {
    const { rows } = await sql<{ n: string }>`
      SELECT count(DISTINCT xmin::text) AS n FROM slotkeeper.occupancy`.execute(record.db);
    return Number(rows[0]?.n);
  };

  /** Locks calendars as another transaction does, until it is told to end. */
  async function locking(ids: readonly string[]): Promise<() => Promise<void>> {
    const tx = await record.db.startTransaction().execute();
    await lockCalendars(tx, ids);
    return async () => void (await tx.rollback().execute());
  }

  test('applies batches that arrive together in one transaction, with a result for each', async () => {
    const first = occupied('nowak');
    const [one, two, three] = await Promise.all([
      intake.apply({ events: [first, { ...first, id: 'wrong', calendar: 'nobody' }] }),
      intake.apply({ events: [occupied('lis'), { ...first, ref: 'other' }] }),
      intake.apply({ events: [{ ...occupied('wilk'), verison: 1 }] }),
    ]);
    expect(one).toMatchObject({ accepted: 1, duplicates: 0, rejected: [{ index: 1, id: 'wrong' }] });
    expect(two).toMatchObject({ accepted: 1, duplicates: 1, rejected: [], differing: [{ index: 1 }] });
    expect(three).toMatchObject({ accepted: 0, rejected: [{ index: 0 }] });
    expect(await known()).toEqual(['lis apt', 'nowak apt']);
    expect(await transactions()).toBe(1);
  });

  test('fails only the events that the database refuses', async () => {
    await sql`
      CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'refused'; END $$`.execute(record.db);
    await sql`
      CREATE TRIGGER refuse BEFORE INSERT ON slotkeeper.occupancy FOR EACH ROW WHEN (NEW.ref = 'bad')
      EXECUTE FUNCTION public.refuse()`.execute(record.db);
    try {
      const outcomes = await Promise.allSettled([
        intake.apply({ events: [occupied('nowak')] }),
        intake.apply({ events: [occupied('lis', 'bad')] }),
        intake.apply({ events: [occupied('wilk')] }),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await known()).toEqual(['nowak apt', 'wilk apt']);
    } finally {
      await sql`DROP TRIGGER refuse ON slotkeeper.occupancy`.execute(record.db);
    }
  });

  test('delays only the events of a locked calendar', async () => {
    const unlock = await locking(['nowak']);
    const waiting = ['a', 'b', 'c'].map((ref) => intake.apply({ events: [occupied('nowak', ref)] }));
    for (const ref of ['a', 'b', 'c']) await intake.apply({ events: [occupied('lis', ref)] });
    expect(await known()).toEqual(['lis a', 'lis b', 'lis c']);
    await unlock();
    const results = await Promise.all(waiting);
    expect(results.map(({ accepted }) => accepted)).toEqual([1, 1, 1]);
    expect((await known()).slice(3)).toEqual(['nowak a', 'nowak b', 'nowak c']);
  });

  test('applies events of more locked calendars than it waits for at once', async () => {
    const locks = await Promise.all(CALENDARS.slice(0, 5).map((id) => locking([id])));
    const waiting = CALENDARS.slice(0, 5).map((id) => intake.apply({ events: [occupied(id)] }));
    await intake.apply({ events: [occupied('bury')] });
    // The last of them gets no connection to wait on: it is tried again.
    await locks.at(-1)?.();
    await eventually(async () => (await known()).includes('kos apt'));
    for (const unlock of locks.slice(0, -1)) await unlock();
    await Promise.all(waiting);
    expect(await known()).toHaveLength(6);
  });

  test('applies a request with many calendars when all of them are free', async () => {
    const unlock = await locking(['lis']);
    const request = intake.apply({ events: CALENDARS.map((id) => occupied(id)) });
    await intake.apply({ events: [occupied('sowa', 'other')] });
    expect(await known()).toEqual(['sowa other']);
    await unlock();
    expect(await request).toMatchObject({ accepted: 6 });
  });
});
