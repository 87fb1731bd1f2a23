import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { freshDatabase } from './postgres.js';
import { freshRedisUrl } from './redis.js';
import { tempDir } from './temp-dir.js';
import { filesIn, finderOf, keysAt, rowsAt } from './written.js';

const WORDS = ['Planted Name', 'pat@planted.example'];
const found = finderOf(WORDS);

describe('planted words are found', () => {
  test.each([0, 1, 2, 3, 4])('as they are, in hex and in base64, with %i bytes before them', (before) => {
    const bytes = Buffer.from(`${'x'.repeat(before)}${WORDS[0]}, and more`);
    for (const content of [bytes, bytes.toString(), bytes.toString('hex'), bytes.toString('base64')]) {
      expect(found(content)).toHaveLength(1);
    }
    expect(found('Planted name')).toEqual([]);
  });

  test('in any table of a database', async () => {
    const { url } = await freshDatabase();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('CREATE SCHEMA "odd one"; CREATE TABLE "odd one".a (b jsonb)');
    await client.query('INSERT INTO "odd one".a VALUES ($1)', [{ deep: WORDS }]);
    await client.end();
    expect(found(await rowsAt(url))).toEqual(WORDS);
  });

  test('in whatever Redis keeps', async () => {
    const url = await freshRedisUrl();
    const redis = new Redis(url);
    const [name = ''] = WORDS;
    const puts: (() => Promise<unknown>)[] = [
      () => redis.set('key', name),
      () => redis.set(name, 'value'),
      () => redis.hset('key', 'field', name),
      () => redis.rpush('key', name),
      () => redis.sadd('key', name),
      () => redis.zadd('key', 1, name),
      () => redis.xadd('key', '*', 'field', name),
    ];
    for (const put of puts) {
      await put();
      expect(found(await keysAt(url))).toEqual([name]);
      await redis.flushdb();
    }
    redis.disconnect();
  });

  test('in files, however deep they lie', async () => {
    const folder = await tempDir();
    await mkdir(join(folder, 'a', 'b'), { recursive: true });
    const path = join(folder, 'a', 'b', 'c');
    await writeFile(path, Buffer.concat([Buffer.from([0xff, 0]), Buffer.from(WORDS[1] ?? '')]));
    const files = [...(await filesIn(folder))];
    expect(files.map(([name, content]) => [name, found(content)])).toEqual([[path, [WORDS[1]]]]);
  });
});
