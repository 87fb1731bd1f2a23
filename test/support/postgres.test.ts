import { describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { copiedDatabase, freshDatabase, PostgresServer } from './postgres.js';

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

describe('a copied database', () => {
  test('holds what was put into the original, once for all who want it at the same time, and shares no more', async () => {
    const name = `facts_${process.pid}`;
    let filled = 0;
    const copy = async () =>
      await copiedDatabase(name, async (url) => {
        filled += 1;
        await query(url, 'CREATE TABLE facts AS SELECT 1 AS n');
      });
    const [one, other] = await Promise.all([copy(), copy()]);
    await query(one.url, 'INSERT INTO facts VALUES (2)');
    expect(await query(other.url, 'SELECT n FROM facts')).toEqual([{ n: 1 }]);
    expect(await query((await copy()).url, 'SELECT n FROM facts')).toEqual([{ n: 1 }]);
    expect(filled).toBe(1);
  });

  test('is tried again where the original could not be made', async () => {
    const name = `later_${process.pid}`;
    const failing = copiedDatabase(name, () => Promise.reject(new Error('not now')));
    await expect(failing).rejects.toThrow('not now');
    const { url } = await copiedDatabase(name, () => Promise.resolve());
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
