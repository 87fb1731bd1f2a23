import { describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { freshDatabase, PostgresServer, preparedDatabase } from './postgres.js';

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // Dropping a database ends its connections.
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

describe('a fresh database', () => {
  test('is empty and shared with nobody', async () => {
    const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
    await query(one.url, 'CREATE TABLE days (date date)');
    await expect(query(other.url, 'SELECT * FROM days')).rejects.toThrow('relation "days" does not exist');
  });

  test('is dropped with whoever is still connected, and twice without complaint', async () => {
    const database = await freshDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const ended = new Promise((resolve) => client.on('error', resolve));
    await database.drop();
    await ended;
    await database.drop();
    await expect(query(database.url, 'SELECT 1')).rejects.toThrow('does not exist');
  });
});

describe('a prepared database', () => {
  const facts = { name: `facts_${process.pid}`, reset: 'DELETE FROM facts WHERE n > 1' };
  let filled = 0;
  let used: readonly string[] = [];
  const prepared = async () =>
    await preparedDatabase({
      ...facts,
      fill: async (url) => {
        filled += 1;
        await query(url, 'CREATE TABLE facts AS SELECT 1 AS n');
      },
    });

  test('is made once for all who want it at the same time, and shared with nobody', async () => {
    const [one, other] = await Promise.all([prepared(), prepared()]);
    await query(one, 'INSERT INTO facts VALUES (2)');
    expect(await query(other, 'SELECT n FROM facts')).toEqual([{ n: 1 }]);
    expect(filled).toBe(1);
    used = [one, other];
  });

  test('is another test’s afterwards, reset and without whoever was still connected', async () => {
    const mine = await prepared();
    expect(used).toContain(mine);
    expect(await query(mine, 'SELECT n FROM facts')).toEqual([{ n: 1 }]);
  });

  test('is tried again where it could not be made', async () => {
    const later = { name: `later_${process.pid}`, reset: 'SELECT 1' };
    const failing = preparedDatabase({ ...later, fill: () => Promise.reject(new Error('not now')) });
    await expect(failing).rejects.toThrow('not now');
    const url = await preparedDatabase({ ...later, fill: () => Promise.resolve() });
    expect(await query(url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });
});

describe('a PostgreSQL server of one’s own', () => {
  test('comes back on the same url with what was committed, after a stop and after a crash', async () => {
    const server = await PostgresServer.start();
    const { url } = await freshDatabase({ on: server.url });
    await query(url, 'CREATE TABLE facts AS SELECT 1 AS n');
    await server.stop();
    await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    await query(url, 'INSERT INTO facts VALUES (2)');
    await server.crash();
    expect(server.running).toBe(false);
    await server.restart();
    expect(await query(url, 'SELECT n FROM facts ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
  });
});
