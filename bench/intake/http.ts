/** Events over HTTP: in batches, one by one from many clients at a time, and from one. */

import { Load } from '../notifications/load.js';
import { API_KEY, type Backend } from '../publish/backends.js';
import { dayAhead, taken } from '../publish/events.js';
import { at } from '../publish/latency.js';
import { apart, type EngineWork } from './processes.js';

export interface OverHttp {
  readonly backend: string;
  readonly batchedPerSecond: number;
  readonly at16PerSecond: number;
  readonly aloneP50Ms: number;
}

const CALENDARS = 50;
const BATCH = 500;
const FOR_MS = 6_000;

export async function overHttp(
  backend: Backend,
  { withoutHistory }: Pick<EngineWork, 'withoutHistory'> = {},
): Promise<OverHttp> {
  const engine = await apart({
    kind: 'engine',
    stores: backend,
    roles: ['api'],
    // Nothing is published: what is measured is what comes in.
    marketplaceUrl: 'http://127.0.0.1:9',
    calendars: CALENDARS,
    withoutHistory,
  });
  try {
    const day = dayAhead(30);
    let count = 0;
    const body = (events: number) => (): string => {
      const list = Array.from({ length: events }, () => {
        count += 1;
        return taken(count % CALENDARS, day, Math.floor(count / CALENDARS));
      });
      return JSON.stringify({ events: list });
    };
    const measured = async (events: number, clients: number) => {
      const load = new Load(
        { url: `${engine.url}/v1/events`, headers: { authorization: `Bearer ${API_KEY}` } },
        clients,
      );
      await load.atOnce(clients, 1_000, body(events));
      load.forget();
      await load.atOnce(clients, FOR_MS, body(events));
      load.close();
      if ([...load.statuses.keys()].some((status) => status !== 202))
        throw new Error('not all were taken in');
      return {
        perSecond: (load.samples.length * events) / (load.milliseconds / 1_000),
        samples: load.samples,
      };
    };
    const alone = await measured(1, 1);
    const at16 = await measured(1, 16);
    const batched = await measured(BATCH, 1);
    return {
      backend: backend.name,
      batchedPerSecond: batched.perSecond,
      at16PerSecond: at16.perSecond,
      aloneP50Ms: at(alone.samples, 0.5),
    };
  } finally {
    await engine.stop();
  }
}
