/** A burst: a thousand events over fifty calendars, and how many writes they become. */
import got from 'got';
import { apart } from '../intake/processes.js';
import { Marketplace } from '../resync/marketplace.js';
import { API_KEY, type Backend } from './backends.js';
import { dayAhead, taken, windows } from './events.js';

export interface Burst {
  readonly backend: string;
  readonly events: number;
  /** What one PUT an event would be. */
  readonly onePerEvent: number;
  readonly writes: number;
  readonly seconds: number;
}

const CALENDARS = 50;
const EVENTS = 1_000;
/** Sent one request after another, as a PMS would that comes back from an outage. */
const PER_REQUEST = 20;

export async function burst(backend: Backend): Promise<Burst> {
  // A new one each time: it ignores what it was sent minutes before.
  const marketplace = await Marketplace.start('Europe/Warsaw');
  const engine = await apart({
    kind: 'engine',
    stores: backend,
    roles: ['api', 'worker', 'scheduler'],
    marketplaceUrl: marketplace.url,
    calendars: CALENDARS,
  });
  const api = got.extend({ prefixUrl: `${engine.url}/v1`, headers: { authorization: `Bearer ${API_KEY}` } });
  const atRest = async (): Promise<void> => {
    while ((await api.get('status').json<{ pending: number }>()).pending > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  try {
    const days = [7, 8, 9].map(dayAhead);
    const offered = Array.from({ length: CALENDARS }, (_, n) => days.map((day) => windows(n, day))).flat();
    await api.post('events', { json: { events: offered } });
    await atRest();
    await marketplace.operations();
    const events = Array.from({ length: EVENTS }, (_, i) =>
      taken(i % CALENDARS, days[i % days.length] ?? '', Math.floor(i / CALENDARS) * 3),
    );
    const begun = performance.now();
    for (let from = 0; from < EVENTS; from += PER_REQUEST) {
      await api.post('events', { json: { events: events.slice(from, from + PER_REQUEST) } });
    }
    await atRest();
    const seconds = (performance.now() - begun) / 1000;
    const { replaceSlots = 0, deleteSlots = 0 } = await marketplace.operations();
    const writes = replaceSlots + deleteSlots;
    return { backend: backend.name, events: EVENTS, onePerEvent: EVENTS, writes, seconds };
  } finally {
    await engine.stop();
    marketplace.stop();
  }
}
