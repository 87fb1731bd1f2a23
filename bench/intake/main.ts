/** `npm run bench:intake`: how fast events are taken in, each beside something of the same run. */
import { startServices } from '../../test/support/services.js';
import { Bounds } from '../bounds.js';
import { type BackendName, backend } from '../publish/backends.js';
import { overHttp } from './http.js';
import { overtaking } from './overtake.js';
import { flood } from './queue.js';

const only = process.argv.slice(2);
const wanted = (part: string): boolean => only.length === 0 || only.includes(part);
const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

const services = await startServices({
  DATABASE_URL: process.env.DATABASE_URL,
  REDIS_URL: process.env.REDIS_URL,
});
const bounds = new Bounds();

async function onEach<T>(
  names: readonly BackendName[],
  measure: (made: Awaited<ReturnType<typeof backend>>) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (const name of names) {
    const made = await backend(name, services);
    try {
      results.push(await measure(made));
    } finally {
      await made.drop();
    }
  }
  return results;
}

try {
  if (wanted('queue')) {
    const floods = await onEach(['PostgreSQL', 'PostgreSQL + Redis'], (made) => flood(made));
    console.log('\nA flood of 5,000 jobs on the queue, beside a BullMQ worker that does nothing; a second:');
    console.table(
      floods.map(({ backend: name, barePerSecond, perSecond, publishingPerSecond }) => ({
        backend: name,
        bare: round(barePerSecond),
        applied: round(perSecond),
        'applied and published': round(publishingPerSecond),
        'applied / bare': bounds.atLeast(`${name}: applied / bare`, perSecond / barePerSecond, 0.5),
        'published / bare': bounds.atLeast(
          `${name}: published / bare`,
          publishingPerSecond / barePerSecond,
          0.25,
        ),
      })),
    );
  }
  if (wanted('http')) {
    const results = await onEach(['PGlite', 'PostgreSQL'], (made) => overHttp(made));
    console.log('\nEvents over HTTP, in batches of 500 and one by one:');
    console.table(
      results.map(({ backend: name, batchedPerSecond, at16PerSecond, aloneP50Ms }) => ({
        backend: name,
        'batched, a second': round(batchedPerSecond),
        '16 at a time, a second':
          name === 'PGlite'
            ? bounds.atLeast(`${name}: one by one`, at16PerSecond, 150)
            : round(at16PerSecond),
        'one by one / batched':
          name === 'PGlite'
            ? round(at16PerSecond / batchedPerSecond, 2)
            : bounds.atLeast(`${name}: one by one / batched`, at16PerSecond / batchedPerSecond, 0.35),
        'alone, p50 ms':
          name === 'PGlite' ? round(aloneP50Ms, 1) : bounds.atMost(`${name}: alone, p50 ms`, aloneP50Ms, 20),
      })),
    );
  }
  if (wanted('overtake')) {
    const results = await onEach(['PostgreSQL', 'PostgreSQL + Redis'], overtaking);
    console.log(
      '\nClosings over HTTP while 5,000 events wait on the queue, until they reach the marketplace:',
    );
    console.table(
      results.map(({ backend: name, closings, p50Ms, maxMs, stillWaiting }) => ({
        backend: name,
        closings,
        'p50 ms': round(p50Ms),
        'longest, ms': bounds.atMost(`${name}: longest, ms`, maxMs, 1_000),
        'still waiting then': stillWaiting,
      })),
    );
  }
} finally {
  await services.stop();
}
bounds.end();
