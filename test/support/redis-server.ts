// A Redis server of one's own: in a temporary folder, on 127.0.0.1 and a free port, with a password nobody knows.
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { RunningProcess } from './process.js';
import { findRedis } from './programs.js';
import { ready, Server, type ServerOptions, serverFolder } from './server.js';

export class RedisServer extends Server {
  static async start({ durable = true }: ServerOptions = {}): Promise<RedisServer> {
    const program = await findRedis();
    if (program === undefined) throw new Error('No Redis on this machine: redis-server is not on the PATH');
    const folder = await serverFolder('redis');
    const password = randomBytes(16).toString('hex');
    const port = await freePort();
    const settings = join(folder, 'redis.conf');
    const launch = async () =>
      ready(
        await RunningProcess.start(program, [settings], {
          cwd: folder,
          endSignal: 'SIGKILL',
          endsWithTest: false,
          removeIfOrphaned: [folder],
        }),
        /Ready to accept connections/,
      );
    try {
      await writeFile(settings, configuration(port, password, folder, durable), { mode: 0o600 });
      const url = `redis://:${password}@127.0.0.1:${port}`;
      const parts = { url, port, folder, launch, stopSignal: 'SIGTERM', crashSignal: 'SIGKILL' } as const;
      return new RedisServer(parts, await launch());
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

function configuration(port: number, password: string, folder: string, durable: boolean): string {
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${folder}"`,
    'databases 1024',
    'save ""',
    `appendonly ${durable ? 'yes' : 'no'}`,
    'appendfsync always',
  ];
  return `${lines.join('\n')}\n`;
}
