import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { freshDatabase } from './postgres.js';
import { freshRedisUrl } from './redis.js';
import { startServices } from './services.js';

describe('the services of a run', () => {
  test('are the given ones where there are any, and those go on running', async () => {
    const given = { DATABASE_URL: (await freshDatabase()).url, REDIS_URL: await freshRedisUrl() };
    const services = await startServices(given);
    expect(services).toMatchObject({ databaseUrl: given.DATABASE_URL, redisUrl: given.REDIS_URL });
    await services.stop();
    const client = new Redis(given.REDIS_URL);
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  test('are started where none is given, and gone after stop', async () => {
    const services = await startServices({ DATABASE_URL: (await freshDatabase()).url, REDIS_URL: '' });
    const client = new Redis(services.redisUrl, { retryStrategy: () => null });
    const [, folder = ''] = await client
      .config('GET', 'dir')
      .then((answer) => (Array.isArray(answer) ? answer : []));
    expect(existsSync(folder)).toBe(true);
    const closed = new Promise((resolve) => client.once('end', resolve));
    await services.stop();
    await closed;
    expect(existsSync(folder)).toBe(false);
  });

  test('fail with the name of a given one that does not answer, never with its password', async () => {
    const url = (scheme: string, port: number) => `${scheme}://user:s3cret@127.0.0.1:${port}/1`;
    const port = await freePort();
    const attempt = startServices({ DATABASE_URL: url('postgres', port), REDIS_URL: await freshRedisUrl() });
    await expect(attempt).rejects.toThrow('The PostgreSQL in DATABASE_URL does not let us in');
    const other = startServices({ DATABASE_URL: (await freshDatabase()).url, REDIS_URL: url('redis', port) });
    const error = await other.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: 'The Redis in REDIS_URL does not let us in',
      cause: { message: expect.stringContaining('ECONNREFUSED') },
    });
    expect(String(error)).not.toContain('s3cret');
  });
});

test('a free port can be listened on', async () => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await new Promise((resolve) => server.close(resolve));
});
