// Accounts that are asked for very often are read once a second, and at once where they changed here or failed.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type Database, openDatabase } from '../../src/db/database.js';
import { AccountCache } from '../../src/db/tables/account-cache.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { deleteAllRows, postgresDatabase } from './databases.js';
import { account, ENCRYPTOR, NOW } from './seed-rows.js';

let database: Database;
let now = 0;
let accounts: AccountCache;

beforeAll(async () => {
  database = await openDatabase({ url: await postgresDatabase() });
});

afterAll(() => database.close());

beforeEach(async () => {
  await deleteAllRows(database.db);
  now = NOW.getTime();
  accounts = new AccountCache({ encryptor: ENCRYPTOR, db: database.db, now: () => now });
});

const zone = async (): Promise<string | undefined> => (await accounts.get(account().id))?.timeZone;
const move = (timeZone: string) => putAccount(database.db, account({ timeZone }), NOW, ENCRYPTOR);

test('what another process changed is seen after a second, what this one changed at once', async () => {
  await move('Europe/Warsaw');
  expect(await zone()).toBe('Europe/Warsaw');
  await move('Europe/Madrid');
  expect(await zone()).toBe('Europe/Warsaw');
  now += 1_000;
  expect(await zone()).toBe('Europe/Madrid');
  await move('Europe/Rome');
  accounts.invalidate(account().id);
  expect(await zone()).toBe('Europe/Rome');
});

test('one that is not there is looked for again after a second, and at once where it was put here or the clock put back', async () => {
  expect(await zone()).toBeUndefined();
  await move('Europe/Warsaw');
  expect(await zone()).toBeUndefined();
  accounts.invalidate(account().id);
  expect(await zone()).toBe('Europe/Warsaw');
  await move('Europe/Madrid');
  now -= 3_600_000;
  expect(await zone()).toBe('Europe/Madrid');
});

test('a failure is not remembered', async () => {
  await move('Europe/Warsaw');
  const broken = await openDatabase({ url: await postgresDatabase() });
  await broken.close();
  const others = new AccountCache({ encryptor: ENCRYPTOR, db: broken.db, now: () => now });
  await expect(others.get(account().id)).rejects.toThrow();
  await expect(others.get(account().id)).rejects.toThrow();
});
