import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { deleteAccount, getAccount, listAccounts, putAccount } from '../../src/store/accounts.js';
import { calendarFailed } from '../../src/store/attempts.js';
import {
  calendarAt,
  deleteCalendar,
  getCalendar,
  listCalendars,
  putCalendar,
} from '../../src/store/calendars.js';
import { type Database, openDatabase } from '../../src/store/database.js';
import { daysBetween, markDays, pendingDays, saveFailed, savePublished } from '../../src/store/days.js';
import { saveOccupancies } from '../../src/store/occupancy.js';
import { takenBetween } from '../../src/store/taken.js';
import { totals, wantedCalendars } from '../../src/store/wanted.js';
import { saveWindows, windowsOf } from '../../src/store/windows.js';
import { databases, emptyRecord } from './databases.js';
import { account, calendar, NOW, slot, window } from './facts.js';

const DAY = '2026-11-16';

describe.each(databases)('the record on $name', ({ fresh }) => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase(await fresh());
  });

  beforeEach(async () => {
    await emptyRecord(database.db);
  });

  afterAll(async () => {
    await database.close();
  });

  describe('an account', () => {
    test('comes back as it was put, with or without what is optional', async () => {
      const { db } = database;
      const bare = account({ id: 'madrid' });
      const full = account({
        domain: 'znanylekarz.pl',
        notifications: {
          mode: 'push',
          pullEverySeconds: 10,
          apiKey: 'k',
          header: 'X-Api-Key',
          sweepMinutes: 360,
        },
      });
      expect(await putAccount(db, bare, NOW)).toBe(true);
      expect(await putAccount(db, full, NOW)).toBe(true);
      expect(await listAccounts(db)).toEqual([bare, full]);
      expect(await getAccount(db, 'nobody')).toBeUndefined();
    });

    test('put again as it is changes nothing, so its days stay published', async () => {
      const { db } = database;
      await publishedDay();
      expect(await putAccount(db, account(), NOW)).toBe(false);
      expect(await pendingDays(db, 'nowak', DAY, DAY, 9)).toEqual([]);
    });

    test('with another limit tries again what failed, and wants no day anew', async () => {
      const { db } = database;
      await publishedDay();
      await calendarFailed(db, 'nowak', 'forbidden', NOW);
      const limits = { ...account().limits, writesPerMinute: 5 };
      expect(await putAccount(db, account({ limits }), NOW)).toBe(true);
      expect(await getAccount(db, 'warsaw')).toMatchObject({ limits });
      expect(await getCalendar(db, 'nowak')).not.toHaveProperty('failed');
      expect(await pendingDays(db, 'nowak', DAY, DAY, 9)).toEqual([]);
    });

    test.each([{ baseUrl: 'http://other' }, { clientId: 'other' }, { timeZone: 'Europe/Madrid' }])(
      'with another %o wants all its days anew',
      async (change) => {
        const { db } = database;
        await publishedDay();
        await putAccount(db, account(change), NOW);
        expect(await pendingDays(db, 'nowak', DAY, DAY, 9)).toMatchObject([
          { date: DAY, published: null, verified: false, pendingSince: NOW },
        ]);
      },
    );

    test('is deleted only without calendars', async () => {
      const { db } = database;
      await putAccount(db, account(), NOW);
      await putCalendar(db, calendar(), NOW);
      await expect(deleteAccount(db, 'warsaw')).rejects.toThrow(/foreign key/);
      expect(await deleteCalendar(db, 'nowak')).toBe(true);
      expect(await deleteAccount(db, 'warsaw')).toBe(true);
      expect(await deleteAccount(db, 'warsaw')).toBe(false);
    });
  });

  describe('a calendar', () => {
    test('comes back as it was put, and is found by its address', async () => {
      const { db } = database;
      await putAccount(db, account(), NOW);
      const full = calendar({ id: 'lis', doctorId: '2', bufferBefore: 5, bufferAfter: 10, grid: 15 });
      expect(await putCalendar(db, calendar(), NOW)).toBe(true);
      expect(await putCalendar(db, full, NOW)).toBe(true);
      expect(await putCalendar(db, full, NOW)).toBe(false);
      expect(await listCalendars(db)).toEqual([full, calendar()]);
      expect(await calendarAt(db, full)).toBe('lis');
      expect(await calendarAt(db, calendar({ addressId: '0' }))).toBeUndefined();
    });

    test('is refused without its account, or where another has the address', async () => {
      const { db } = database;
      await expect(putCalendar(db, calendar(), NOW)).rejects.toThrow(/foreign key/);
      await putAccount(db, account(), NOW);
      await putCalendar(db, calendar(), NOW);
      await expect(putCalendar(db, calendar({ id: 'twin' }), NOW)).rejects.toThrow(
        'calendars_one_per_address',
      );
    });

    test('that changes wants all its days anew and is tried again', async () => {
      const { db } = database;
      await publishedDay();
      await calendarFailed(db, 'nowak', 'forbidden', NOW);
      expect(await getCalendar(db, 'nowak')).toMatchObject({ failed: { reason: 'forbidden', at: NOW } });
      expect(await putCalendar(db, calendar({ bufferAfter: 5 }), NOW)).toBe(true);
      expect(await getCalendar(db, 'nowak')).toEqual(calendar({ bufferAfter: 5 }));
      const slots = expect.any(Array);
      expect(await pendingDays(db, 'nowak', DAY, DAY, 9)).toMatchObject([{ date: DAY, published: slots }]);
    });

    test('that is at another address has been told nothing there', async () => {
      const { db } = database;
      await publishedDay();
      await putCalendar(db, calendar({ addressId: 'elsewhere' }), NOW);
      const nothing = { published: null, verified: false };
      expect(await pendingDays(db, 'nowak', DAY, DAY, 9)).toMatchObject([{ date: DAY, ...nothing }]);
    });

    test('that is deleted takes with it all that was known of it', async () => {
      const { db } = database;
      await publishedDay();
      await deleteCalendar(db, 'nowak');
      expect(await deleteCalendar(db, 'nowak')).toBe(false);
      await putCalendar(db, calendar(), NOW);
      expect(await daysBetween(db, 'nowak', DAY, DAY)).toEqual([]);
      expect(await windowsOf(db, 'nowak', DAY, DAY)).toEqual([]);
    });
  });

  describe('windows and occupancy', () => {
    beforeEach(async () => {
      await putAccount(database.db, account(), NOW);
      await putCalendar(database.db, calendar(), NOW);
    });

    test('of a date are replaced together, and those of other dates stay', async () => {
      const { db } = database;
      const insurance = { accepted: 'with-insurance-only', providers: ['7'] } as const;
      const insured = { ...window('2026-11-17', '09:00', '12:00'), insurance };
      await saveWindows(db, [
        {
          calendar: 'nowak',
          date: DAY,
          windows: [window(DAY, '10:00', '11:00'), window(DAY, '08:00', '09:00')],
        },
        { calendar: 'nowak', date: '2026-11-17', windows: [insured] },
      ]);
      await saveWindows(db, [{ calendar: 'nowak', date: DAY, windows: [window(DAY, '14:00', '15:00')] }]);
      expect(await windowsOf(db, 'nowak', DAY, '2026-11-17')).toEqual([
        window(DAY, '14:00', '15:00'),
        insured,
      ]);
      await saveWindows(db, [{ calendar: 'nowak', date: DAY, windows: [] }]);
      expect(await windowsOf(db, 'nowak', DAY, '2026-11-17')).toEqual([insured]);
    });

    test('that only touch a range are outside of it', async () => {
      const { db } = database;
      const taken = (ref: string, start: string, end: string) => ({
        calendar: 'nowak',
        ref,
        kind: 'booking',
        interval: { start: new Date(`${DAY}T${start}Z`), end: new Date(`${DAY}T${end}Z`) },
      });
      await saveOccupancies(
        db,
        [taken('before', '09:00', '10:00'), taken('in', '09:30', '10:01'), taken('after', '11:00', '12:00')],
        NOW,
      );
      const found = await takenBetween(db, 'nowak', new Date(`${DAY}T10:00Z`), new Date(`${DAY}T11:00Z`));
      expect(found).toEqual([
        {
          source: 'occupancy',
          ref: 'in',
          start: new Date(`${DAY}T09:30Z`),
          end: new Date(`${DAY}T10:01Z`),
          kind: 'booking',
          service: null,
        },
      ]);
    });
  });

  describe('a day', () => {
    const mark = (urgency: number, date = DAY, at = NOW) =>
      markDays(database.db, { windows: [{ calendar: 'nowak', date, urgency }], occupancy: [] }, at);
    const horizon = [{ account: 'warsaw', from: DAY, to: '2026-11-20' }];

    beforeEach(async () => {
      await putAccount(database.db, account(), NOW);
      await putCalendar(database.db, calendar(), NOW);
    });

    test('counts its changes, keeps the oldest moment and the highest urgency', async () => {
      await mark(500);
      await mark(40, DAY, new Date(NOW.getTime() + 1000));
      await mark(900);
      expect(await daysBetween(database.db, 'nowak', DAY, DAY)).toEqual([
        {
          date: DAY,
          generation: 3,
          publishedGeneration: 0,
          pendingSince: NOW,
          urgency: 40,
          published: null,
          verified: false,
          publishedAt: null,
          failedGeneration: null,
          error: null,
        },
      ]);
    });

    test('is not made by a change of occupancy, because nothing is sold on it', async () => {
      const change = { calendar: 'nowak', date: DAY, urgency: 1 };
      await markDays(database.db, { windows: [], occupancy: [change] }, NOW);
      expect(await daysBetween(database.db, 'nowak', DAY, DAY)).toEqual([]);
    });

    test('stays pending where it changed while it was published', async () => {
      const { db } = database;
      await mark(5);
      await mark(5);
      await savePublished(
        db,
        calendar(),
        account(),
        [{ date: DAY, generation: 1, slots: [], verified: true }],
        NOW,
      );
      expect(await pendingDays(db, 'nowak', DAY, DAY, 9)).toMatchObject([{ urgency: 5, pendingSince: NOW }]);
      await savePublished(
        db,
        calendar(),
        account(),
        [{ date: DAY, generation: 2, slots: [slot], verified: true }],
        NOW,
      );
      expect(await pendingDays(db, 'nowak', DAY, DAY, 9)).toEqual([]);
      expect(await daysBetween(db, 'nowak', DAY, DAY)).toMatchObject([
        { urgency: null, pendingSince: null, published: [slot], publishedAt: NOW, verified: true },
      ]);
    });

    test('keeps the fields of what was published in the order in which they were sent', async () => {
      await mark(5);
      await savePublished(
        database.db,
        calendar(),
        account(),
        [{ date: DAY, generation: 1, slots: [slot], verified: true }],
        NOW,
      );
      const [day] = await daysBetween(database.db, 'nowak', DAY, DAY);
      expect(JSON.stringify(day?.published)).toBe(JSON.stringify([slot]));
    });

    test.each([
      ['calendar is at another address', calendar({ addressId: '790' }), account()],
      ['account is another client', calendar(), account({ clientId: 'another' })],
      ['account is in another country', calendar(), account({ timeZone: 'Europe/Madrid' })],
    ])('is not published by what was told before its %s', async (_, nextCalendar, nextAccount) => {
      const { db } = database;
      await mark(5);
      await putAccount(db, nextAccount, NOW);
      await putCalendar(db, nextCalendar, NOW);
      const told = [{ date: DAY, generation: 1, slots: [slot], verified: true }];
      await savePublished(db, calendar(), account(), told, NOW);
      expect(await daysBetween(db, 'nowak', DAY, DAY)).toMatchObject([
        { published: null, verified: false, publishedGeneration: 0 },
      ]);
      await savePublished(db, nextCalendar, nextAccount, told, NOW);
      expect(await daysBetween(db, 'nowak', DAY, DAY)).toMatchObject([{ published: [slot], verified: true }]);
    });

    test('that failed is not pending until it changes', async () => {
      const { db } = database;
      await mark(5);
      await saveFailed(db, 'nowak', [{ date: DAY, generation: 1, error: { reason: 'refused' } }]);
      expect(await pendingDays(db, 'nowak', DAY, DAY, 9)).toEqual([]);
      expect(await totals(db, horizon)).toEqual({ pending: 0, failed: 1, oldest: null });
      expect(await wantedCalendars(db, horizon, 9)).toEqual([]);
      await mark(7);
      expect(await totals(db, horizon)).toEqual({ pending: 1, failed: 0, oldest: NOW });
      expect(await wantedCalendars(db, horizon, 9)).toEqual([{ calendar: 'nowak', urgency: 5 }]);
    });

    test('comes in the order of urgency, and counts only within the horizon', async () => {
      await mark(30, '2026-11-18');
      await mark(10, '2026-11-19');
      await mark(20, '2026-11-17');
      await mark(1, '2026-11-21');
      const days = await pendingDays(database.db, 'nowak', DAY, '2026-11-20', 2);
      expect(days.map(({ date }) => date)).toEqual(['2026-11-19', '2026-11-17']);
      expect(await totals(database.db, horizon)).toMatchObject({ pending: 3 });
      expect(await wantedCalendars(database.db, horizon, 9)).toEqual([{ calendar: 'nowak', urgency: 10 }]);
    });

    test('of a calendar that failed counts as failed and is not woken', async () => {
      await mark(5);
      await calendarFailed(database.db, 'nowak', 'forbidden', NOW);
      expect(await totals(database.db, horizon)).toEqual({ pending: 0, failed: 1, oldest: null });
      expect(await wantedCalendars(database.db, horizon, 9)).toEqual([]);
    });
  });

  async function publishedDay(): Promise<void> {
    const { db } = database;
    await putAccount(db, account(), NOW);
    await putCalendar(db, calendar(), NOW);
    await saveWindows(db, [{ calendar: 'nowak', date: DAY, windows: [window(DAY, '10:00', '11:00')] }]);
    await markDays(db, { windows: [{ calendar: 'nowak', date: DAY, urgency: 1 }], occupancy: [] }, NOW);
    await savePublished(
      db,
      calendar(),
      account(),
      [{ date: DAY, generation: 1, slots: [slot], verified: true }],
      NOW,
    );
  }
});
