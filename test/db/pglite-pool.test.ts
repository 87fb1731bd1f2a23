import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PglitePool } from '../../src/db/pglite-pool.js';
import { PgliteThread } from '../../src/db/pglite-thread.js';
import { eventually } from '../support/eventually.js';
import { embeddedFolder } from './databases.js';

async function openPool(): Promise<PglitePool> {
  return new PglitePool(await PgliteThread.open({ dataDir: join(await embeddedFolder(), 'pgdata') }));
}

describe('the pool of the embedded database', () => {
  let pool: PglitePool;

  beforeAll(async () => {
    pool = await openPool();
    await pool.query('CREATE TABLE facts (who text)');
  });

  afterAll(async () => {
    await pool.end();
  });

  const facts = async () =>
    (await pool.query<{ who: string }>('SELECT who FROM facts ORDER BY who')).rows.map(({ who }) => who);

  test('runs the transactions of two clients one after the other', async () => {
    const [one, other] = [await pool.connect(), await pool.connect()];
    const order: string[] = [];
    await one.query('BEGIN');
    const otherTransaction = (async () => {
      await other.query('begin');
      order.push('other begins');
      await other.query('INSERT INTO facts SELECT count(*)::text FROM facts');
      await other.query('COMMIT');
    })();
    const single = pool.query('SELECT 1').then(() => order.push('a single statement'));
    await one.query('INSERT INTO facts VALUES ($1)', ['one']);
    order.push('one has inserted');
    await one.query('COMMIT');
    order.push('one commits');
    await Promise.all([otherTransaction, single]);
    one.release();
    other.release();
    expect(order).toEqual(['one has inserted', 'one commits', 'other begins', 'a single statement']);
    expect(await facts()).toEqual(['1', 'one']);
    await pool.query('TRUNCATE facts');
  });

  test('rolls back a transaction that a client leaves open when it is released', async () => {
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query("INSERT INTO facts VALUES ('lost')");
    client.release();
    client.release();
    expect(await facts()).toEqual([]);
  });

  test('continues after a statement that fails, in a transaction and outside of one', async () => {
    await expect(pool.query('SELECT nothing')).rejects.toThrow('column "nothing" does not exist');
    const client = await pool.connect();
    await client.query('START TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await client.query("INSERT INTO facts VALUES ('stored')");
    await client.query('SAVEPOINT before');
    await expect(client.query('SELECT nothing')).rejects.toThrow('does not exist');
    await client.query('ROLLBACK TO SAVEPOINT before');
    const meanwhile = facts();
    await client.query('COMMIT');
    client.release();
    expect(await meanwhile).toEqual(['stored']);
    await pool.query('TRUNCATE facts');
  });

  test('releases the session after a commit that fails', async () => {
    await pool.query('CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('INSERT INTO late VALUES (1), (1)');
    await expect(client.query('COMMIT')).rejects.toThrow('duplicate key');
    client.release();
    expect(await facts()).toEqual([]);
  });

  test('passes notifications to listeners, also of a LISTEN behind comments, until UNLISTEN or release', async () => {
    const received: unknown[] = [];
    const [one, other] = [await pool.connect(), await pool.connect()];
    one.on('notification', (notification) => received.push({ one: notification }));
    other.on('notification', (notification) => received.push({ other: notification }));
    await one.query('-- a comment of a queue\n/* another one */ LISTEN "jobs"');
    await other.query('LISTEN jobs');
    await pool.query("NOTIFY jobs, 'a'");
    const a = { channel: 'jobs', payload: 'a' };
    await eventually(() => received.length === 2);
    expect(received).toEqual(expect.arrayContaining([{ one: a }, { other: a }]));

    await one.query('UNLISTEN jobs');
    await pool.query("SELECT pg_notify('jobs', 'b')");
    await eventually(() => received.length === 3);
    expect(received.at(-1)).toEqual({ other: { channel: 'jobs', payload: 'b' } });
    one.release();
    other.release();
    await pool.query("NOTIFY jobs, 'c'");
    await pool.query('SELECT 1');
    expect(received).toHaveLength(3);
  });

  test('returns values in the same form as pg', async () => {
    const { rows } = await pool.query(
      `SELECT 9007199254740993::int8 AS int8, 1.50::numeric AS numeric, date '2026-11-16' AS date, 7::int4 AS int4,
              timestamptz '2026-11-16T10:00+01' AS at, '{"a":[1]}'::jsonb AS jsonb, NULL AS nothing`,
    );
    expect(rows).toEqual([
      {
        int8: '9007199254740993',
        numeric: '1.50',
        date: '2026-11-16',
        int4: 7,
        at: new Date('2026-11-16T09:00Z'),
        jsonb: { a: [1] },
        nothing: null,
      },
    ]);
  });

  test('reports the command and the number of affected rows', async () => {
    await pool.query('INSERT INTO facts VALUES ($1), ($2)', ['a', 'b']);
    expect(await pool.query("UPDATE facts SET who = 'c'")).toMatchObject({ command: 'UPDATE', rowCount: 2 });
    expect(await pool.query('/* all */ DELETE FROM facts RETURNING who')).toMatchObject({
      command: 'DELETE',
      rowCount: 2,
      rows: [{ who: 'c' }, { who: 'c' }],
    });
  });

  test('refuses statements after its end, without waiting', async () => {
    const ended = await openPool();
    const client = await ended.connect();
    await ended.end();
    await expect(ended.query('SELECT 1')).rejects.toThrow(/closed/);
    await expect(client.query('BEGIN')).rejects.toThrow(/closed/);
    client.release();
    await ended.end();
  });
});
