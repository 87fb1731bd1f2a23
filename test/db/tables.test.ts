import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { LOWEST_PRIORITY } from '../../src/core/index.js';
import { type Database, openDatabase } from '../../src/db/database.js';
import { deleteAccount, getAccount, putAccount } from '../../src/db/tables/accounts.js';
import { recordCalendarRefused } from '../../src/db/tables/calendar-retries.js';
import { deleteCalendar, getCalendar, putCalendar } from '../../src/db/tables/calendars.js';
import {
  findPendingDays,
  listDays,
  markDays,
  recordPublishedDays,
  saveFailedDays,
} from '../../src/db/tables/days.js';
import { listFailedDays, retryFailedCalendars } from '../../src/db/tables/failures.js';
import { countPendingDays, findPendingCalendars } from '../../src/db/tables/pending-calendars.js';
import { listWindows, saveWindows } from '../../src/db/tables/windows.js';
import { deleteAllRows, postgresDatabase } from './databases.js';
import { account, calendar, ENCRYPTOR, NOW, slot, window } from './seed-rows.js';

const DAY = '2026-11-16';

describe('the tables', () => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase({ url: await postgresDatabase() });
  });

  beforeEach(async () => {
    await deleteAllRows(database.db);
  });

  afterAll(async () => {
    await database.close();
  });

  describe('an account', () => {
    test('that is put unchanged changes nothing, so its days stay published', async () => {
      const { db } = database;
      await publishDay();
      expect(await putAccount(db, account(), NOW, ENCRYPTOR)).toBe(false);
      expect(await findPendingDays(db, 'nowak', DAY, DAY, NOW, 9)).toEqual([]);
    });

    test('with another limit retries what failed, and marks no day dirty', async () => {
      const { db } = database;
      await publishDay();
      await recordCalendarRefused(
        db,
        calendar(),
        { reason: 'forbidden', leavesOnSale: false, tried: [] },
        NOW,
        1,
      );
      const limits = { ...account().limits, writesPerMinute: 5 };
      expect(await putAccount(db, account({ limits }), NOW, ENCRYPTOR)).toBe(true);
      expect(await getAccount(db, 'warsaw')).toMatchObject({ limits });
      expect(await getCalendar(db, 'nowak')).not.toHaveProperty('failed');
      expect(await findPendingDays(db, 'nowak', DAY, DAY, NOW, 9)).toEqual([]);
    });

    test.each([{ baseUrl: 'http://other' }, { clientId: 'other' }, { timeZone: 'Europe/Madrid' }])(
      'with another %o marks all its days dirty',
      async (change) => {
        const { db } = database;
        await publishDay();
        await putAccount(db, account(change), NOW, ENCRYPTOR);
        expect(await findPendingDays(db, 'nowak', DAY, DAY, NOW, 9)).toMatchObject([
          { date: DAY, published: null, verified: false, pendingSince: NOW },
        ]);
      },
    );

    test('is deleted only without calendars', async () => {
      const { db } = database;
      await putAccount(db, account(), NOW, ENCRYPTOR);
      await putCalendar(db, calendar(), NOW);
      await expect(deleteAccount(db, 'warsaw', NOW)).rejects.toThrow(/foreign key/);
      expect(await deleteCalendar(db, 'nowak', NOW)).toBe(true);
      expect(await deleteAccount(db, 'warsaw', NOW)).toBe(true);
      expect(await deleteAccount(db, 'warsaw', NOW)).toBe(false);
    });
  });

  describe('a calendar', () => {
    test('ignores a refusal of its state before it was changed or its failure was reset', async () => {
      const { db } = database;
      const refuse = async () => {
        const before = await getCalendar(db, 'nowak');
        if (before === undefined) throw new Error('there is no calendar');
        return () =>
          recordCalendarRefused(db, before, { reason: 'forbidden', leavesOnSale: false, tried: [] }, NOW, 1);
      };
      await publishDay();
      const first = await refuse();
      expect(await first()).toBe(1);
      const second = await refuse();
      expect(await retryFailedCalendars(db, ['nowak'])).toEqual(['nowak']);
      expect(await second()).toBeUndefined();
      const third = await refuse();
      await putCalendar(db, calendar({ bufferAfter: 5 }), NOW);
      expect(await third()).toBeUndefined();
      expect(await getCalendar(db, 'nowak')).not.toHaveProperty('failed');
    });

    test('that changes marks all its days dirty and is retried', async () => {
      const { db } = database;
      await publishDay();
      await recordCalendarRefused(
        db,
        calendar(),
        { reason: 'forbidden', leavesOnSale: false, tried: [] },
        NOW,
        1,
      );
      expect(await getCalendar(db, 'nowak')).toMatchObject({ failed: { reason: 'forbidden', at: NOW } });
      expect(await putCalendar(db, calendar({ bufferAfter: 5 }), NOW)).toBe(true);
      expect(await getCalendar(db, 'nowak')).toEqual(calendar({ bufferAfter: 5 }));
      const slots = expect.any(Array);
      expect(await findPendingDays(db, 'nowak', DAY, DAY, NOW, 9)).toMatchObject([
        { date: DAY, published: slots },
      ]);
    });

    test('that moves to another address has nothing published there', async () => {
      const { db } = database;
      await publishDay();
      await putCalendar(db, calendar({ addressId: 'elsewhere' }), NOW);
      const unpublished = { published: null, verified: false };
      expect(await findPendingDays(db, 'nowak', DAY, DAY, NOW, 9)).toMatchObject([
        { date: DAY, ...unpublished },
      ]);
    });

    test('that is deleted loses all its rows', async () => {
      const { db } = database;
      await publishDay();
      await deleteCalendar(db, 'nowak', NOW);
      expect(await deleteCalendar(db, 'nowak', NOW)).toBe(false);
      await putCalendar(db, calendar(), NOW);
      expect(await listDays(db, 'nowak', DAY, DAY)).toEqual([]);
      expect(await listWindows(db, 'nowak', DAY, DAY)).toEqual([]);
    });
  });

  describe('a day', () => {
    const mark = (priority: number, date = DAY, at = NOW) =>
      markDays(database.db, { windows: [{ calendar: 'nowak', date, priority }], occupancy: [] }, at, 'event');
    const horizon = [{ account: 'warsaw', from: DAY, to: '2026-11-20' }];

    beforeEach(async () => {
      await putAccount(database.db, account(), NOW, ENCRYPTOR);
      await putCalendar(database.db, calendar(), NOW);
    });

    test('is not created by a change of occupancy, because nothing is offered on it', async () => {
      const change = { calendar: 'nowak', date: DAY, priority: 1 };
      await markDays(database.db, { windows: [], occupancy: [change] }, NOW, 'event');
      expect(await listDays(database.db, 'nowak', DAY, DAY)).toEqual([]);
    });

    test.each([
      ['calendar is at another address', calendar({ addressId: '790' }), account()],
      ['account is another client', calendar(), account({ clientId: 'another' })],
      ['account is in another country', calendar(), account({ timeZone: 'Europe/Madrid' })],
    ])(
      'is not recorded as published by slots that were sent before its %s',
      async (_, nextCalendar, nextAccount) => {
        const { db } = database;
        await mark(5);
        await putAccount(db, nextAccount, NOW, ENCRYPTOR);
        await putCalendar(db, nextCalendar, NOW);
        const published = [{ date: DAY, generation: 1, slots: [slot], verified: true }];
        await recordPublishedDays(db, calendar(), account(), published, NOW);
        expect(await listDays(db, 'nowak', DAY, DAY)).toMatchObject([
          { published: null, verified: false, publishedGeneration: 0 },
        ]);
        await recordPublishedDays(db, nextCalendar, nextAccount, published, NOW);
        expect(await listDays(db, 'nowak', DAY, DAY)).toMatchObject([{ published: [slot], verified: true }]);
      },
    );

    test('that failed is retried after a minute, then after twice as long, up to six hours', async () => {
      const { db } = database;
      await mark(5);
      const pauses: number[] = [];
      for (let n = 0; n < 12; n += 1) {
        await saveFailedDays(
          db,
          'nowak',
          [{ date: DAY, generation: 1, error: { reason: 'refused' } }],
          NOW,
          1,
        );
        const [failed] = await listFailedDays(db);
        const at = failed?.retryAt ?? NOW;
        pauses.push((at.getTime() - NOW.getTime()) / 60_000);
        const early = new Date(at.getTime() - 1);
        expect(await findPendingDays(db, 'nowak', DAY, DAY, early, 9)).toEqual([]);
        expect(await findPendingCalendars(db, horizon, early, 9)).toEqual([]);
        expect(await findPendingDays(db, 'nowak', DAY, DAY, at, 9)).toHaveLength(1);
        // The lowest priority, behind all closings.
        expect(await findPendingCalendars(db, horizon, at, 9)).toEqual([
          { calendar: 'nowak', priority: LOWEST_PRIORITY },
        ]);
      }
      expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]);
    });

    test('of a failed calendar counts as failed and is not enqueued', async () => {
      await mark(5);
      await recordCalendarRefused(
        database.db,
        calendar(),
        { reason: 'forbidden', leavesOnSale: false, tried: [{ date: DAY, generation: 1 }] },
        NOW,
        1,
      );
      expect(await countPendingDays(database.db, horizon)).toEqual({ pending: 0, failed: 1, oldest: null });
      expect(await findPendingCalendars(database.db, horizon, NOW, 9)).toEqual([]);
    });
  });

  async function publishDay(): Promise<void> {
    const { db } = database;
    await putAccount(db, account(), NOW, ENCRYPTOR);
    await putCalendar(db, calendar(), NOW);
    await saveWindows(db, [{ calendar: 'nowak', date: DAY, windows: [window(DAY, '10:00', '11:00')] }]);
    await markDays(
      db,
      { windows: [{ calendar: 'nowak', date: DAY, priority: 1 }], occupancy: [] },
      NOW,
      'event',
    );
    await recordPublishedDays(
      db,
      calendar(),
      account(),
      [{ date: DAY, generation: 1, slots: [slot], verified: true }],
      NOW,
    );
  }
});
