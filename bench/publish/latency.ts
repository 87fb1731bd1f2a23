/** Idle latency: from POST /v1/events to the PUT's arrival at the marketplace, beside a bare BullMQ job. */
import got from 'got';
import type { SlotkeeperConfig } from 'slotkeeper';
import type { RequestRecord } from 'slotkeeper/sandbox';
import { openDatabase } from '../../dist/db/database.js';
import { Queues } from '../../dist/queue/queues.js';
import { API_KEY, addressOf, atRest, type Backend, type Clinic, clinic } from './backends.js';
import { dayAhead, taken, windows } from './events.js';

export interface Latency {
  readonly backend: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bareP50Ms: number;
  readonly bareP99Ms: number;
}

const SAMPLES = 120;
const PAUSE_MS = 40;
const CALENDARS = 4;

/** The two take turns, so that what else the machine does meets both; the embedded database has one process, and so one after the other. */
export async function latency(
  backend: Backend,
  publish: NonNullable<SlotkeeperConfig['publish']>,
): Promise<Latency> {
  const ours = await clinic(backend, CALENDARS, publish);
  const isEmbedded = backend.databaseUrl === undefined;
  const beside = isEmbedded ? undefined : await bareQueue(backend);
  const samples: number[] = [];
  const bare: number[] = [];
  try {
    const day = dayAhead(7);
    await ours.engine.events(Array.from({ length: CALENDARS }, (_, index) => windows(index, day)));
    await atRest(ours.engine);
    for (let i = 0; i < SAMPLES; i += 1) {
      samples.push(await eventToPut(ours, day, i));
      await atRest(ours.engine);
      await pause(publish.debounceMs);
      if (beside !== undefined) bare.push(await beside.add());
    }
  } finally {
    await beside?.close();
    await ours.close();
  }
  if (isEmbedded) bare.push(...(await alone(backend)));
  return {
    backend: backend.name,
    p50Ms: at(samples, 0.5),
    p99Ms: at(samples, 0.99),
    bareP50Ms: at(bare, 0.5),
    bareP99Ms: at(bare, 0.99),
  };
}

async function alone(backend: Backend): Promise<number[]> {
  const { add, close } = await bareQueue(backend);
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i += 1) {
    samples.push(await add());
    await pause();
  }
  await close();
  return samples;
}

/** A calendar is quiet after it. */
const pause = (debounceMs = 0): Promise<unknown> =>
  new Promise((resolve) => setTimeout(resolve, PAUSE_MS + debounceMs));

async function eventToPut({ sandbox, url }: Clinic, day: string, i: number): Promise<number> {
  const calendar = i % CALENDARS;
  const arrived = new Promise<number>((resolve) => {
    const listen = (record: RequestRecord): void => {
      const isIt =
        record.operation === 'replaceSlots' && record.address?.doctorId === addressOf(calendar).doctorId;
      if (!isIt) return;
      sandbox.off('request', listen);
      resolve(performance.now());
    };
    sandbox.on('request', listen);
  });
  const begun = performance.now();
  await got.post(`${url}/v1/events`, {
    json: { events: [taken(calendar, day, i)] },
    headers: { authorization: `Bearer ${API_KEY}` },
  });
  return (await arrived) - begun;
}

/** A job that does nothing, from before its add to its processor. */
async function bareQueue({ databaseUrl, redisUrl, data }: Backend) {
  const database = await openDatabase(
    databaseUrl === undefined ? { folder: data ?? '' } : { url: databaseUrl },
  );
  const queues = new Queues({
    store:
      redisUrl === undefined ? { kind: 'database', pool: database.pool } : { kind: 'redis', url: redisUrl },
    onError: (error) => console.error(error.message),
  });
  await queues.connect();
  const queue = queues.openQueue('bench-bare');
  let processed: (() => void) | undefined;
  queues.startWorker('bench-bare', async () => processed?.(), { removeOnComplete: { count: 0 } });
  await queues.waitUntilReady();
  const add = async (): Promise<number> => {
    const arrived = new Promise<void>((resolve) => {
      processed = resolve;
    });
    const begun = performance.now();
    await queue.add('bare', {});
    await arrived;
    return performance.now() - begun;
  };
  const close = async (): Promise<void> => {
    await queues.close();
    await database.close();
  };
  return { add, close };
}

export function at(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
