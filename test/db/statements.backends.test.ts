// Pipelined statements, and writings that are one statement, on each of the record's databases.
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
    // One connection: what is left behind in it is met by the next.
    database = await openDatabase('url' in options ? { ...options, poolSize: 1 } : options);
    await sql`CREATE TABLE public.things (id integer PRIMARY KEY, at timestamptz)`.execute(database.db);
  });

  afterAll(() => database.close());

  beforeEach(() => sql`TRUNCATE things`.execute(database.db));

  describe('pipelined statements', () => {
    const adding = (id: number) =>
      sql<{ id: number }>`INSERT INTO things VALUES (${id}::integer) RETURNING id`;
    const counting = sql<{ count: string }>`SELECT count(*) FROM things`;
    const failing = sql<object>`SELECT 1 / ${0}::integer`;
    const isolation = sql<{ level: string }>`SELECT current_setting('transaction_isolation') AS level`;
    /** As anybody sees it who is in no transaction. */
    const count = async () => Number((await counting.execute(database.db)).rows[0]?.count);

    test('each sees what those before it did, and all are answered', async () => {
      const answers = await database.db
        .transaction()
        .execute((tx) =>
          runPipelined(tx, (db) =>
            Promise.all([
              adding(1).execute(db),
              counting.execute(db),
              adding(2).execute(db),
              counting.execute(db),
            ]),
          ),
        );
      expect(answers.map(({ rows }) => rows)).toEqual([
        [{ id: 1 }],
        [{ count: '1' }],
        [{ id: 2 }],
        [{ count: '2' }],
      ]);
      expect(await count()).toBe(2);
    });

    test('the commit goes along, and what is committed stays, whatever becomes of the rest', async () => {
      const failed = database.db.transaction().execute(async (tx) => {
        await runPipelined(tx, (db) => Promise.all([adding(1).execute(db), COMMIT.execute(db)]));
        throw new Error('too late');
      });
      await expect(failed).rejects.toThrow('too late');
      expect(await count()).toBe(1);
      await database.db.transaction().execute((tx) => adding(2).execute(tx));
      expect(await count()).toBe(2);
    });

    test('where one fails, nothing of the transaction is done, although the commit was behind it', async () => {
      const failed = database.db.transaction().execute(async (tx) => {
        await adding(1).execute(tx);
        await runPipelined(tx, (db) =>
          Promise.all([
            adding(2).execute(db),
            failing.execute(db),
            adding(3).execute(db),
            COMMIT.execute(db),
          ]),
        );
      });
      await expect(failed).rejects.toMatchObject({ code: '22012' });
      expect(await count()).toBe(0);
      await database.db
        .transaction()
        .execute((tx) => runPipelined(tx, (db) => Promise.all([adding(4).execute(db), COMMIT.execute(db)])));
      expect(await count()).toBe(1);
    });

    test('a transaction that is begun in another way is one, too, and ends', async () => {
      const inside = database.db
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute(async (tx) => {
          await adding(1).execute(tx);
          return (await isolation.execute(tx)).rows;
        });
      expect(await inside).toEqual([{ level: 'repeatable read' }]);
      expect((await isolation.execute(database.db)).rows).toEqual([{ level: 'read committed' }]);
      expect(await count()).toBe(1);
    });

    test('a transaction without a statement, or whose first one fails, leaves nothing behind', async () => {
      await database.db.transaction().execute(async () => undefined);
      const failed = database.db.transaction().execute((tx) => failing.execute(tx));
      await expect(failed).rejects.toMatchObject({ code: '22012' });
      await adding(1).execute(database.db);
      expect(await count()).toBe(1);
    });

    test('what one rolls back, others never saw', async () => {
      const work = Array.from({ length: 20 }, (_, n) =>
        database.db
          .transaction()
          .execute(async (tx) => {
            await runPipelined(tx, (db) => Promise.all([adding(n).execute(db), counting.execute(db)]));
            if (n % 2 === 0) throw new Error('not this one');
          })
          .catch(() => undefined),
      );
      await Promise.all(work);
      expect(await count()).toBe(10);
    });
  });

  describe('several writings', () => {
    interface Added {
      readonly id: number;
      readonly at: string;
    }
    const adding = (id: number): StatementPart<Added> => sql`
      INSERT INTO things VALUES (${id}::integer, '2026-11-22T12:00:00+01:00'::timestamptz)
      ON CONFLICT (id) DO NOTHING RETURNING id, at`;
    const ids = async (): Promise<number[]> =>
      (await sql<{ id: number }>`SELECT id FROM things ORDER BY id`.execute(database.db)).rows.map(
        ({ id }) => id,
      );

    test('all are done, and what is asked for is told by its name', async () => {
      const told = await writeCombined<{ one: Added; none: Added; seen: { count: number } }>(
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
      await expect(writeCombined(database.db, [adding(3)], { failing })).rejects.toMatchObject({
        code: '23505',
      });
      expect(await ids()).toEqual([]);
    });

    test('nothing at all is nothing', async () => {
      expect(await writeCombined(database.db, [undefined], { none: undefined })).toEqual({ none: [] });
    });
  });
});
