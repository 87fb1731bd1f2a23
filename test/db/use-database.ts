// A database on PostgreSQL for the tests of a file, empty before each of them but for one account and its calendar.
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { type Database, openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { deleteAllRows, postgresDatabase } from './databases.js';
import { account, calendar, ENCRYPTOR, NOW } from './seed-rows.js';

/** Registers the hooks. @returns what has the database from the first hook on */
export function useDatabase(): { readonly db: Db } {
  let database: Database | undefined;
  const record = {
    get db(): Db {
      if (database === undefined) throw new Error('the database is not open yet');
      return database.db;
    },
  };

  beforeAll(async () => {
    database = await openDatabase({ url: await postgresDatabase() });
  });

  beforeEach(async () => {
    await deleteAllRows(record.db);
    await putAccount(record.db, account(), NOW, ENCRYPTOR);
    await putCalendar(record.db, calendar(), NOW);
  });

  afterAll(async () => {
    await database?.close();
  });

  return record;
}
