/** A closing by HTTP while thousands of events wait on the queue: how long until it reaches the marketplace. */
import got from 'got';
import type { RequestRecord } from 'slotkeeper/sandbox';
import { Sandbox } from 'slotkeeper/sandbox';
import { API_KEY, addressOf, type Backend } from '../publish/backends.js';
import { dayAhead, taken, windows } from '../publish/events.js';
import { at } from '../publish/latency.js';
import { apart } from './processes.js';
import { fill, OCCUPANCY, withQueues } from './queue.js';

export interface Overtaking {
  readonly backend: string;
  readonly closings: number;
  readonly p50Ms: number;
  readonly maxMs: number;
  /** Of the flood, when the last closing had reached the marketplace. */
  readonly stillWaiting: number;
}

const FLOODED = 50;
const CLOSINGS = 5;
const FLOOD = 5_000;
const PAUSE_MS = 100;

export async function overtaking(backend: Backend): Promise<Overtaking> {
  const sandbox = new Sandbox({
    limits: { writesPerMinute: null, writesPerHour: null, requestsPerHour: null },
    keepRequests: 1_000,
  });
  const marketplaceUrl = await sandbox.start({ port: 0 });
  const engine = await apart({
    kind: 'engine',
    stores: backend,
    roles: ['api', 'worker', 'scheduler'],
    marketplaceUrl,
    calendars: FLOODED + CLOSINGS,
  });
  const headers = { authorization: `Bearer ${API_KEY}` };
  const post = (events: readonly unknown[]) =>
    got.post(`${engine.url}/v1/events`, { json: { events }, headers });
  try {
    const [far, near] = [dayAhead(30), dayAhead(1)];
    await post(Array.from({ length: FLOODED }, (_, calendar) => windows(calendar, far)));
    const closing = Array.from({ length: CLOSINGS }, (_, n) => FLOODED + n);
    const shown = Promise.all(closing.map((calendar) => written(sandbox, calendar)));
    await post(closing.map((calendar) => windows(calendar, near)));
    await shown;
    return await withQueues(backend, async (queueOf) => {
      const queue = queueOf(OCCUPANCY);
      await queue.pause();
      await fill(
        queue,
        Array.from({ length: FLOOD }, (_, n) => taken(n % FLOODED, far, Math.floor(n / FLOODED))),
      );
      await queue.resume();
      const samples: number[] = [];
      for (const calendar of closing) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        const arrival = written(sandbox, calendar);
        const begun = Date.now();
        await post([taken(calendar, near, 1)]);
        samples.push((await arrival) - begun);
      }
      const { waiting = 0 } = await queue.getJobCounts();
      return {
        backend: backend.name,
        closings: samples.length,
        p50Ms: at(samples, 0.5),
        maxMs: Math.max(...samples),
        stillWaiting: waiting,
      };
    });
  } finally {
    await engine.stop();
    await sandbox.stop();
  }
}

/** When the next PUT for this calendar arrives, in epoch milliseconds. */
async function written(sandbox: Sandbox, calendar: number): Promise<number> {
  return await new Promise<number>((resolve) => {
    const listen = (record: RequestRecord): void => {
      const isIt =
        record.operation === 'replaceSlots' && record.address?.doctorId === addressOf(calendar).doctorId;
      if (!isIt) return;
      sandbox.off('request', listen);
      resolve(record.receivedAt);
    };
    sandbox.on('request', listen);
  });
}
