// Pipelined statements and combined writes, on both databases.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { type StatementPart, writeCombined } from '../../src/db/combined-write.js';
import { type Database, openDatabase } from '../../src/db/database.js';
import { COMMIT, runPipelined } from '../../src/db/pipeline.js';
import { databases } from './databases.js';

describe.each(databases)('on $name', ({ create }) => {
  let database: Database;

  beforeAll(async () => {
    const options = await create();
    // One connection, so that a transaction that is left open affects the next statement.
    database = await openDatabase('url' in options ? { ...options, poolSize: 1 } : options);
    await sql`CREATE TABLE public.things (id integer PRIMARY KEY, at timestamptz)`.execute(database.db);
  });

  afterAll(() => database.close());

  beforeEach(() => sql`TRUNCATE things`.execute(database.db));

  describe('pipelined statements', () => {
    const insert = (id: number) =>
      sql<{ id: number }>`INSERT INTO things VALUES (${id}::integer) RETURNING id`;
    const countRows = sql<{ count: string }>`SELECT count(*) FROM things`;
    const failing = sql<object>`SELECT 1 / ${0}::integer`;
    const isolation = sql<{ level: string }>`SELECT current_setting('transaction_isolation') AS level`;
    /** The count outside of any transaction. */
    const count = async () => Number((await countRows.execute(database.db)).rows[0]?.count);

    test('each see the changes of those before, and all return results', async () => {
      const results = await database.db
        .transaction()
        .execute((tx) =>
          runPipelined(tx, (db) =>
            Promise.all([
              insert(1).execute(db),
              countRows.execute(db),
              insert(2).execute(db),
              countRows.execute(db),
            ]),
          ),
        );
      expect(results.map(({ rows }) => rows)).toEqual([
        [{ id: 1 }],
        [{ count: '1' }],
        [{ id: 2 }],
        [{ count: '2' }],
      ]);
      expect(await count()).toBe(2);
    });

    test('include the commit, and a later failure does not undo it', async () => {
      const failed = database.db.transaction().execute(async (tx) => {
        await runPipelined(tx, (db) => Promise.all([insert(1).execute(db), COMMIT.execute(db)]));
        throw new Error('too late');
      });
      await expect(failed).rejects.toThrow('too late');
      expect(await count()).toBe(1);
      await database.db.transaction().execute((tx) => insert(2).execute(tx));
      expect(await count()).toBe(2);
    });

    test('roll back the whole transaction where one fails before the commit', async () => {
      const failed = database.db.transaction().execute(async (tx) => {
        await insert(1).execute(tx);
        await runPipelined(tx, (db) =>
          Promise.all([
            insert(2).execute(db),
            failing.execute(db),
            insert(3).execute(db),
            COMMIT.execute(db),
          ]),
        );
      });
      await expect(failed).rejects.toMatchObject({ code: '22012' });
      expect(await count()).toBe(0);
      await database.db
        .transaction()
        .execute((tx) => runPipelined(tx, (db) => Promise.all([insert(4).execute(db), COMMIT.execute(db)])));
      expect(await count()).toBe(1);
    });

    test('a transaction with another isolation level begins and ends', async () => {
      const inside = database.db
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute(async (tx) => {
          await insert(1).execute(tx);
          return (await isolation.execute(tx)).rows;
        });
      expect(await inside).toEqual([{ level: 'repeatable read' }]);
      expect((await isolation.execute(database.db)).rows).toEqual([{ level: 'read committed' }]);
      expect(await count()).toBe(1);
    });

    test('a transaction without a statement, or whose first one fails, leaves no open transaction', async () => {
      await database.db.transaction().execute(async () => undefined);
      const failed = database.db.transaction().execute((tx) => failing.execute(tx));
      await expect(failed).rejects.toMatchObject({ code: '22012' });
      await insert(1).execute(database.db);
      expect(await count()).toBe(1);
    });

    test('a rolled-back transaction is not visible to concurrent ones', async () => {
      const work = Array.from({ length: 20 }, (_, n) =>
        database.db
          .transaction()
          .execute(async (tx) => {
            await runPipelined(tx, (db) => Promise.all([insert(n).execute(db), countRows.execute(db)]));
            if (n % 2 === 0) throw new Error('not this one');
          })
          .catch(() => undefined),
      );
      await Promise.all(work);
      expect(await count()).toBe(10);
    });
  });

  describe('a combined write', () => {
    interface Added {
      readonly id: number;
      readonly at: string;
    }
    const insert = (id: number): StatementPart<Added> => sql`
      INSERT INTO things VALUES (${id}::integer, '2026-11-22T12:00:00+01:00'::timestamptz)
      ON CONFLICT (id) DO NOTHING RETURNING id, at`;
    const ids = async (): Promise<number[]> =>
      (await sql<{ id: number }>`SELECT id FROM things ORDER BY id`.execute(database.db)).rows.map(
        ({ id }) => id,
      );

    test('executes all parts and returns the rows of the named ones', async () => {
      const rows = await writeCombined<{ one: Added; none: Added; seen: { count: number } }>(
        database.db,
        [insert(1), undefined],
        {
          one: insert(2),
          none: undefined,
          seen: sql<{ count: number }>`SELECT count(*) AS count FROM things`,
        },
      );
      expect(await ids()).toEqual([1, 2]);
      expect(rows).toMatchObject({ one: [{ id: 2 }], none: [], seen: [{ count: 0 }] });
      expect(new Date(rows.one[0]?.at ?? '').toISOString()).toBe('2026-11-22T11:00:00.000Z');
    });

    test('executes none where one fails', async () => {
      const failing = sql<{ id: number }>`INSERT INTO things VALUES (4), (4) RETURNING id`;
      await expect(writeCombined(database.db, [insert(3)], { failing })).rejects.toMatchObject({
        code: '23505',
      });
      expect(await ids()).toEqual([]);
    });

    test('executes nothing for no parts', async () => {
      expect(await writeCombined(database.db, [undefined], { none: undefined })).toEqual({ none: [] });
    });
  });
});
