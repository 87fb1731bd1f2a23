// Several writings in one statement, on each of the record's databases.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { type Database, openDatabase } from '../../src/store/database.js';
import { type Part, writeTogether } from '../../src/store/write-together.js';
import { databases } from './databases.js';

describe.each(databases)('on $name', ({ fresh }) => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase(await fresh());
    await sql`CREATE TABLE public.things (id integer PRIMARY KEY, at timestamptz)`.execute(database.db);
  });

  afterAll(() => database.close());

  beforeEach(() => sql`TRUNCATE things`.execute(database.db));

  interface Added {
    readonly id: number;
    readonly at: string;
  }
  const adding = (id: number): Part<Added> => sql`
    INSERT INTO things VALUES (${id}::integer, '2026-11-22T12:00:00+01:00'::timestamptz)
    ON CONFLICT (id) DO NOTHING RETURNING id, at`;
  const ids = async (): Promise<number[]> =>
    (await sql<{ id: number }>`SELECT id FROM things ORDER BY id`.execute(database.db)).rows.map(
      ({ id }) => id,
    );

  test('all are done, and what is asked for is told by its name', async () => {
    const told = await writeTogether<{ one: Added; none: Added; seen: { count: number } }>(
      database.db,
      [adding(1), undefined],
      {
        one: adding(2),
        none: undefined,
        seen: sql<{ count: number }>`SELECT count(*) AS count FROM things`,
      },
    );
    expect(await ids()).toEqual([1, 2]);
    expect(told).toMatchObject({ one: [{ id: 2 }], none: [], seen: [{ count: 0 }] });
    expect(new Date(told.one[0]?.at ?? '').toISOString()).toBe('2026-11-22T11:00:00.000Z');
  });

  test('where one fails, none is done', async () => {
    const failing = sql<{ id: number }>`INSERT INTO things VALUES (4), (4) RETURNING id`;
    await expect(writeTogether(database.db, [adding(3)], { failing })).rejects.toMatchObject({
      code: '23505',
    });
    expect(await ids()).toEqual([]);
  });

  test('nothing at all is nothing', async () => {
    expect(await writeTogether(database.db, [undefined], { none: undefined })).toEqual({ none: [] });
  });
});
