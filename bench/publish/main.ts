/** `npm run bench:publish`: what publishing costs and how long it takes, each beside something of the same run. */
import { startServices } from '../../test/support/services.js';
import { Bounds } from '../bounds.js';
import { type BackendName, backend } from './backends.js';
import { type Burst, burst } from './burst.js';
import { latency } from './latency.js';
import { type Many, many } from './many.js';
import { simulate } from './monday.js';

const NAMES: readonly BackendName[] = ['PGlite', 'PostgreSQL', 'PostgreSQL + Redis'];
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
const bounds = new Bounds();
const only = process.argv.slice(2);
const wanted = (part: string): boolean => only.length === 0 || only.includes(part);

async function onEach<T>(measure: (made: Awaited<ReturnType<typeof backend>>) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const name of NAMES) {
    const made = await backend(name, services);
    try {
      results.push(await measure(made));
    } finally {
      await made.drop();
    }
  }
  return results;
}

function section(title: string, rows: readonly object[]): void {
  console.log(`\n${title}`);
  console.table(rows);
}

const services = await startServices({
  DATABASE_URL: process.env.DATABASE_URL,
  REDIS_URL: process.env.REDIS_URL,
});
try {
  if (wanted('monday')) {
    const exposures = simulate({ calendars: 200, bookings: 3_000, cancellations: 600, seed: 1 });
    const [first] = exposures;
    section(
      'A Monday morning, simulated: 200 calendars, 3,000 bookings and 600 cancellations in an hour, 40 writes a minute.\n' +
        'How long time that was taken at the desk stayed on sale, in minutes.',
      exposures.map(({ way, writes, sumMinutes, p50Minutes, p99Minutes }) => ({
        way,
        writes,
        sum: round(sumMinutes, 0),
        p50: round(p50Minutes, 2),
        p99: round(p99Minutes, 2),
        'sum / first': round(sumMinutes / (first?.sumMinutes ?? 1), 3),
        'p99 / first': round(p99Minutes / (first?.p99Minutes ?? 1), 3),
      })),
    );
  }
  if (wanted('latency')) {
    const atOnce = await onEach((made) => latency(made, { debounceMs: 0 }));
    const byDefault = await onEach((made) => latency(made, { debounceMs: 250 }));
    section(
      'Idle latency, milliseconds: POST /v1/events to the PUT at the marketplace, beside a bare BullMQ job;\n' +
        'with debounce 0, and with the default settings, which publish a calendar that was quiet at once.',
      atOnce.map((one, n) => {
        const leadingP50Ms = byDefault[n]?.p50Ms ?? Number.NaN;
        return {
          backend: one.backend,
          p50: round(one.p50Ms),
          p99: round(one.p99Ms),
          'bare p50': round(one.bareP50Ms),
          'bare p99': round(one.bareP99Ms),
          'p50 / bare': bounds.atMost(`${one.backend}: p50 / bare`, one.p50Ms / one.bareP50Ms, 8),
          'default p50': round(leadingP50Ms),
          'default / p50': bounds.atMost(`${one.backend}: default / p50`, leadingP50Ms / one.p50Ms, 2),
        };
      }),
    );
  }
  if (wanted('burst')) {
    section(
      'A burst of 1,000 events over 50 calendars: writes, against one PUT an event.',
      (await onEach<Burst>(burst)).map(({ seconds, ...one }) => ({
        ...one,
        writes: bounds.atMost(`${one.backend}: writes of the burst`, one.writes, 150),
        seconds: round(seconds),
        'writes / one per event': round(one.writes / one.onePerEvent, 3),
      })),
    );
  }
  if (wanted('many')) {
    const made = await backend('PostgreSQL', services);
    try {
      const result: Many = await many(made);
      section('10,000 calendars in the record, PostgreSQL.', [
        {
          calendars: result.calendars,
          'events a second': round(result.eventsPerSecond, 0),
          'memory, MB': round(result.megabytes, 0),
          'idle: transactions a minute': round(result.idlePerMinute, 0),
        },
      ]);
    } finally {
      await made.drop();
    }
  }
} finally {
  await services.stop();
}
bounds.end();
