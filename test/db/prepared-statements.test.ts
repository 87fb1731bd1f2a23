// Frequent statements are prepared, and none of them fails when a newer version changes the tables.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Kysely, PostgresDialect, sql } from 'kysely';
import type pg from 'pg';
import { openPgPool } from '../../src/db/pool.js';
import { withPreparedStatements } from '../../src/db/prepared-statements.js';
import { freshDatabase } from '../support/postgres.js';

let pool: pg.Pool;
let db: Kysely<{ things: { id: number; name: string } }>;

beforeAll(async () => {
  // One connection, because a statement is prepared per connection.
  ({ pool } = openPgPool({ url: (await freshDatabase()).url, size: 1, onError: () => undefined }));
  db = new Kysely({ dialect: new PostgresDialect({ pool: withPreparedStatements(pool) }) });
  await pool.query(
    `CREATE TABLE public.things (id integer PRIMARY KEY, name text); INSERT INTO things VALUES (1, 'one')`,
  );
});

afterAll(() => pool.end());

async function prepared(): Promise<string[]> {
  const { rows } = await pool.query<{ statement: string }>('SELECT statement FROM pg_prepared_statements');
  return rows.map(({ statement }) => statement);
}

test('a frequent statement is prepared and returns the same rows', async () => {
  const query = (id: number) => db.selectFrom('things').select('name').where('id', '=', id).execute();
  for (let n = 0; n < 19; n += 1) expect(await query(1)).toEqual([{ name: 'one' }]);
  expect(await prepared()).toEqual([]);
  expect(await query(1)).toEqual([{ name: 'one' }]);
  expect(await query(2)).toEqual([]);
  expect(await prepared()).toEqual(['select "name" from "things" where "id" = $1']);
});

test('a prepared statement still works when the table gets another column', async () => {
  const all = () => db.selectFrom('things').selectAll().where('id', '=', 1).execute();
  const some = () => sql<{ id: number }>`SELECT id FROM (SELECT * FROM things) t WHERE id = ${1}`.execute(db);
  for (let n = 0; n < 30; n += 1) {
    await all();
    await some();
  }
  expect((await prepared()).some((statement) => statement.startsWith('SELECT id'))).toBe(true);
  await pool.query('ALTER TABLE things ADD COLUMN more text');
  expect(await all()).toEqual([{ id: 1, name: 'one', more: null }]);
  expect((await some()).rows).toEqual([{ id: 1 }]);
});

test('affected rows are counted, prepared or not', async () => {
  const rename = (name: string) =>
    db.updateTable('things').set({ name }).where('id', '=', 1).executeTakeFirst();
  for (let n = 0; n < 25; n += 1) expect((await rename(`name ${n}`)).numUpdatedRows).toBe(1n);
});
