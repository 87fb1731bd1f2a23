/** A burst: a thousand events over fifty calendars, and how many writes they become. */
import { atRest, type Backend, clinic } from './backends.js';
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
  const { engine, sandbox, close } = await clinic(backend, CALENDARS, {});
  try {
    const days = [7, 8, 9].map(dayAhead);
    await engine.events(
      Array.from({ length: CALENDARS }, (_, calendar) => days.map((day) => windows(calendar, day))).flat(),
    );
    await atRest(engine);
    let writes = 0;
    sandbox.on('request', ({ operation }) => {
      if (operation === 'replaceSlots' || operation === 'deleteSlots') writes += 1;
    });
    const events = Array.from({ length: EVENTS }, (_, i) =>
      taken(i % CALENDARS, days[i % days.length] ?? '', Math.floor(i / CALENDARS) * 3),
    );
    const begun = performance.now();
    for (let from = 0; from < EVENTS; from += PER_REQUEST) {
      await engine.events(events.slice(from, from + PER_REQUEST));
    }
    await atRest(engine);
    const seconds = (performance.now() - begun) / 1000;
    return { backend: backend.name, events: EVENTS, onePerEvent: EVENTS, writes, seconds };
  } finally {
    await close();
  }
}
