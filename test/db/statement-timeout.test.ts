// Connections to PostgreSQL that do not answer are destroyed with their statements, and replaced by new ones.
import { expect, test } from '@jest/globals';
import { isUnavailable } from '../../src/db/is-unavailable.js';
import { openPgPool } from '../../src/db/pool.js';
import { eventually } from '../support/eventually.js';
import { atEndOfTest } from '../support/release.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { postgresDatabase } from './databases.js';

const LIMIT_MS = 1_500;

async function openPool() {
  const proxy = await TcpProxy.start(await postgresDatabase());
  const errors: Error[] = [];
  const database = openPgPool({ url: proxy.url, size: 4, onError: (error) => errors.push(error) });
  atEndOfTest(() => database.close());
  database.setStatementTimeout(LIMIT_MS);
  return { proxy, database, errors };
}

const reasonOf = async (work: Promise<unknown>): Promise<unknown> =>
  await work.catch((error: unknown) => error);

test('a statement without an answer fails as unavailable, and the next one gets another connection', async () => {
  const { proxy, database } = await openPool();
  const { pool } = database;
  const clients = await Promise.all([pool.connect(), pool.connect()]);
  for (const client of clients) client.release();
  proxy.swallow();
  const error = await reasonOf(pool.query('SELECT 1'));
  expect(error).toMatchObject({ message: 'PostgreSQL did not answer within 1.5 s', code: 'ETIMEDOUT' });
  expect(isUnavailable(error)).toBe(true);
  // The other connection is dead too; the next statement detects it.
  expect(pool.totalCount).toBe(1);
  expect(isUnavailable(await reasonOf(pool.query('SELECT 1')))).toBe(true);
  const { rows } = await pool.query('SELECT 2 AS two');
  expect(rows).toEqual([{ two: 2 }]);
});

test('all open statements of the connection fail with it, a transaction included', async () => {
  const { proxy, database } = await openPool();
  const client = await database.pool.connect();
  await client.query('BEGIN');
  proxy.swallow();
  const reasons = await Promise.all([reasonOf(client.query('SELECT 1')), reasonOf(client.query('COMMIT'))]);
  expect(reasons.map(isUnavailable)).toEqual([true, true]);
  client.release();
  expect((await database.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('a slow statement within the limit does not fail, nor one that waits behind it', async () => {
  const { database } = await openPool();
  const client = await database.pool.connect();
  const slow = Array.from({ length: 4 }, () => client.query('SELECT pg_sleep(0.5)'));
  await expect(Promise.all(slow)).resolves.toHaveLength(4);
  client.release();
});

test('a connection that only listens gets heartbeats, and its listener is notified when it is dead', async () => {
  const { proxy, database } = await openPool();
  const client = await database.pool.connect();
  await client.query('/* as a worker does */ LISTEN something');
  let lost: Error | undefined;
  client.on('error', (error) => {
    lost ??= error;
  });
  await eventually(() => database.pool.totalCount === 1);
  proxy.swallow();
  await eventually(() => lost !== undefined);
  expect(lost).toMatchObject({ code: 'ETIMEDOUT' });
  client.release(true);
});

test('statements and the close end in time when the whole server is frozen', async () => {
  const { proxy, database } = await openPool();
  await database.pool.query('SELECT 1');
  proxy.freeze();
  expect(isUnavailable(await reasonOf(database.pool.query('SELECT 1')))).toBe(true);
  expect(isUnavailable(await reasonOf(database.pool.query('SELECT 1')))).toBe(true);
  proxy.thaw();
  expect((await database.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  proxy.freeze();
  await database.close();
});
