// Everything that was written down somewhere, as text, and words that must not be found in it.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';

/** A database to be asked; a pool and a client are. */
export interface SearchedWords {
  query(statement: string): Promise<{ readonly rows: readonly unknown[] }>;
}

/** Every row of every table, after the table's name. */
export async function rowsIn(database: SearchedWords): Promise<string> {
  const { rows: tables } = await database.query(
    `SELECT format('%I.%I', schemaname, tablename) AS text FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const name of textsOf(tables)) {
    const { rows } = await database.query(`SELECT t::text AS text FROM ${name} t`);
    found.push(...textsOf(rows).map((row) => `${name} ${row}`));
  }
  return found.join('\n');
}

const textsOf = (rows: readonly unknown[]): string[] => rows.map((row) => (row as { text: string }).text);

/** The same, of a PostgreSQL that another process works with. */
export async function rowsAt(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await rowsIn(client);
  } finally {
    await client.end();
  }
}

/** Every key with what it holds. */
export async function keysAt(redisUrl: string): Promise<string> {
  const redis = new Redis(redisUrl);
  try {
    const found: string[] = [];
    for (const key of await redis.keys('*'))
      found.push(`${key} ${JSON.stringify(await contentOf(redis, key))}`);
    return found.join('\n');
  } finally {
    redis.disconnect();
  }
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'hash':
      return await redis.hgetall(key);
    case 'list':
      return await redis.lrange(key, 0, -1);
    case 'set':
      return await redis.smembers(key);
    case 'zset':
      return await redis.zrange(key, 0, -1);
    case 'stream':
      return await redis.xrange(key, '-', '+');
    case 'string':
      return await redis.get(key);
    // A lock, or a job that is done: it went away after its name was read.
    case 'none':
      return null;
    default:
      throw new Error(`${key} is a ${type}, which nobody reads here`);
  }
}

/** Every file in a folder and below it: its path, and what is in it. */
export async function filesIn(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)));
}

/** Which of the words are in a text, as they are, in hex, or within something that is base64. */
export function finderOf(words: readonly string[]): (content: string | Buffer) => string[] {
  const payloadVariants = words.flatMap((word) => {
    const bytes = Buffer.from(word);
    return [word, bytes.toString('hex'), ...inBase64(bytes)];
  });
  return (content) => payloadVariants.filter((variant) => content.includes(variant));
}

/** As it is in the middle of something, which has three ways: a letter of base64 is no whole byte. */
function inBase64(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const certainFrom = Math.ceil((before * 8) / 6);
    const certainTo = Math.floor(((before + bytes.length) * 8) / 6);
    return text.slice(certainFrom, certainTo);
  });
}
