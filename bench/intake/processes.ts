/**
 * What is measured, each in a process of its own: an engine with its HTTP API, a BullMQ worker that does nothing, and the
 * marketplace.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createApp, createLog, type Role, Slotkeeper } from 'slotkeeper';
import { openDatabase } from '../../dist/db/database.js';
import { Queues } from '../../dist/queue/queues.js';
import { API_KEY, addressOf, type Backend } from '../publish/backends.js';

type Stores = Pick<Backend, 'databaseUrl' | 'redisUrl' | 'data'>;

export interface EngineWork {
  readonly kind: 'engine';
  readonly stores: Stores;
  readonly roles: readonly Role[];
  readonly marketplaceUrl: string;
  readonly calendars: number;
  readonly publish?: { readonly debounceMs?: number; readonly leading?: boolean };
  /** Whether writes of the history do nothing. */
  readonly withoutHistory?: boolean | undefined;
}

export interface BareWork {
  readonly kind: 'bare';
  readonly stores: Stores;
  readonly queue: string;
  readonly concurrency: number;
}

export interface Apart {
  /** Of the engine's HTTP API; empty for a bare worker. */
  readonly url: string;
  stop(): Promise<void>;
}

export async function apart(work: EngineWork | BareWork): Promise<Apart> {
  const replacing =
    work.kind === 'engine' && work.withoutHistory === true ? ['--import', WITHOUT_HISTORY] : [];
  const child = fork(fileURLToPath(import.meta.url), ['apart', JSON.stringify(work)], {
    execArgv: [...process.execArgv, ...replacing],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(String(message)));
    child.once('exit', (code) => reject(new Error(`${work.kind} ended with ${code}`)));
  });
  return { url, stop: () => stopped(child) };
}

const WITHOUT_HISTORY = new URL('../history/without.mjs', import.meta.url).href;

async function stopped(child: ChildProcess): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.send('stop');
  await exited;
}

const ROOMY = { writesPerMinute: 1_000_000, writesPerHour: 1_000_000, requestsPerHour: 1_000_000 };

async function engine({ stores, roles, marketplaceUrl, calendars, publish }: EngineWork) {
  const slotkeeper = new Slotkeeper({
    ...stores,
    encryptionKey: '5ea1'.repeat(16),
    roles,
    log: createLog('error'),
    config: {
      accounts: [
        {
          id: 'bench',
          baseUrl: marketplaceUrl,
          clientId: 'bench',
          clientSecret: 'bench',
          timeZone: 'Europe/Warsaw',
          limits: ROOMY,
        },
      ],
      calendars: Array.from({ length: calendars }, (_, index) => ({
        id: `c${index}`,
        account: 'bench',
        ...addressOf(index),
      })),
      ...(publish === undefined ? {} : { publish }),
    },
  });
  await slotkeeper.start();
  const app = createApp({ engine: slotkeeper, apiKey: API_KEY });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const stop = async (): Promise<void> => {
    await app.close();
    await slotkeeper.stop();
  };
  return { url, stop };
}

async function bareWorker({ stores, queue, concurrency }: BareWork) {
  const { databaseUrl, redisUrl, data } = stores;
  const database = await openDatabase(
    databaseUrl === undefined ? { folder: data ?? '' } : { url: databaseUrl },
  );
  const queues = new Queues({
    store:
      redisUrl === undefined ? { kind: 'database', pool: database.pool } : { kind: 'redis', url: redisUrl },
    onError: (error) => console.error(error.message),
  });
  await queues.connect();
  queues.startWorker(queue, async () => undefined, { concurrency, removeOnComplete: { count: 0 } });
  await queues.waitUntilReady();
  const stop = async (): Promise<void> => {
    await queues.close();
    await database.close();
  };
  return { url: '', stop };
}

const [, , asked, given] = process.argv;
if (asked === 'apart' && given !== undefined && process.send !== undefined) {
  const work = JSON.parse(given) as EngineWork | BareWork;
  const { url, stop } = work.kind === 'engine' ? await engine(work) : await bareWorker(work);
  process.once('message', () => void stop().then(() => process.exit()));
  process.send(url);
}
