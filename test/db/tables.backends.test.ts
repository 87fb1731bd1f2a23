// The tables on both databases, which differ in how they accept values, order sessions and report errors.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/db/database.js';
import { migrate } from '../../src/db/migrate.js';
import type { Db } from '../../src/db/schema.js';
import { decryptAccount } from '../../src/db/tables/account-secrets.js';
import {
  acquirePermission,
  endPauses,
  pauseAccount,
  recordAccountRefused,
  recordPause,
  resetPauses,
} from '../../src/db/tables/account-states.js';
import { type Account, getAccount, listAccounts, putAccount } from '../../src/db/tables/accounts.js';
import { findBusyTime } from '../../src/db/tables/busy-time.js';
import { acquireBookingsRead } from '../../src/db/tables/calendar-reads.js';
import { recordFailure, recordSuccess, scheduleRetry } from '../../src/db/tables/calendar-retries.js';
import { findCalendarIdAt, getCalendar, listCalendars, putCalendar } from '../../src/db/tables/calendars.js';
import {
  findPendingDays,
  listDays,
  markDays,
  recordPublishedDays,
  saveFailedDays,
} from '../../src/db/tables/days.js';
import {
  countNotifications,
  dropFailedNotifications,
  findDueDeliveries,
  findFirstOpenDelivery,
  listFailedNotifications,
  recordDelivered,
  recordDeliveryFailed,
  recordDeliveryRetry,
  retryFailedNotifications,
} from '../../src/db/tables/deliveries.js';
import { acquireLease, releaseLease, renewLease } from '../../src/db/tables/leases.js';
import { addNotifications, type NewNotification } from '../../src/db/tables/notifications.js';
import { saveOccupancies } from '../../src/db/tables/occupancy.js';
import { findRecentPayloads, recordPayload } from '../../src/db/tables/payloads.js';
import { countPendingDays, findPendingCalendars } from '../../src/db/tables/pending-calendars.js';
import { acquireRequests, releaseRequests } from '../../src/db/tables/requests.js';
import { deleteExpiredNotifications, purgeExpiredData } from '../../src/db/tables/retention.js';
import { listWindows, saveWindows } from '../../src/db/tables/windows.js';
import { databases, deleteAllRows } from './databases.js';
import { readFeed, readNotification } from './feed.js';
import {
  account,
  calendar,
  DAY_MS,
  ENCRYPTOR,
  later,
  NOW,
  newNotification,
  PATIENT,
  slot,
  window,
} from './seed-rows.js';

const DAY = '2026-11-16';
const MINUTE = 60_000;
const decrypted = (stored: Account) => decryptAccount(ENCRYPTOR, stored);

describe.each(databases)('the tables on $name', ({ create }) => {
  let options: DatabaseOptions;
  let database: Database;
  let db: Db;

  beforeAll(async () => {
    options = await create();
    database = await openDatabase(options);
    db = database.db;
  });

  beforeEach(() => deleteAllRows(db));

  afterAll(() => database.close());

  test('are unchanged when the database is opened again, and are not migrated twice', async () => {
    await putAccount(db, account(), NOW, ENCRYPTOR);
    await migrate(db);
    await database.close();
    database = await openDatabase(options);
    db = database.db;
    expect((await listAccounts(db)).map(decrypted)).toEqual([account()]);
    const { rows } = await sql`SELECT name FROM slotkeeper.kysely_migration ORDER BY name`.execute(db);
    expect(rows).toEqual([{ name: '001-tables' }]);
  });

  describe('an account', () => {
    test('is read as it was put, with or without optional fields', async () => {
      const bare = account({ id: 'madrid' });
      const full = account({
        domain: 'znanylekarz.pl',
        notifications: {
          mode: 'push',
          pullEverySeconds: 10,
          apiKey: 'k',
          header: 'X-Api-Key',
          sweepMinutes: 360,
          maxBytes: 1_048_576,
        },
      });
      expect(await putAccount(db, bare, NOW, ENCRYPTOR)).toBe(true);
      expect(await putAccount(db, full, NOW, ENCRYPTOR)).toBe(true);
      expect((await listAccounts(db)).map(decrypted)).toEqual([bare, full]);
      expect(await getAccount(db, 'nobody')).toBeUndefined();
    });

    test('has its first refusal in the history, and not those that follow', async () => {
      await putAccount(db, account(), NOW, ENCRYPTOR);
      await recordAccountRefused(db, 'warsaw', 'bad', NOW);
      await recordAccountRefused(db, 'warsaw', 'worse', later(1_000));
      const { rows } = await sql`SELECT at, detail FROM slotkeeper.history WHERE kind = 'failed'`.execute(db);
      expect(rows).toEqual([{ at: NOW, detail: { what: 'account', reason: 'bad' } }]);
    });
  });

  describe('a calendar', () => {
    test('is read as it was put, and is found by its address', async () => {
      await putAccount(db, account(), NOW, ENCRYPTOR);
      const full = calendar({ id: 'lis', doctorId: '2', bufferBefore: 5, bufferAfter: 10, grid: 15 });
      expect(await putCalendar(db, calendar(), NOW)).toBe(true);
      expect(await putCalendar(db, full, NOW)).toBe(true);
      expect(await putCalendar(db, full, NOW)).toBe(false);
      expect(await listCalendars(db)).toEqual([full, calendar()]);
      expect(await findCalendarIdAt(db, full)).toBe('lis');
      expect(await findCalendarIdAt(db, calendar({ addressId: '0' }))).toBeUndefined();
    });

    test('is refused without its account, or where another calendar has the address', async () => {
      await expect(putCalendar(db, calendar(), NOW)).rejects.toThrow(/foreign key/);
      await putAccount(db, account(), NOW, ENCRYPTOR);
      await putCalendar(db, calendar(), NOW);
      await expect(putCalendar(db, calendar({ id: 'twin' }), NOW)).rejects.toThrow(
        'the calendar "nowak" is the same facility, doctor and address already',
      );
    });
  });

  describe('windows and occupancy', () => {
    beforeEach(async () => {
      await putAccount(db, account(), NOW, ENCRYPTOR);
      await putCalendar(db, calendar(), NOW);
    });

    test('replace the windows of a date together, and leave other dates unchanged', async () => {
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
      const replaced = { calendar: 'nowak', date: DAY, windows: [window(DAY, '14:00', '15:00')] };
      // Its statements are sent at once: in one session they are executed in order.
      await db.transaction().execute((tx) => saveWindows(tx, [replaced]));
      expect(await listWindows(db, 'nowak', DAY, '2026-11-17')).toEqual([
        window(DAY, '14:00', '15:00'),
        insured,
      ]);
      await saveWindows(db, [{ calendar: 'nowak', date: DAY, windows: [] }]);
      expect(await listWindows(db, 'nowak', DAY, '2026-11-17')).toEqual([insured]);
    });

    test('exclude occupancies that are only adjacent to a range', async () => {
      const occupancy = (ref: string, start: string, end: string) => ({
        calendar: 'nowak',
        ref,
        kind: 'booking',
        interval: { start: new Date(`${DAY}T${start}Z`), end: new Date(`${DAY}T${end}Z`) },
      });
      await saveOccupancies(
        db,
        [
          occupancy('before', '09:00', '10:00'),
          occupancy('in', '09:30', '10:01'),
          occupancy('after', '11:00', '12:00'),
        ],
        NOW,
      );
      const found = await findBusyTime(db, 'nowak', new Date(`${DAY}T10:00Z`), new Date(`${DAY}T11:00Z`));
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
    const mark = (priority: number, date = DAY, at = NOW) =>
      markDays(db, { windows: [{ calendar: 'nowak', date, priority }], occupancy: [] }, at, 'event');
    const horizon = [{ account: 'warsaw', from: DAY, to: '2026-11-20' }];

    beforeEach(async () => {
      await putAccount(db, account(), NOW, ENCRYPTOR);
      await putCalendar(db, calendar(), NOW);
    });

    test('counts its changes, and stores the oldest instant and the highest priority', async () => {
      await mark(500);
      await mark(40, DAY, new Date(NOW.getTime() + 1000));
      await mark(900);
      expect(await listDays(db, 'nowak', DAY, DAY)).toEqual([
        {
          date: DAY,
          generation: 3,
          publishedGeneration: 0,
          pendingSince: NOW,
          priority: 40,
          published: null,
          verified: false,
          publishedAt: null,
          failedGeneration: null,
          error: null,
        },
      ]);
    });

    test('stays pending where it changes during publication', async () => {
      await mark(5);
      await mark(5);
      await recordPublishedDays(
        db,
        calendar(),
        account(),
        [{ date: DAY, generation: 1, slots: [], verified: true }],
        NOW,
      );
      expect(await findPendingDays(db, 'nowak', DAY, DAY, NOW, 9)).toMatchObject([
        { priority: 5, pendingSince: NOW },
      ]);
      await recordPublishedDays(
        db,
        calendar(),
        account(),
        [{ date: DAY, generation: 2, slots: [slot], verified: true }],
        NOW,
      );
      expect(await findPendingDays(db, 'nowak', DAY, DAY, NOW, 9)).toEqual([]);
      expect(await listDays(db, 'nowak', DAY, DAY)).toMatchObject([
        { priority: null, pendingSince: null, published: [slot], publishedAt: NOW, verified: true },
      ]);
    });

    test('is among the own changes once where it fails, with its account that pauses and resumes, and where it is published', async () => {
      const names = ['account-paused', 'account-resumed'] as const;
      await mark(5);
      for (const closedBy of ['break', 'break', null, null, 'clear'] as const) {
        const error = { reason: 'refused', closedBy };
        await saveFailedDays(db, 'nowak', [{ date: DAY, generation: 1, error }], NOW, 1, 'warsaw');
      }
      for (const ms of [1_000, 2_000, 1_000])
        await pauseAccount(db, 'warsaw', { until: later(ms), reason: `for ${ms} ms` }, NOW, names);
      await endPauses(db, later(2_000), names);
      await endPauses(db, later(2_000), names);
      const days = [{ date: DAY, generation: 1, slots: [slot], verified: true }];
      await recordPublishedDays(db, calendar({ addressId: 'other' }), account(), days, NOW, true);
      await recordPublishedDays(db, calendar(), account(), days, NOW, true);
      const { rows } = await sql`
        SELECT name, dates, detail FROM slotkeeper.changes_to_notify ORDER BY id`.execute(db);
      expect(rows).toEqual([
        ...['break', null, 'clear'].map((closedBy) => ({
          name: 'failed',
          dates: [DAY],
          detail: { reason: 'refused', closedBy },
        })),
        {
          name: 'account-paused',
          dates: [],
          detail: { until: later(1_000).toISOString(), reason: 'for 1000 ms' },
        },
        {
          name: 'account-resumed',
          dates: [],
          detail: { until: later(2_000).toISOString(), reason: 'for 2000 ms' },
        },
        { name: 'published', dates: [DAY], detail: {} },
      ]);
    });

    test('stores the published fields in the order in which they were sent', async () => {
      await mark(5);
      await recordPublishedDays(
        db,
        calendar(),
        account(),
        [{ date: DAY, generation: 1, slots: [slot], verified: true }],
        NOW,
      );
      const [day] = await listDays(db, 'nowak', DAY, DAY);
      expect(JSON.stringify(day?.published)).toBe(JSON.stringify([slot]));
    });

    test('that failed is not pending until it changes', async () => {
      await mark(5);
      await saveFailedDays(db, 'nowak', [{ date: DAY, generation: 1, error: { reason: 'refused' } }], NOW, 1);
      expect(await findPendingDays(db, 'nowak', DAY, DAY, NOW, 9)).toEqual([]);
      expect(await countPendingDays(db, horizon)).toEqual({ pending: 0, failed: 1, oldest: null });
      expect(await findPendingCalendars(db, horizon, NOW, 9)).toEqual([]);
      await mark(7);
      expect(await countPendingDays(db, horizon)).toEqual({ pending: 1, failed: 0, oldest: NOW });
      expect(await findPendingCalendars(db, horizon, NOW, 9)).toEqual([{ calendar: 'nowak', priority: 7 }]);
    });

    test('is listed in order of priority, and counts only within the horizon', async () => {
      await mark(30, '2026-11-18');
      await mark(10, '2026-11-19');
      await mark(20, '2026-11-17');
      await mark(1, '2026-11-21');
      const days = await findPendingDays(db, 'nowak', DAY, '2026-11-20', NOW, 2);
      expect(days.map(({ date }) => date)).toEqual(['2026-11-19', '2026-11-17']);
      expect(await countPendingDays(db, horizon)).toMatchObject({ pending: 3 });
      expect(await findPendingCalendars(db, horizon, NOW, 9)).toEqual([{ calendar: 'nowak', priority: 10 }]);
    });
  });

  describe('notifications', () => {
    const all = { byWebhook: 'all accounts' } as const;
    const key = { account: 'warsaw', calendar: 'nowak' };
    const add = (...items: NewNotification[]) =>
      db.transaction().execute((tx) => addNotifications(tx, ENCRYPTOR, items, NOW));
    const read = async (after?: string, limit = 100) => await readFeed(db, ENCRYPTOR, { after, limit });

    beforeEach(() => putAccount(db, account(), NOW, ENCRYPTOR));

    test('are read from the feed as they were added, in order', async () => {
      const [first, second] = [
        newNotification(),
        newNotification({
          calendar: null,
          ref: 'apt-7',
          createdAt: null,
          name: 'unknown',
          problem: 'data: Required',
        }),
      ];
      const { added, repeated } = await add(first, second);
      expect(repeated).toBe(0);
      expect(added).toEqual([
        {
          id: expect.stringMatching(/^ntf_[\w-]{20}$/),
          account: 'warsaw',
          calendar: 'nowak',
          name: 'slot-booked',
        },
        { id: expect.stringMatching(/^ntf_[\w-]{20}$/), account: 'warsaw', calendar: null, name: 'unknown' },
      ]);
      const { items, next } = await read();
      expect(items).toEqual([
        {
          cursor: expect.stringMatching(/^\d+$/),
          id: added[0]?.id,
          account: 'warsaw',
          calendar: 'nowak',
          name: 'slot-booked',
          createdAt: NOW.toISOString(),
          receivedAt: NOW.toISOString(),
          booking: first.booking,
          ref: null,
          data: first.data,
        },
        expect.objectContaining({ calendar: null, ref: 'apt-7', createdAt: null, problem: 'data: Required' }),
      ]);
      expect(next).toBe(items[1]?.cursor);
      expect(await readNotification(db, ENCRYPTOR, added[0]?.id ?? '')).toEqual(items[0]);
      expect(await readNotification(db, ENCRYPTOR, 'ntf_none')).toBeUndefined();
    });

    test('may contain any characters', async () => {
      const odd = 'a\0b\ud800c\u{1f600}';
      await add(newNotification({ name: odd, ref: odd, problem: odd, booking: odd, data: { odd } }));
      const expected = 'a\ufffdb\ufffdc\u{1f600}';
      expect((await read()).items).toMatchObject([
        { name: expected, ref: expected, problem: expected, booking: expected, data: { odd } },
      ]);
    });

    test('are not stored where their transaction is rolled back', async () => {
      await db
        .transaction()
        .execute(async (tx) => {
          await addNotifications(tx, ENCRYPTOR, [newNotification()], NOW);
          throw new Error('rolled back');
        })
        .catch(() => undefined);
      expect((await read()).items).toEqual([]);
    });

    test('are encrypted in the database, each bound to its row', async () => {
      await add(newNotification(), newNotification());
      const { rows } = await sql<{ id: string; data: Buffer; text: string }>`
        SELECT id, data, row_to_json(n)::text AS text FROM slotkeeper.notifications n
        ORDER BY position`.execute(db);
      for (const { data, text } of rows) {
        expect(Buffer.from(data).includes(PATIENT)).toBe(false);
        expect(text).not.toContain('Patientowa');
      }
      await sql`UPDATE slotkeeper.notifications SET data = ${rows[0]?.data} WHERE id = ${rows[1]?.id}`.execute(
        db,
      );
      await expect(read()).rejects.toThrow('decryption failed');
    });

    test('are found by calendar when due, and not while they wait for a retry', async () => {
      await add(newNotification(), newNotification(), newNotification({ calendar: null }));
      await read();
      expect(await findDueDeliveries(db, all, NOW, 10)).toEqual(
        expect.arrayContaining([
          { ...key, own: false },
          { ...key, calendar: null, own: false },
        ]),
      );
      const first = await findFirstOpenDelivery(db, ENCRYPTOR, key);
      const attempt = {
        began: NOW,
        retryAt: later(5_000),
        isRequestedByClinic: false,
        reason: 'answered 500',
      };
      await recordDeliveryRetry(db, first?.item.id ?? '', attempt);
      await recordDeliveryRetry(db, first?.item.id ?? '', { ...attempt, began: later(1_000) });
      expect(await findFirstOpenDelivery(db, ENCRYPTOR, key)).toEqual({
        item: first?.item,
        attempts: 2,
        firstAttemptAt: NOW,
        retryAt: later(5_000),
      });
      expect(await findDueDeliveries(db, all, later(4_999), 10)).toEqual([
        { ...key, calendar: null, own: false },
      ]);
      expect(await findDueDeliveries(db, all, later(5_000), 10)).toHaveLength(2);
    });

    test('that failed are listed, and retried from the first attempt, or dropped', async () => {
      const { added } = await add(newNotification(), newNotification());
      const [one = '', two = ''] = added.map(({ id }) => id);
      await read();
      for (const id of [one, two]) await recordDeliveryFailed(db, id, 'answered 500', NOW);
      expect(await listFailedNotifications(db, 10)).toEqual([
        { ...key, id: one, name: 'slot-booked', failed: 'answered 500', problem: null },
        expect.objectContaining({ id: two }),
      ]);
      expect(await countNotifications(db, all)).toEqual({ undelivered: 0, failed: 2, oldest: null });
      expect(await retryFailedNotifications(db, [one], NOW)).toEqual([{ id: one, ...key, own: false }]);
      expect(await retryFailedNotifications(db, [one], NOW)).toEqual([]);
      expect(await findFirstOpenDelivery(db, ENCRYPTOR, key)).toMatchObject({
        attempts: 0,
        firstAttemptAt: null,
        retryAt: null,
      });
      expect(await dropFailedNotifications(db, [two], NOW)).toEqual([two]);
      expect(await dropFailedNotifications(db, [two], NOW)).toEqual([]);
      expect(await listFailedNotifications(db, 10)).toEqual([]);
    });

    test('that were never delivered lose their data in the end and become failures', async () => {
      const { added } = await add(newNotification(), newNotification(), newNotification());
      const [one = '', two = '', three = ''] = added.map(({ id }) => id);
      await read();
      await recordDeliveryFailed(db, one, 'answered 500', NOW);
      await recordDelivered(db, two, NOW);
      expect(await purgeExpiredData(db, later(1), later(30 * DAY_MS))).toBe(3);
      expect(await listFailedNotifications(db, 10)).toMatchObject([
        { id: one, failed: 'answered 500' },
        { id: three, failed: 'it was not delivered in time, and its data was removed' },
      ]);
      await retryFailedNotifications(db, [three], NOW);
      expect(await findFirstOpenDelivery(db, ENCRYPTOR, key)).toMatchObject({
        item: { id: three, data: null, purged: true },
      });
    });

    test('are deleted after their time, and a cursor is never reused', async () => {
      await add(newNotification(), newNotification());
      const { next } = await read();
      expect(await deleteExpiredNotifications(db, later(-1), NOW)).toBe(0);
      expect(await deleteExpiredNotifications(db, later(1), NOW)).toBe(2);
      await add(newNotification());
      expect((await read(next)).items).toHaveLength(1);
    });
  });

  describe('the state that workers share', () => {
    const two = [{ of: 'writes', limit: 2, perMs: MINUTE }] as const;

    beforeEach(async () => {
      await putAccount(db, account(), NOW, ENCRYPTOR);
      await putCalendar(db, calendar(), NOW);
    });

    test('the rate limiter permits several requests at once or none, reports when, and accepts unused ones back', async () => {
      const three = [{ of: 'reads', limit: 3, perMs: MINUTE }] as const;
      const reads = (at: Date, count: number) => acquireRequests(db, 'warsaw', false, three, at, at, count);
      expect(await reads(NOW, 1)).toMatchObject({ kind: 'acquired' });
      expect(await reads(later(1_000), 1)).toMatchObject({ kind: 'acquired' });
      expect(await reads(later(2_000), 2)).toMatchObject({ kind: 'exhausted', until: later(MINUTE) });
      expect(await reads(later(2_000), 3)).toMatchObject({ kind: 'exhausted', until: later(1_000 + MINUTE) });
      expect(await reads(later(MINUTE), 2)).toMatchObject({ kind: 'acquired' });
      await releaseRequests(db, 'warsaw', false, later(MINUTE), 1);
      expect(await reads(later(MINUTE), 1)).toMatchObject({ kind: 'acquired' });
      expect(await reads(later(MINUTE), 1)).toMatchObject({
        kind: 'exhausted',
        until: later(1_000 + MINUTE),
      });
    });

    test('releases exactly the unused requests, and acquires one calendar for a read, whatever the query plan', async () => {
      const many = [{ of: 'reads', limit: 100, perMs: MINUTE }] as const;
      await acquireRequests(db, 'warsaw', false, many, NOW, NOW, 100);
      const others = Array.from({ length: 20 }, (_, n) => ({
        ...calendar(),
        id: `c-${n}`,
        addressId: `a-${n}`,
      }));
      for (const one of others) await putCalendar(db, one, NOW);
      await db.transaction().execute(async (tx) => {
        for (const feature of ['hashjoin', 'mergejoin', 'hashagg', 'sort', 'material', 'memoize'])
          await sql`SET LOCAL enable_${sql.raw(feature)} = off`.execute(tx);
        await releaseRequests(tx, 'warsaw', false, NOW, 30);
        await acquireBookingsRead(tx, 'warsaw', NOW, NOW);
      });
      const left = await db.selectFrom('slotkeeper.requests').select('id').execute();
      expect(left).toHaveLength(70);
      const read = db.selectFrom('slotkeeper.calendars').select('id').where('bookings_read_at', '=', NOW);
      expect(await read.execute()).toHaveLength(1);
    });

    test('the rate limiter is not exceeded by concurrent workers', async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => acquireRequests(db, 'warsaw', true, two, NOW, NOW)),
      );
      expect(answers.filter(({ kind }) => kind === 'acquired')).toHaveLength(2);
    });

    test('after a pause by the firewall one request is a probe, and all are permitted after its success', async () => {
      expect(await recordPause(db, 'warsaw', 0)).toBe(1);
      expect(await recordPause(db, 'warsaw', 0)).toBeUndefined();
      expect(await recordPause(db, 'warsaw', 1)).toBe(2);
      const results = await Promise.all(
        [1, 2, 3].map(() => acquirePermission(db, 'warsaw', NOW, later(9_000))),
      );
      expect(results.map(({ kind }) => kind).sort()).toEqual(['paused', 'paused', 'probe']);
      await resetPauses(db, 'warsaw', NOW);
      expect(await acquirePermission(db, 'warsaw', later(1), later(2))).toEqual({
        kind: 'free',
        isRefused: false,
      });
    });

    test('the lease of a calendar belongs to one worker, which can renew it, until that worker releases it', async () => {
      expect(await acquireLease(db, 'nowak', 'one', 60_000)).toBe(true);
      expect(await acquireLease(db, 'nowak', 'other', 60_000)).toBe(false);
      expect(await renewLease(db, 'nowak', 'one', 60_000)).toBe(true);
      expect(await renewLease(db, 'nowak', 'other', 60_000)).toBe(false);
      await releaseLease(db, 'nowak', 'other');
      expect(await acquireLease(db, 'nowak', 'other', 60_000)).toBe(false);
      await releaseLease(db, 'nowak', 'one');
      expect(await acquireLease(db, 'nowak', 'other', 60_000)).toBe(true);
    });

    test('the lease of a calendar is acquired by one of many concurrent workers', async () => {
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, n) => acquireLease(db, 'nowak', `worker-${n}`, 60_000)),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
    });

    test('failed attempts are counted and show their reason until a success', async () => {
      expect(await recordFailure(db, 'nowak', 'timeout')).toBe(1);
      expect(await recordFailure(db, 'nowak', 'still')).toBe(2);
      await scheduleRetry(db, 'nowak', later(4_000));
      expect(await getCalendar(db, 'nowak')).toMatchObject({
        retrying: { reason: 'still', attempts: 2, at: later(4_000) },
      });
      await recordSuccess(db, 'nowak');
      expect(await getCalendar(db, 'nowak')).toEqual(calendar());
    });

    test('recently sent payloads are stored, older ones deleted', async () => {
      await recordPayload(db, 'nowak', 'a', NOW, later(-1));
      await recordPayload(db, 'nowak', 'b', later(10), later(-1));
      expect(await findRecentPayloads(db, 'nowak', later(5))).toEqual(new Set(['b']));
      await recordPayload(db, 'nowak', 'a', later(20), later(15));
      expect(await findRecentPayloads(db, 'nowak', later(-5))).toEqual(new Set(['a']));
    });
  });
});
