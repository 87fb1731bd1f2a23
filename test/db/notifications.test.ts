import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { UnknownKeyError } from '../../src/crypto/unknown-key-error.js';
import { type Database, openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { deleteAccount, putAccount } from '../../src/db/tables/accounts.js';
import {
  countNotifications,
  dropFailedNotifications,
  findDueDeliveries,
  findFirstOpenDelivery,
  findUnqueuedNotifications,
  listFailedNotifications,
  recordDelivered,
  recordDeliveryFailed,
  recordQueued,
  retryFailedNotifications,
} from '../../src/db/tables/deliveries.js';
import { findMissingKeys, reencryptNotifications } from '../../src/db/tables/encrypt-notifications.js';
import { addNotifications, type NewNotification } from '../../src/db/tables/notifications.js';
import { type DeliveryChannels, purgeDeliveredData } from '../../src/db/tables/retention.js';
import { deleteAllRows, postgresDatabase } from './databases.js';
import { readFeed } from './feed.js';
import { account, DAY_MS, ENCRYPTOR, later, NOW, newNotification } from './seed-rows.js';

const encryptor = new Encryptor([randomBytes(32)]);
const all = { byWebhook: 'all accounts' } as const;

describe('notifications', () => {
  let database: Database;
  let db: Db;

  beforeAll(async () => {
    database = await openDatabase({ url: await postgresDatabase() });
    db = database.db;
  });

  beforeEach(async () => {
    await deleteAllRows(db);
    await putAccount(db, account(), NOW, ENCRYPTOR);
  });

  afterAll(async () => {
    await database.close();
  });

  const add = (...items: NewNotification[]) =>
    db.transaction().execute((tx) => addNotifications(tx, encryptor, items, NOW));
  const read = async (after?: string, limit = 100) => await readFeed(db, encryptor, { after, limit });
  const ids = async () => (await read()).items.map(({ id }) => id);
  const key = { account: 'warsaw', calendar: 'nowak' };

  test('keep the order of their batch, whatever their hashes', async () => {
    const batch = Array.from({ length: 30 }, (_, n) => newNotification({ hash: `h${(n * 7) % 30}` }));
    const { added } = await add(...batch);
    const { items } = await read();
    expect(items.map(({ booking }) => booking)).toEqual(batch.map(({ booking }) => booking));
    expect(items.map(({ id }) => id)).toEqual(added.map(({ id }) => id));
  });

  test('are stored once, however often they are received, in one batch or in several', async () => {
    const one = newNotification();
    expect(await add(one, one)).toMatchObject({ added: [{}], repeated: 1 });
    const { added, repeated } = await add(one, newNotification());
    expect([added.length, repeated]).toEqual([1, 1]);
    expect((await read()).items).toHaveLength(2);
    await putAccount(db, account({ id: 'madrid' }), NOW, ENCRYPTOR);
    expect(await add({ ...one, account: 'madrid' })).toMatchObject({ repeated: 0 });
  });

  test('are read page by page from the cursor', async () => {
    await add(newNotification(), newNotification(), newNotification());
    const first = await read(undefined, 2);
    expect(first.items).toHaveLength(2);
    const second = await read(first.next, 2);
    expect(second.items).toHaveLength(1);
    expect(await read(second.next, 2)).toEqual({ items: [], next: second.next });
  });

  test('are read in pages of about 4 MB of data, with at least one item, whatever the limit', async () => {
    const sized = (mb: number) => newNotification({ data: 'x'.repeat(mb * 1024 * 1024 - 100) });
    await add(newNotification(), ...[5, 1, 1.5, 1.4, 0.2].map(sized), newNotification());
    const pages: number[] = [];
    for (let from: string | undefined; ; ) {
      const { items, next } = await read(from, 1_000);
      if (items.length === 0) break;
      pages.push(items.length);
      from = next;
    }
    expect(pages).toEqual([1, 1, 3, 2]);
  });

  test('are encrypted again with the first key, and then need no other key', async () => {
    await add(...Array.from({ length: 5 }, () => newNotification()));
    const before = (await read()).items;
    const fresh = randomBytes(32);
    await expect(readFeed(db, new Encryptor([fresh]), { limit: 5 })).rejects.toThrow(UnknownKeyError);
    const old = randomBytes(32);
    const changing = new Encryptor([fresh, old]);
    expect(await findMissingKeys(db, encryptor)).toEqual([]);
    expect(await findMissingKeys(db, changing)).toEqual([{ keyId: encryptor.keyId, count: 5 }]);
    expect(await reencryptNotifications(db, changing, 10)).toBe(0);
    await deleteAllRows(db);
    await putAccount(db, account(), NOW, ENCRYPTOR);
    await db
      .transaction()
      .execute((tx) =>
        addNotifications(
          tx,
          new Encryptor([old]),
          [newNotification(), newNotification(), newNotification()],
          NOW,
        ),
      );
    expect(await reencryptNotifications(db, changing, 2)).toBe(2);
    expect(await reencryptNotifications(db, changing, 2)).toBe(1);
    expect(await reencryptNotifications(db, changing, 2)).toBe(0);
    expect((await readFeed(db, new Encryptor([fresh]), { limit: 5 })).items).toHaveLength(3);
    expect(before).toHaveLength(5);
  });

  test('are deleted with their account', async () => {
    await add(newNotification());
    await deleteAccount(db, 'warsaw', NOW);
    expect((await read()).items).toEqual([]);
  });

  describe('in delivery', () => {
    test('the first open one is sent next', async () => {
      const { added } = await add(
        newNotification(),
        newNotification(),
        newNotification({ calendar: 'lis' }),
        newNotification({ calendar: null }),
      );
      const [one, two, other, none] = added.map(({ id }) => id);
      await read();
      const firstOpenId = async (calendar: string | null) =>
        (await findFirstOpenDelivery(db, encryptor, { account: 'warsaw', calendar }))?.item.id;
      expect(await firstOpenId('nowak')).toBe(one);
      await recordDelivered(db, one ?? '', NOW);
      expect(await firstOpenId('nowak')).toBe(two);
      await recordDeliveryFailed(db, two ?? '', 'answered 500', NOW);
      expect(await firstOpenId('nowak')).toBeUndefined();
      expect(await firstOpenId('lis')).toBe(other);
      expect(await firstOpenId(null)).toBe(none);
    });

    test('only accounts with a webhook have due deliveries, where there is no common one', async () => {
      await putAccount(db, account({ id: 'madrid' }), NOW, ENCRYPTOR);
      await sql`UPDATE slotkeeper.accounts SET settings = settings || '{"delivery": {"url": "https://x"}}'
        WHERE id = 'madrid'`.execute(db);
      await add(newNotification(), newNotification({ account: 'madrid', calendar: 'ruiz' }));
      await read();
      const own = { byWebhook: 'accounts with their own' } as const;
      expect(await findDueDeliveries(db, own, NOW, 10)).toEqual([
        { account: 'madrid', calendar: 'ruiz', own: false },
      ]);
      expect(await countNotifications(db, own)).toEqual({ undelivered: 1, failed: 0, oldest: NOW });
      expect(await countNotifications(db, all)).toMatchObject({ undelivered: 2 });
    });

    test('an unreadable one counts as failed until it is dropped, and is delivered nevertheless', async () => {
      const { added } = await add(newNotification({ name: 'unknown', problem: 'data: Required' }));
      const [{ id } = { id: '' }] = added;
      await read();
      expect(await listFailedNotifications(db, 10)).toMatchObject([
        { id, failed: null, problem: 'data: Required' },
      ]);
      expect(await dropFailedNotifications(db, [id], NOW)).toEqual([id]);
      expect(await listFailedNotifications(db, 10)).toEqual([]);
      expect((await findFirstOpenDelivery(db, encryptor, key))?.item.id).toBe(id);
    });

    test('an unreadable one is delivered again when it is retried', async () => {
      const { added } = await add(newNotification({ name: 'unknown', problem: 'data: Required' }));
      const [{ id } = { id: '' }] = added;
      await read();
      await recordDelivered(db, id, NOW);
      expect(await retryFailedNotifications(db, [id], NOW)).toEqual([{ id: id, ...key, own: false }]);
      expect(await listFailedNotifications(db, 10)).toEqual([]);
      expect((await findFirstOpenDelivery(db, encryptor, key))?.item.id).toBe(id);
    });

    test('one that was enqueued is not enqueued again', async () => {
      const { added } = await add(newNotification(), newNotification(), newNotification());
      await read();
      const first = await findUnqueuedNotifications(db, 2);
      expect(first.map(({ id }) => id)).toEqual(added.slice(0, 2).map(({ id }) => id));
      expect(Object.keys(first[0] ?? {}).sort()).toEqual(['account', 'calendar', 'cursor', 'id', 'name']);
      await recordQueued(
        db,
        first.map(({ id }) => id),
        NOW,
      );
      expect(await findUnqueuedNotifications(db, 2)).toHaveLength(1);
    });
  });

  describe('after their time', () => {
    const week = later(7 * DAY_MS);
    const justBefore = later(-1);
    const justAfter = later(1);
    const webhook: DeliveryChannels = { ...all, byQueue: false };
    const feedOnly: DeliveryChannels = { byWebhook: 'accounts with their own', byQueue: false };
    const queueOnly: DeliveryChannels = { byWebhook: 'accounts with their own', byQueue: true };
    const countWithData = async () => (await read()).items.filter(({ data }) => data !== null).length;

    test('the data is purged some time after delivery, and never before it', async () => {
      const { added } = await add(newNotification(), newNotification(), newNotification());
      await read();
      await recordDelivered(db, added[0]?.id ?? '', NOW);
      await recordDeliveryFailed(db, added[1]?.id ?? '', 'answered 500', NOW);
      expect(await purgeDeliveredData(db, webhook, justBefore, week)).toBe(0);
      expect(await purgeDeliveredData(db, webhook, justAfter, week)).toBe(1);
      const { items } = await read();
      expect(items).toHaveLength(3);
      expect(items[0]).toMatchObject({ data: null, purged: true, booking: expect.any(String) });
      expect(await countWithData()).toBe(2);
    });

    test('with only the feed, the data is purged some time after ingestion, and no webhook gets the rest', async () => {
      await add(newNotification());
      expect(await purgeDeliveredData(db, feedOnly, justBefore, week)).toBe(0);
      expect(await purgeDeliveredData(db, feedOnly, justAfter, week)).toBe(1);
      expect(await findDueDeliveries(db, all, week, 10)).toEqual([]);
      expect(await countNotifications(db, all)).toEqual({ undelivered: 0, failed: 0, oldest: null });
    });

    test('with a queue, the data is purged some time after it was enqueued', async () => {
      await add(newNotification());
      await read();
      expect(await purgeDeliveredData(db, queueOnly, justAfter, week)).toBe(0);
      await recordQueued(db, await ids(), NOW);
      expect(await purgeDeliveredData(db, queueOnly, justAfter, week)).toBe(1);
    });
  });
});

describe('a reader of the feed', () => {
  let database: Database;
  beforeAll(async () => {
    database = await openDatabase({ url: await postgresDatabase() });
    await putAccount(database.db, account(), NOW, ENCRYPTOR);
  });
  afterAll(async () => {
    await database.close();
  });

  test('does not miss a row that was inserted before another and is committed after it', async () => {
    const { db } = database;
    const slow = await db.startTransaction().execute();
    const early = await addNotifications(slow, encryptor, [newNotification()], NOW);
    const late = await db
      .transaction()
      .execute((tx) => addNotifications(tx, encryptor, [newNotification()], NOW));
    const first = await readFeed(db, encryptor, { limit: 10 });
    expect(first.items.map(({ id }) => id)).toEqual(late.added.map(({ id }) => id));
    await slow.commit().execute();
    const second = await readFeed(db, encryptor, { after: first.next, limit: 10 });
    expect(second.items.map(({ id }) => id)).toEqual(early.added.map(({ id }) => id));
  });

  test('reads each row once while many are written concurrently and several readers read', async () => {
    const { db } = database;
    const start = (await readFeed(db, encryptor, { limit: 1_000 })).next;
    const written: string[] = [];
    let isWriting = true;
    const write = async (writer: number): Promise<void> => {
      for (let n = 0; n < 12; n += 1) {
        const tx = await db.startTransaction().execute();
        const { added } = await addNotifications(tx, encryptor, [newNotification(), newNotification()], NOW);
        // Some transactions commit much later than others that began after them.
        for (let more = (writer * 5 + n * 3) % 7; more > 0; more -= 1) await sql`SELECT 1`.execute(tx);
        if ((writer + n) % 5 === 0) {
          await tx.rollback().execute();
        } else {
          await tx.commit().execute();
          written.push(...added.map(({ id }) => id));
        }
      }
    };
    const readAllPages = async (): Promise<string[]> => {
      const seen: string[] = [];
      for (let after = start, last = false; ; ) {
        const over = !isWriting;
        const { items, next } = await readFeed(db, encryptor, { after, limit: 7 });
        seen.push(...items.map(({ id }) => id));
        after = next;
        if (items.length === 0 && last) return seen;
        last = over;
      }
    };
    const readers = [readAllPages(), readAllPages(), readAllPages()];
    await Promise.all([0, 1, 2, 3, 4, 5].map(write));
    isWriting = false;
    const [one = [], ...others] = await Promise.all(readers);
    expect(new Set(one).size).toBe(one.length);
    expect([...one].sort()).toEqual([...written].sort());
    for (const other of others) expect(other).toEqual(one);
  });
});
