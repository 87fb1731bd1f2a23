import { expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { COMMIT, runPipelined } from '../../src/db/pipeline.js';
import type { Db } from '../../src/db/schema.js';
import { useDatabase } from './use-database.js';

const record = useDatabase();

const inTransaction = <T>(work: (db: Db) => Promise<T>): Promise<T> =>
  record.db.transaction().execute((tx) => runPipelined(tx, work));
const rename = (db: Db, id: string) => sql`UPDATE slotkeeper.accounts SET id = ${id}`.execute(db);
const accounts = async (): Promise<unknown> =>
  (await sql`SELECT id FROM slotkeeper.accounts`.execute(record.db)).rows;

test('a pipeline fails with the error of its first statement that fails, whichever is awaited first', async () => {
  const before = await accounts();
  const failing = inTransaction(async (db) => {
    const first = sql`SELECT 1 / 0`.execute(db);
    await Promise.all([sql`SELECT 1`.execute(db), first, COMMIT.execute(db)]);
    await first;
  });
  await expect(failing).rejects.toThrow('division by zero');
  const late = inTransaction(async (db) => {
    const first = sql`SELECT 1 / 0`.execute(db).then((result) => Promise.resolve(result));
    await Promise.all([rename(db, 'other'), first]);
  });
  await expect(late).rejects.toThrow('division by zero');
  expect(await accounts()).toEqual(before);
});

test('a pipeline refuses a statement after its commit', async () => {
  const refused = inTransaction(async (db) => {
    await Promise.all([sql`SELECT 1`.execute(db), COMMIT.execute(db), rename(db, 'other')]);
  });
  await expect(refused).rejects.toThrow('after the commit');
});
