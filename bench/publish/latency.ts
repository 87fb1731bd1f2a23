/** Idle latency: from POST /v1/events to the PUT's arrival at the marketplace, beside a bare BullMQ job. */
import got from 'got';
import type { RequestRecord } from 'slotkeeper/sandbox';
import { Queues } from '../../dist/queue/queues.js';
import { openDatabase } from '../../dist/store/database.js';
import { API_KEY, addressOf, atRest, type Backend, clinic } from './backends.js';
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

export async function latency(backend: Backend): Promise<Latency> {
  const { engine, sandbox, url, close } = await clinic(backend, 4, { debounceMs: 0 });
  const samples: number[] = [];
  try {
    const day = dayAhead(7);
    await engine.events([0, 1, 2, 3].map((index) => windows(index, day)));
    await atRest(engine);
    for (let i = 0; i < SAMPLES; i += 1) {
      const calendar = i % 4;
      const arrived = new Promise<number>((resolve) => {
        const listen = (record: RequestRecord): void => {
          const isIt =
            record.operation === 'replaceSlots' && record.address?.doctorId === addressOf(calendar).doctorId;
          if (!isIt) return;
          sandbox.off('request', listen);
          resolve(record.receivedAt);
        };
        sandbox.on('request', listen);
      });
      const begun = Date.now();
      await got.post(`${url}/v1/events`, {
        json: { events: [taken(calendar, day, i)] },
        headers: { authorization: `Bearer ${API_KEY}` },
      });
      samples.push((await arrived) - begun);
      await atRest(engine);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  } finally {
    await close();
  }
  const bare = await bareQueue(backend);
  return {
    backend: backend.name,
    p50Ms: at(samples, 0.5),
    p99Ms: at(samples, 0.99),
    bareP50Ms: at(bare, 0.5),
    bareP99Ms: at(bare, 0.99),
  };
}

/** A job that does nothing, from before its add to its processor, on the same backend when nothing else runs. */
async function bareQueue({ databaseUrl, redisUrl, data }: Backend): Promise<number[]> {
  const database = await openDatabase(
    databaseUrl === undefined ? { folder: data ?? '' } : { url: databaseUrl },
  );
  const queues = new Queues({
    store:
      redisUrl === undefined ? { kind: 'database', pool: database.pool } : { kind: 'redis', url: redisUrl },
    onError: (error) => console.error(error.message),
  });
  const samples: number[] = [];
  try {
    await queues.connect();
    const queue = queues.queue('bench-bare');
    let processed: (() => void) | undefined;
    queues.worker('bench-bare', async () => processed?.(), { removeOnComplete: { count: 0 } });
    for (let i = 0; i < SAMPLES; i += 1) {
      const arrived = new Promise<void>((resolve) => {
        processed = resolve;
      });
      const begun = performance.now();
      await queue.add('bare', {});
      await arrived;
      samples.push(performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  } finally {
    await queues.close();
    await database.close();
  }
  return samples;
}

export function at(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
