import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { SealedByUnknownKeyError } from '../../src/privacy/sealed-by-unknown-key-error.js';
import { Sealer } from '../../src/privacy/sealer.js';
import { deleteAccount, putAccount } from '../../src/store/accounts.js';
import { type Database, openDatabase } from '../../src/store/database.js';
import {
  delivered,
  deliverLater,
  deliveryFailed,
  dropNotification,
  dueKeys,
  failedNotifications,
  firstOpen,
  notificationTotals,
  queued,
  retryNotification,
  unqueued,
} from '../../src/store/deliveries.js';
import {
  addNotifications,
  feed,
  getNotification,
  type NewNotification,
} from '../../src/store/notifications.js';
import {
  forgetNotifications,
  missingKeys,
  purgeDelivered,
  purgeOld,
  resealNotifications,
  type WaysOut,
} from '../../src/store/retention.js';
import type { Db } from '../../src/store/schema.js';
import { databases, emptyRecord, recordDatabase } from './databases.js';
import { account, NOW } from './facts.js';

const sealer = new Sealer([randomBytes(32)]);
const later = (ms: number): Date => new Date(NOW.getTime() + ms);
const DAY = 24 * 60 * 60 * 1000;
const PATIENT = 'Planted Patientowa';

let count = 0;
const said = (changes: Partial<NewNotification> = {}): NewNotification => {
  count += 1;
  return {
    account: 'warsaw',
    calendar: 'nowak',
    name: 'slot-booked',
    hash: `hash-${count}`,
    createdAt: NOW,
    source: 'push',
    booking: `b-${count}`,
    data: { visit_booking: { id: `b-${count}`, patient: { name: PATIENT } } },
    ...changes,
  };
};
const all = { byWebhook: 'all accounts' } as const;

describe.each(databases)('notifications on $name', ({ fresh }) => {
  let database: Database;
  let db: Db;

  beforeAll(async () => {
    database = await openDatabase(await fresh());
    db = database.db;
  });

  beforeEach(async () => {
    await emptyRecord(db);
    await putAccount(db, account(), NOW);
  });

  afterAll(async () => {
    await database.close();
  });

  const add = (...items: NewNotification[]) =>
    db.transaction().execute((tx) => addNotifications(tx, sealer, items, NOW));
  const read = async (after?: string, limit = 100) => await feed(db, sealer, { after, limit });
  const ids = async () => (await read()).items.map(({ id }) => id);
  const key = { account: 'warsaw', calendar: 'nowak' };

  test('come out of the feed as they were given, in their order', async () => {
    const [first, second] = [
      said(),
      said({ calendar: null, ref: 'apt-7', createdAt: null, name: 'unknown', problem: 'data: Required' }),
    ];
    const { added, repeated } = await add(first, second);
    expect(repeated).toBe(0);
    expect(added).toEqual([
      { id: expect.stringMatching(/^ntf_[\w-]{20}$/), account: 'warsaw', calendar: 'nowak' },
      { id: expect.stringMatching(/^ntf_[\w-]{20}$/), account: 'warsaw', calendar: null },
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
    expect(await getNotification(db, sealer, added[0]?.id ?? '')).toEqual(items[0]);
    expect(await getNotification(db, sealer, 'ntf_none')).toBeUndefined();
  });

  test('keep the order of a batch, whatever their hashes', async () => {
    const batch = Array.from({ length: 30 }, (_, n) => said({ hash: `h${(n * 7) % 30}` }));
    const { added } = await add(...batch);
    const { items } = await read();
    expect(items.map(({ booking }) => booking)).toEqual(batch.map(({ booking }) => booking));
    expect(items.map(({ id }) => id)).toEqual(added.map(({ id }) => id));
  });

  test('are kept once, however often they come, in one batch or in another', async () => {
    const one = said();
    expect(await add(one, one)).toMatchObject({ added: [{}], repeated: 1 });
    const { added, repeated } = await add(one, said());
    expect([added.length, repeated]).toEqual([1, 1]);
    expect((await read()).items).toHaveLength(2);
    await putAccount(db, account({ id: 'madrid' }), NOW);
    expect(await add({ ...one, account: 'madrid' })).toMatchObject({ repeated: 0 });
  });

  test('are taken in whatever characters they hold', async () => {
    const odd = 'a\0b\ud800c\u{1f600}';
    await add(said({ name: odd, ref: odd, problem: odd, booking: odd, data: { odd } }));
    const expected = 'a\ufffdb\ufffdc\u{1f600}';
    expect((await read()).items).toMatchObject([
      { name: expected, ref: expected, problem: expected, booking: expected, data: { odd } },
    ]);
  });

  test('are read on from the cursor, page by page', async () => {
    await add(said(), said(), said());
    const first = await read(undefined, 2);
    expect(first.items).toHaveLength(2);
    const second = await read(first.next, 2);
    expect(second.items).toHaveLength(1);
    expect(await read(second.next, 2)).toEqual({ items: [], next: second.next });
  });

  test('are gone where their transaction is undone', async () => {
    await db
      .transaction()
      .execute(async (tx) => {
        await addNotifications(tx, sealer, [said()], NOW);
        throw new Error('undone');
      })
      .catch(() => undefined);
    expect((await read()).items).toEqual([]);
  });

  test('lie in the database sealed, each for its own row', async () => {
    await add(said(), said());
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
    await expect(read()).rejects.toThrow('a seal is broken');
  });

  test('are sealed anew with the first key, and then need no other', async () => {
    await add(...Array.from({ length: 5 }, () => said()));
    const before = (await read()).items;
    const fresh = randomBytes(32);
    await expect(feed(db, new Sealer([fresh]), { limit: 5 })).rejects.toThrow(SealedByUnknownKeyError);
    const old = randomBytes(32);
    const changing = new Sealer([fresh, old]);
    expect(await missingKeys(db, sealer)).toEqual([]);
    expect(await missingKeys(db, changing)).toEqual([{ keyId: sealer.keyId, count: 5 }]);
    expect(await resealNotifications(db, changing, 10)).toBe(0);
    await emptyRecord(db);
    await putAccount(db, account(), NOW);
    await db
      .transaction()
      .execute((tx) => addNotifications(tx, new Sealer([old]), [said(), said(), said()], NOW));
    expect(await resealNotifications(db, changing, 2)).toBe(2);
    expect(await resealNotifications(db, changing, 2)).toBe(1);
    expect(await resealNotifications(db, changing, 2)).toBe(0);
    expect((await feed(db, new Sealer([fresh]), { limit: 5 })).items).toHaveLength(3);
    expect(before).toHaveLength(5);
  });

  test('go with their account', async () => {
    await add(said());
    await deleteAccount(db, 'warsaw');
    expect((await read()).items).toEqual([]);
  });

  describe('on their way out', () => {
    test('the first that is open is the one to be sent', async () => {
      const { added } = await add(said(), said(), said({ calendar: 'lis' }), said({ calendar: null }));
      const [one, two, other, none] = added.map(({ id }) => id);
      await read();
      const head = async (calendar: string | null) =>
        (await firstOpen(db, sealer, { account: 'warsaw', calendar }))?.item.id;
      expect(await head('nowak')).toBe(one);
      await delivered(db, one ?? '', NOW);
      expect(await head('nowak')).toBe(two);
      await deliveryFailed(db, two ?? '', 'answered 500', NOW);
      expect(await head('nowak')).toBeUndefined();
      expect(await head('lis')).toBe(other);
      expect(await head(null)).toBe(none);
    });

    test('those that are due are found by their calendar, and those that wait are not', async () => {
      await add(said(), said(), said({ calendar: null }));
      await read();
      expect(await dueKeys(db, all, NOW, 10)).toEqual(
        expect.arrayContaining([key, { ...key, calendar: null }]),
      );
      const first = await firstOpen(db, sealer, key);
      const attempt = { began: NOW, retryAt: later(5_000), reason: 'answered 500' };
      await deliverLater(db, first?.item.id ?? '', attempt);
      await deliverLater(db, first?.item.id ?? '', { ...attempt, began: later(1_000) });
      expect(await firstOpen(db, sealer, key)).toEqual({
        item: first?.item,
        attempts: 2,
        firstAttemptAt: NOW,
        retryAt: later(5_000),
      });
      expect(await dueKeys(db, all, later(4_999), 10)).toEqual([{ ...key, calendar: null }]);
      expect(await dueKeys(db, all, later(5_000), 10)).toHaveLength(2);
    });

    test('only accounts with a webhook have anything due, where there is none for all', async () => {
      await putAccount(db, account({ id: 'madrid' }), NOW);
      await sql`UPDATE slotkeeper.accounts SET settings = settings || '{"delivery": {"url": "https://x"}}'
        WHERE id = 'madrid'`.execute(db);
      await add(said(), said({ account: 'madrid', calendar: 'ruiz' }));
      await read();
      const own = { byWebhook: 'accounts with their own' } as const;
      expect(await dueKeys(db, own, NOW, 10)).toEqual([{ account: 'madrid', calendar: 'ruiz' }]);
      expect(await notificationTotals(db, own)).toEqual({ undelivered: 1, failed: 0, oldest: NOW });
      expect(await notificationTotals(db, all)).toMatchObject({ undelivered: 2 });
    });

    test('what failed is listed, and is tried again as if for the first time, or dropped', async () => {
      const { added } = await add(said(), said());
      const [one = '', two = ''] = added.map(({ id }) => id);
      await read();
      for (const id of [one, two]) await deliveryFailed(db, id, 'answered 500', NOW);
      expect(await failedNotifications(db, 10)).toEqual([
        { ...key, id: one, name: 'slot-booked', failed: 'answered 500', problem: null },
        expect.objectContaining({ id: two }),
      ]);
      expect(await notificationTotals(db, all)).toEqual({ undelivered: 0, failed: 2, oldest: null });
      expect(await retryNotification(db, one, NOW)).toEqual(key);
      expect(await retryNotification(db, one, NOW)).toBeUndefined();
      expect(await firstOpen(db, sealer, key)).toMatchObject({
        attempts: 0,
        firstAttemptAt: null,
        retryAt: null,
      });
      expect(await dropNotification(db, two, NOW)).toBe(true);
      expect(await dropNotification(db, two, NOW)).toBe(false);
      expect(await failedNotifications(db, 10)).toEqual([]);
    });

    test('one that cannot be read counts as failed until somebody drops it, and is brought to the clinic all the same', async () => {
      const { added } = await add(said({ name: 'unknown', problem: 'data: Required' }));
      const [{ id } = { id: '' }] = added;
      await read();
      expect(await failedNotifications(db, 10)).toMatchObject([
        { id, failed: null, problem: 'data: Required' },
      ]);
      expect(await dropNotification(db, id, NOW)).toBe(true);
      expect(await failedNotifications(db, 10)).toEqual([]);
      expect((await firstOpen(db, sealer, key))?.item.id).toBe(id);
    });

    test('one that cannot be read is told once more when it is tried again', async () => {
      const { added } = await add(said({ name: 'unknown', problem: 'data: Required' }));
      const [{ id } = { id: '' }] = added;
      await read();
      await delivered(db, id, NOW);
      expect(await retryNotification(db, id, NOW)).toEqual(key);
      expect(await failedNotifications(db, 10)).toEqual([]);
      expect((await firstOpen(db, sealer, key))?.item.id).toBe(id);
    });

    test('what was put on the queue is not put there again', async () => {
      const { added } = await add(said(), said(), said());
      await read();
      const first = await unqueued(db, 2);
      expect(first.map(({ id }) => id)).toEqual(added.slice(0, 2).map(({ id }) => id));
      expect(Object.keys(first[0] ?? {}).sort()).toEqual(['account', 'calendar', 'cursor', 'id', 'name']);
      await queued(
        db,
        first.map(({ id }) => id),
        NOW,
      );
      expect(await unqueued(db, 2)).toHaveLength(1);
    });
  });

  describe('after their time', () => {
    const week = later(7 * DAY);
    const justBefore = later(-1);
    const justAfter = later(1);
    const webhook: WaysOut = { ...all, byQueue: false };
    const feedOnly: WaysOut = { byWebhook: 'accounts with their own', byQueue: false };
    const queueOnly: WaysOut = { byWebhook: 'accounts with their own', byQueue: true };
    const kept = async () => (await read()).items.filter(({ data }) => data !== null).length;

    test('data goes when it was delivered long enough ago, and what was not delivered stays', async () => {
      const { added } = await add(said(), said(), said());
      await read();
      await delivered(db, added[0]?.id ?? '', NOW);
      await deliveryFailed(db, added[1]?.id ?? '', 'answered 500', NOW);
      expect(await purgeDelivered(db, webhook, justBefore, week)).toBe(0);
      expect(await purgeDelivered(db, webhook, justAfter, week)).toBe(1);
      const { items } = await read();
      expect(items).toHaveLength(3);
      expect(items[0]).toMatchObject({ data: null, purged: true, booking: expect.any(String) });
      expect(await kept()).toBe(2);
    });

    test('where there is only the feed, data goes when it came long enough ago, and no webhook gets what is left', async () => {
      await add(said());
      expect(await purgeDelivered(db, feedOnly, justBefore, week)).toBe(0);
      expect(await purgeDelivered(db, feedOnly, justAfter, week)).toBe(1);
      expect(await dueKeys(db, all, week, 10)).toEqual([]);
      expect(await notificationTotals(db, all)).toEqual({ undelivered: 0, failed: 0, oldest: null });
    });

    test('where there is a queue, data goes when it was put there long enough ago', async () => {
      await add(said());
      await read();
      expect(await purgeDelivered(db, queueOnly, justAfter, week)).toBe(0);
      await queued(db, await ids(), NOW);
      expect(await purgeDelivered(db, queueOnly, justAfter, week)).toBe(1);
    });

    test('what was never delivered loses its data in the end, and is a failure then', async () => {
      const { added } = await add(said(), said(), said());
      const [one = '', two = '', three = ''] = added.map(({ id }) => id);
      await read();
      await deliveryFailed(db, one, 'answered 500', NOW);
      await delivered(db, two, NOW);
      expect(await purgeOld(db, justAfter, later(30 * DAY))).toBe(3);
      expect(await failedNotifications(db, 10)).toMatchObject([
        { id: one, failed: 'answered 500' },
        { id: three, failed: 'it was not delivered in time, and its data was removed' },
      ]);
      await retryNotification(db, three, NOW);
      expect(await firstOpen(db, sealer, key)).toMatchObject({
        item: { id: three, data: null, purged: true },
      });
    });

    test('rows go, and a cursor is never given out again', async () => {
      await add(said(), said());
      const { next } = await read();
      expect(await forgetNotifications(db, justBefore, NOW)).toBe(0);
      expect(await forgetNotifications(db, justAfter, NOW)).toBe(2);
      await add(said());
      expect((await read(next)).items).toHaveLength(1);
    });
  });
});

describe('a reader of the feed on PostgreSQL', () => {
  let database: Database;
  beforeAll(async () => {
    database = await openDatabase({ url: await recordDatabase() });
    await putAccount(database.db, account(), NOW);
  });
  afterAll(async () => {
    await database.close();
  });

  test('does not miss a row that was begun before another and is committed after it', async () => {
    const { db } = database;
    const slow = await db.startTransaction().execute();
    const early = await addNotifications(slow, sealer, [said()], NOW);
    const late = await db.transaction().execute((tx) => addNotifications(tx, sealer, [said()], NOW));
    const first = await feed(db, sealer, { limit: 10 });
    expect(first.items.map(({ id }) => id)).toEqual(late.added.map(({ id }) => id));
    await slow.commit().execute();
    const second = await feed(db, sealer, { after: first.next, limit: 10 });
    expect(second.items.map(({ id }) => id)).toEqual(early.added.map(({ id }) => id));
  });

  test('misses none and sees none twice, while many are written at once and several read', async () => {
    const { db } = database;
    const start = (await feed(db, sealer, { limit: 1_000 })).next;
    const written: string[] = [];
    let writing = true;
    const write = async (writer: number): Promise<void> => {
      for (let n = 0; n < 12; n += 1) {
        const tx = await db.startTransaction().execute();
        const { added } = await addNotifications(tx, sealer, [said(), said()], NOW);
        // Some commit much later than others that were begun after them.
        await sql`SELECT pg_sleep(${((writer * 5 + n * 3) % 7) / 500})`.execute(tx);
        if ((writer + n) % 5 === 0) {
          await tx.rollback().execute();
        } else {
          await tx.commit().execute();
          written.push(...added.map(({ id }) => id));
        }
      }
    };
    const follow = async (): Promise<string[]> => {
      const seen: string[] = [];
      for (let after = start, last = false; ; ) {
        const over = !writing;
        const { items, next } = await feed(db, sealer, { after, limit: 7 });
        seen.push(...items.map(({ id }) => id));
        after = next;
        if (items.length === 0 && last) return seen;
        last = over;
      }
    };
    const readers = [follow(), follow(), follow()];
    await Promise.all([0, 1, 2, 3, 4, 5].map(write));
    writing = false;
    const [one = [], ...others] = await Promise.all(readers);
    expect(new Set(one).size).toBe(one.length);
    expect([...one].sort()).toEqual([...written].sort());
    for (const other of others) expect(other).toEqual(one);
  });
});
