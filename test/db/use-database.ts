// Provides a database on PostgreSQL to the tests of a file. Before each test it contains one account and its calendar only.
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { type Database, openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { deleteAllRows, postgresDatabase } from './databases.js';
import { account, calendar, ENCRYPTOR, NOW } from './seed-rows.js';

/** Registers the hooks. @returns an object whose `db` is available from the first hook on */
export function useDatabase(): { readonly db: Db } {
  let database: Database | undefined;
  const opened = {
    get db(): Db {
      if (database === undefined) throw new Error('the database is not open yet');
      return database.db;
    },
  };

  beforeAll(async () => {
    database = await openDatabase({ url: await postgresDatabase() });
  });

  beforeEach(async () => {
    await deleteAllRows(opened.db);
    await putAccount(opened.db, account(), NOW, ENCRYPTOR);
    await putCalendar(opened.db, calendar(), NOW);
  });

  afterAll(async () => {
    await database?.close();
  });

  return opened;
}
