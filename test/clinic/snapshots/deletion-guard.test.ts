import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Db } from '../../../src/db/schema.js';
import { putCalendar } from '../../../src/db/tables/calendars.js';
import {
  countHeldDays,
  deleteExpiredHeldChanges,
  findHeldDates,
  type HeldChange,
} from '../../../src/db/tables/held-changes.js';
import { HeldChanges } from '../../../src/maintenance/held-changes.js';
import { calendar, NOW } from '../../db/seed-rows.js';
import { useDatabase } from '../../db/use-database.js';
import { Clinic, DAY, NEXT, open, START, taken } from './snapshot-fixture.js';

const DAYS = [DAY, NEXT, '2026-11-18', '2026-11-19'] as const;
const [FIRST, LAST] = [DAY, '2026-11-19'];
const half = { share: 0.5 };
const held = { deletionGuard: half };

/** Ten appointments of a morning. */
const morning = Array.from({ length: 10 }, (_, n) =>
  taken(`apt-${n}`, `09:${n}0`.slice(0, 5), `09:${n}5`.slice(0, 5)),
);
const appointments = morning.slice(0, 6);

describe('holds', () => {
  const record = useDatabase();
  let clinic: Clinic;
  let holds: HeldChanges;
  let enqueued: string[];

  beforeEach(async () => {
    clinic = new Clinic(record.db);
    enqueued = [];
    const enqueue = async (id: string) => {
      enqueued.push(id);
    };
    holds = new HeldChanges({
      db: record.db,
      enqueuer: { enqueueCalendar: enqueue },
      now: () => START + 10_000,
    });
  });

  const openAll = (at = 0) =>
    clinic.available(
      at,
      FIRST,
      LAST,
      DAYS.map((date) => open(date)),
    );
  const days = async () => {
    const horizon = { account: 'warsaw', from: '2026-11-09', to: '2027-01-31' };
    return [...(await countHeldDays(record.db, [horizon])).values()].reduce((sum, n) => sum + n, 0);
  };
  const windowsOn = (dates: readonly string[]) =>
    dates.map((date) => `${date.slice(5)}T08:00 ${date.slice(5)}T18:00`);

  test('a deletion of half of the future state is applied, of more than half is held', async () => {
    await openAll();
    const half = await clinic.snapshot(
      1,
      { to: LAST, windows: DAYS.slice(2).map((date) => open(date)) },
      held,
    );
    expect(half).toMatchObject({ changedDays: 2, held: null });
    await openAll(2);
    const more = await clinic.snapshot(3, { to: LAST, windows: [open(LAST, '08:00', '17:50')] }, held);
    expect(more).toMatchObject({
      changedDays: 0,
      held: {
        losses: [{ scope: 'calendar', of: 'windows', lost: 1810, total: 2400 }],
        dates: DAYS,
        releases: 0,
      },
    });
    expect(await clinic.windows(FIRST, LAST)).toEqual(windowsOn(DAYS));
    expect(await days()).toBe(4);
    expect(await findHeldDates(record.db, 'nowak', NEXT, '2026-11-18')).toEqual(
      new Set([NEXT, '2026-11-18']),
    );
  });

  test('the share is configurable, and nothing is held where the guard is off', async () => {
    await openAll();
    const three = { to: LAST, windows: [open(LAST)] };
    expect(await clinic.snapshot(1, three, { deletionGuard: { share: 0.75 } })).toMatchObject({ held: null });
    expect(await clinic.snapshot(2, { to: LAST }, { deletionGuard: undefined })).toMatchObject({
      held: null,
    });
    expect(await clinic.windows(FIRST, LAST)).toEqual([]);
  });

  test('emptying a calendar is held, whatever the share', async () => {
    await openAll();
    expect(await clinic.snapshot(1, { to: LAST }, { deletionGuard: { share: 1 } })).toMatchObject({
      held: { losses: [{ scope: 'calendar', of: 'windows', lost: 2400, total: 2400 }] },
    });
  });

  test('the past does not count, nor does the time beyond twelve weeks', async () => {
    await clinic.available(0, '2026-11-02', '2026-11-02', [open('2026-11-02')]);
    await clinic.available(0, '2027-02-15', '2027-02-15', [open('2027-02-15')]);
    expect(await clinic.snapshot(1, { from: '2026-11-02', to: '2027-02-15' }, held)).toMatchObject({
      held: null,
    });
  });

  test('a held change does not delay additions and closings', async () => {
    await openAll();
    await clinic.occupied(0, 'moves', '09:00', '09:10');
    await clinic.occupied(0, 'missing', '10:00', '10:10');
    const result = await clinic.snapshot(
      1,
      {
        to: LAST,
        windows: [open(DAY, '17:00', '20:00')],
        occupancy: [taken('moves', '11:00', '11:10'), taken('new', '12:00', '12:10')],
      },
      held,
    );
    expect(result).toMatchObject({ occupied: 2, released: 0, changedDays: 1, held: { releases: 1 } });
    expect(await clinic.taken()).toEqual({
      moves: '11-16T11:00 11-16T11:10',
      missing: '11-16T10:00 11-16T10:10',
      new: '11-16T12:00 11-16T12:10',
    });
    expect(await clinic.windows(DAY, DAY)).toEqual(['11-16T08:00 11-16T18:00', '11-16T18:00 11-16T20:00']);
  });

  test('a release of all appointments under unchanged windows is held, of a few is not', async () => {
    await openAll();
    const windows = DAYS.map((date) => open(date));
    await clinic.snapshot(1, { to: LAST, windows, occupancy: appointments }, held);
    const few = { to: LAST, windows, occupancy: appointments.slice(0, 3) };
    expect(await clinic.snapshot(2, few, held)).toMatchObject({ released: 3, held: null });
    await clinic.snapshot(3, { to: LAST, windows, occupancy: appointments }, held);
    expect(await clinic.snapshot(4, { to: LAST, windows }, held)).toMatchObject({
      released: 0,
      held: {
        losses: [{ scope: 'calendar', of: 'occupancies', lost: 6, total: 6 }],
        dates: [DAY],
        releases: 6,
      },
    });
    expect(Object.keys(await clinic.taken())).toHaveLength(6);
    expect(await days()).toBe(1);
  });

  test('a release of all future appointments is held if there are two, whatever the share; of a single one it is not', async () => {
    await openAll();
    const windows = DAYS.map((date) => open(date));
    const all = { deletionGuard: { share: 1 } };
    await clinic.occupied(0, 'is over', '2026-11-02T09:00', '2026-11-02T09:10');
    await clinic.snapshot(1, { to: LAST, windows, occupancy: appointments.slice(0, 4) }, all);
    expect(await clinic.snapshot(2, { to: LAST, windows }, all)).toMatchObject({
      released: 0,
      held: { losses: [{ scope: 'calendar', of: 'occupancies', lost: 4, total: 4 }], releases: 4 },
    });
    const others = { to: LAST, windows, occupancy: [taken('another', '15:00', '15:10')] };
    expect(await clinic.snapshot(3, others, all)).toMatchObject({ released: 4, held: null });
    await clinic.snapshot(4, { to: LAST, windows, occupancy: appointments.slice(0, 4) }, all);
    const one = { to: LAST, windows, occupancy: appointments.slice(0, 1) };
    expect(await clinic.snapshot(5, one, all)).toMatchObject({ released: 3, held: null });
    expect(await clinic.snapshot(6, { to: LAST, windows }, all)).toMatchObject({ released: 1, held: null });
  });

  test('windows in which nothing is bookable any more count as deleted', async () => {
    await openAll();
    const useless = DAYS.map((date) => ({ ...open(date), services: [{ id: '123', duration: 1_000 }] }));
    expect(await clinic.snapshot(1, { to: LAST, windows: useless }, held)).toMatchObject({
      changedDays: 0,
      held: { losses: [{ scope: 'calendar', of: 'windows', lost: 2400, total: 2400 }] },
    });
  });

  describe('within one run', () => {
    const others = ['a', 'b', 'c', 'd'];

    beforeEach(async () => {
      for (const [n, id] of others.entries()) {
        await putCalendar(record.db, calendar({ id, doctorId: `${n}` }), NOW);
        await new Clinic(record.db, id).available(0, DAY, NEXT, [open(DAY), open(NEXT)]);
      }
    });

    const lose = async (id: string, body: object, run = 'night') =>
      (await new Clinic(record.db, id).snapshot(1, body, { ...held, run })).held?.losses ?? null;
    /** Of 1,200 minutes in each, 4,800 in all. */
    const emptied = { from: DAY, to: NEXT };
    const halved = { from: NEXT, to: NEXT };

    test('the deletions of all calendars of an account count together, also the held ones', async () => {
      const calendarsOwn = { scope: 'calendar', of: 'windows', lost: 1200, total: 1200 };
      expect(await lose('a', emptied)).toEqual([calendarsOwn]);
      expect(await lose('b', emptied)).toEqual([calendarsOwn]);
      // By itself it would not be too much.
      expect(await lose('c', halved)).toEqual([{ scope: 'account', of: 'windows', lost: 3000, total: 4800 }]);
      expect(await new Clinic(record.db, 'c').windows()).toHaveLength(2);
    });

    test('an account may lose the share that each of its calendars may lose', async () => {
      for (const id of others) expect(await lose(id, halved, 'another night')).toBeNull();
    });

    test('parts of one calendar count together too', async () => {
      await openAll();
      const day = (date: string) => clinic.snapshot(1, { from: date, to: date }, { ...held, run: 'r' });
      expect((await day(DAYS[0])).held).toBeNull();
      expect((await day(DAYS[1])).held).toBeNull();
      expect((await day(DAYS[2])).held?.losses[0]).toEqual({
        scope: 'calendar',
        of: 'windows',
        lost: 1800,
        total: 2400,
      });
    });
  });

  test('a release of all appointments is held too, where each day is a snapshot of its own in one run', async () => {
    await openAll();
    for (const [n, date] of DAYS.entries()) {
      await clinic.occupied(0, `apt-${n}`, `${date}T09:00`, `${date}T09:10`);
    }
    const day = (date: string) =>
      clinic.snapshot(1, { from: date, to: date, windows: [open(date)] }, { ...held, run: 'r' });
    for (const date of DAYS.slice(0, 3)) {
      expect(await day(date)).toMatchObject({ released: 1, held: null });
    }
    expect(await day(LAST)).toMatchObject({ released: 0, held: { releases: 1 } });
  });

  describe('a person', () => {
    const emptied = async () => {
      await openAll();
      for (const { ref, start, end } of appointments) await clinic.occupied(0, ref, start, end);
      const { held: hold } = await clinic.snapshot(1, { to: LAST }, held);
      return hold?.id ?? '';
    };

    /** The same, said again of what is as it was. */
    const emptiedAgain = async (at: number): Promise<void> => {
      const { held: hold } = await clinic.snapshot(at, { to: LAST }, held);
      expect(hold).toMatchObject({ dates: DAYS });
    };

    test('sees what is held, and since when', async () => {
      const id = await emptied();
      expect(await holds.list()).toEqual([
        {
          id,
          calendar: 'nowak',
          cause: 'snapshot',
          from: FIRST,
          to: LAST,
          saidAt: new Date(START + 1_000).toISOString(),
          heldAt: new Date(START + 1_000).toISOString(),
          losses: [
            { scope: 'calendar', of: 'windows', lost: 2400, total: 2400 },
            { scope: 'calendar', of: 'occupancies', lost: 6, total: 6 },
          ],
          dates: DAYS,
          releases: 6,
        },
      ]);
    });

    test('approves it: the held change is applied, and its calendar is enqueued', async () => {
      const id = await emptied();
      await record.db.updateTable('slotkeeper.calendars').set({ queued_priority: null }).execute();
      const marked = await clinic.marked(async () => {
        expect(await holds.settle('release', [id, '999', 'nonsense'])).toEqual({
          done: 1,
          unknown: ['999', 'nonsense'],
        });
      });
      expect(marked).toEqual(DAYS);
      expect(enqueued).toEqual(['nowak']);
      expect(await clinic.windows(FIRST, LAST)).toEqual([]);
      expect(await clinic.taken()).toEqual({});
      expect([await days(), await holds.list()]).toEqual([0, []]);
      expect(await holds.settle('release', [id])).toEqual({ done: 0, unknown: [id] });
    });

    test('approves it, and newer state stays', async () => {
      const id = await emptied();
      await clinic.available(2, NEXT, NEXT, [open(NEXT, '09:00', '10:00')]);
      await clinic.occupied(2, 'apt-1', '12:00', '12:10');
      await clinic.occupied(2, 'new', '13:00', '13:10');
      expect(await findHeldDates(record.db, 'nowak', FIRST, LAST)).toEqual(
        new Set([DAY, '2026-11-18', LAST]),
      );
      await holds.settle('release', [id]);
      expect(await clinic.windows(FIRST, LAST)).toEqual(['11-17T09:00 11-17T10:00']);
      expect(await clinic.taken()).toEqual({
        'apt-1': '11-16T12:00 11-16T12:10',
        new: '11-16T13:00 11-16T13:10',
      });
    });

    test('drops it: the state stays', async () => {
      const id = await emptied();
      expect(await holds.settle('drop', [id])).toEqual({ done: 1, unknown: [] });
      expect(await clinic.windows(FIRST, LAST)).toEqual(windowsOn(DAYS));
      expect([await days(), await holds.list()]).toEqual([0, []]);
      expect(await holds.settle('drop', [id])).toEqual({ done: 0, unknown: [id] });
    });

    test('finds the held change of the newer snapshot of its dates instead', async () => {
      const id = await emptied();
      const again = await clinic.snapshot(2, { to: LAST }, held);
      expect((await holds.list()).map((item) => item.id)).toEqual([again.held?.id]);
      expect(again.held?.id).not.toBe(id);
      const windows = DAYS.map((date) => open(date));
      await clinic.snapshot(3, { to: LAST, windows, occupancy: appointments }, held);
      expect([await days(), await holds.list()]).toEqual([0, []]);
    });

    test('finds only the held dates that a newer snapshot does not cover', async () => {
      const id = await emptied();
      await clinic.snapshot(2, { windows: [open(DAY)], occupancy: appointments }, held);
      expect(await holds.list()).toMatchObject([{ id, dates: DAYS.slice(1) }]);
      await holds.settle('release', [id]);
      expect(await clinic.windows(FIRST, LAST)).toEqual(windowsOn([DAY]));
      expect(Object.keys(await clinic.taken())).toHaveLength(6);
    });

    test('finds no held change once a correct snapshot of the same range arrives a day later', async () => {
      const id = await emptied();
      const [, ...rest] = DAYS;
      const windows = rest.map((date) => open(date));
      const range = { from: NEXT, to: '2026-11-20', windows };
      // Of the same moment it is another part of the same night.
      await clinic.snapshot(1, range, held);
      expect(await holds.list()).toMatchObject([{ id, dates: [DAY] }]);
      await holds.settle('drop', [id]);

      await emptiedAgain(2);
      await clinic.snapshot(3, range, held);
      expect([await days(), await holds.list()]).toEqual([0, []]);

      await emptiedAgain(4);
      await clinic.snapshot(5, { from: LAST, to: LAST, windows: [open(LAST)] }, held);
      expect(await holds.list()).toMatchObject([{ dates: DAYS.slice(0, -1) }]);
    });

    test('finds one held change night after night, whose dates advance with the days', async () => {
      await emptied();
      const next = await clinic.snapshot(2, { from: NEXT, to: '2026-11-20' }, held);
      expect(await holds.list()).toMatchObject([{ id: next.held?.id, dates: DAYS.slice(1) }]);
      await deleteExpiredHeldChanges(record.db, LAST);
      expect(await holds.list()).toMatchObject([{ id: next.held?.id, dates: [LAST] }]);
      await deleteExpiredHeldChanges(record.db, '2026-11-20');
      expect(await holds.list()).toEqual([]);
    });

    test('sees only the dates within the range of a long absence', async () => {
      await openAll();
      await clinic.occupied(0, 'away', `${LAST}T08:00`, '2026-12-03T18:00');
      for (const { ref, start, end } of appointments) await clinic.occupied(0, ref, start, end);
      const { held: hold } = await clinic.snapshot(
        1,
        { to: LAST, windows: DAYS.map((date) => open(date)) },
        held,
      );
      expect(hold).toMatchObject({ dates: [DAY, LAST], releases: 7 });
      await clinic.snapshot(
        2,
        {
          to: LAST,
          windows: DAYS.map((date) => open(date)),
          occupancy: [...appointments, taken('away', `${LAST}T08:00`, '2026-12-03T18:00')],
        },
        held,
      );
      expect(await holds.list()).toEqual([]);
    });

    test('is notified of a held change in the transaction that saves it', async () => {
      await openAll();
      const told: { hold: HeldChange; isAgain: boolean }[] = [];
      const onHeld = async (_: Db, hold: HeldChange, isAgain: boolean) => {
        told.push({ hold, isAgain });
      };
      const first = await clinic.snapshot(1, { to: LAST }, { ...held, onHeld });
      await clinic.snapshot(2, { to: LAST }, { ...held, onHeld });
      expect(told).toMatchObject([
        { hold: { id: first.held?.id, calendar: 'nowak' }, isAgain: false },
        { hold: { calendar: 'nowak' }, isAgain: true },
      ]);
      const fails = async () => {
        throw new Error('cannot be told');
      };
      await expect(clinic.snapshot(3, { to: LAST }, { ...held, onHeld: fails })).rejects.toThrow('told');
      expect((await holds.list()).map(({ id }) => id)).toEqual([told[1]?.hold.id]);
    });
  });

  test('an event is never held', async () => {
    await openAll();
    await clinic.available(1, FIRST, LAST, []);
    expect([await clinic.windows(FIRST, LAST), await holds.list()]).toEqual([[], []]);
  });
});
