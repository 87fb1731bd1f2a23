// The account cache reads an account once a second, and again at once after an invalidation or a failure.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type Database, openDatabase } from '../../src/db/database.js';
import { AccountCache } from '../../src/db/tables/account-cache.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { deleteAllRows, postgresDatabase } from './databases.js';
import { account, ENCRYPTOR, NOW } from './seed-rows.js';

let database: Database;
let now = 0;
let cache: AccountCache;

beforeAll(async () => {
  database = await openDatabase({ url: await postgresDatabase() });
});

afterAll(() => database.close());

beforeEach(async () => {
  await deleteAllRows(database.db);
  now = NOW.getTime();
  cache = new AccountCache({ encryptor: ENCRYPTOR, db: database.db, now: () => now });
});

const cachedZone = async (): Promise<string | undefined> => (await cache.get(account().id))?.timeZone;
const putZone = (timeZone: string) => putAccount(database.db, account({ timeZone }), NOW, ENCRYPTOR);

test('shows a change by another process after a second, and a change by this process at once', async () => {
  await putZone('Europe/Warsaw');
  expect(await cachedZone()).toBe('Europe/Warsaw');
  await putZone('Europe/Madrid');
  expect(await cachedZone()).toBe('Europe/Warsaw');
  now += 1_000;
  expect(await cachedZone()).toBe('Europe/Madrid');
  await putZone('Europe/Rome');
  cache.invalidate(account().id);
  expect(await cachedZone()).toBe('Europe/Rome');
});

test('reads a missing account again after a second, and at once after an invalidation or when the clock is set back', async () => {
  expect(await cachedZone()).toBeUndefined();
  await putZone('Europe/Warsaw');
  expect(await cachedZone()).toBeUndefined();
  cache.invalidate(account().id);
  expect(await cachedZone()).toBe('Europe/Warsaw');
  await putZone('Europe/Madrid');
  now -= 3_600_000;
  expect(await cachedZone()).toBe('Europe/Madrid');
});

test('does not cache a failure', async () => {
  await putZone('Europe/Warsaw');
  const broken = await openDatabase({ url: await postgresDatabase() });
  await broken.close();
  const failing = new AccountCache({ encryptor: ENCRYPTOR, db: broken.db, now: () => now });
  await expect(failing.get(account().id)).rejects.toThrow();
  await expect(failing.get(account().id)).rejects.toThrow();
});
