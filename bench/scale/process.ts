/** Engines in processes of their own, each with some of the roles. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createApp, createLog, type Role, Slotkeeper } from 'slotkeeper';
import { API_KEY } from '../publish/backends.js';
import { configOf, type Size } from './estate.js';

export interface EngineWork {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly marketplaceUrl: string;
  readonly roles: readonly Role[];
  readonly size: Size;
}

export interface Usage {
  readonly cpuSeconds: number;
  readonly megabytes: number;
}

export class EngineProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(work: EngineWork): Promise<EngineProcess> {
    const child = fork(fileURLToPath(import.meta.url), ['engine', JSON.stringify(work)]);
    return new EngineProcess(child, (await told<{ url: string }>(child)).url);
  }

  async usage(): Promise<Usage> {
    const usage = told<Usage>(this.#child);
    this.#child.send('usage');
    return await usage;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.send('stop');
    await ended;
  }
}

async function told<T>(child: ChildProcess): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`an engine ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

async function serve({ databaseUrl, redisUrl, marketplaceUrl, roles, size }: EngineWork): Promise<void> {
  const engine = new Slotkeeper({
    databaseUrl,
    redisUrl,
    encryptionKey: '5ea1'.repeat(16),
    log: createLog('error'),
    roles,
    config: configOf(size, marketplaceUrl),
  });
  await engine.start();
  const app = createApp({ engine, apiKey: API_KEY });
  const stop = async (): Promise<void> => {
    await app.close();
    await engine.stop();
    process.exit();
  };
  process.on('disconnect', () => process.exit());
  process.on('message', (asked) => {
    if (asked === 'stop') return void stop();
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuSeconds: (user + system) / 1e6, megabytes: process.memoryUsage.rss() / 1_048_576 });
  });
  process.send?.({ url: await app.listen({ host: '127.0.0.1', port: 0 }) });
}

const [, , asked, work] = process.argv;
if (asked === 'engine' && work !== undefined) await serve(JSON.parse(work) as EngineWork);
