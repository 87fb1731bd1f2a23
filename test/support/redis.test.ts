import { describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { freshRedisUrl, RedisServer } from './redis.js';

async function redis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {}); // `connect` rejects with it, too.
  await client.connect();
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

describe('a fresh Redis url', () => {
  test('names a database that is empty and shared with nobody', async () => {
    const [one, other] = await Promise.all([freshRedisUrl(), freshRedisUrl()]);
    await redis(one, (client) => client.set('slot', 'taken'));
    expect(await redis(other, (client) => client.dbsize())).toBe(0);
    expect(await redis(one, (client) => client.dbsize())).toBe(1);
  });

  test('leaves databases alone that hold anything, and says when none is left', async () => {
    const server = await RedisServer.start({ durable: false });
    await redis(`${server.url}/1`, (client) => client.set('of', 'somebody else'));
    expect(await freshRedisUrl({ on: server.url })).toBe(`${server.url}/2`);
    expect(await freshRedisUrl({ on: server.url })).toBe(`${server.url}/3`);
    expect(await redis(`${server.url}/1`, (client) => client.get('of'))).toBe('somebody else');
    const fill = async (client: Redis) => {
      for (let database = 4; database < 1024; database++) {
        client.select(database).catch(() => {});
        client.set('of', 'somebody else').catch(() => {});
      }
      await client.ping();
    };
    await redis(server.url, fill);
    await expect(freshRedisUrl({ on: server.url })).rejects.toThrow('Every database of this Redis');
  });
});

describe('a Redis server of one’s own', () => {
  test('comes back on the same url with what was acknowledged, after a stop and after a crash', async () => {
    const server = await RedisServer.start();
    await redis(server.url, (client) => client.rpush('facts', 'one'));
    await server.stop();
    await expect(redis(server.url, (client) => client.ping())).rejects.toThrow('Connection is closed');
    await server.restart();
    await redis(server.url, (client) => client.rpush('facts', 'two'));
    await server.crash();
    expect(server.running).toBe(false);
    await server.restart();
    expect(await redis(server.url, (client) => client.lrange('facts', 0, -1))).toEqual(['one', 'two']);
  });
});
