/**
 * `npm run bench:history`: the rates of events and of publishing with the history, and without it, in turn in one run. Without
 * it, the same engine runs with writes of the history that do nothing.
 */
import { startServices } from '../../test/support/services.js';
import { Bounds } from '../bounds.js';
import { overHttp } from '../intake/http.js';
import { flood } from '../intake/queue.js';
import { backend } from '../publish/backends.js';

/** With and without in turn, so that a change of the machine's load concerns both. */
const ROUNDS = 3;

interface Rates {
  readonly batched: number;
  readonly queued: number;
  readonly published: number;
}

const services = await startServices({
  DATABASE_URL: process.env.DATABASE_URL,
  REDIS_URL: process.env.REDIS_URL,
});
const bounds = new Bounds();

async function measure(withoutHistory: boolean): Promise<Rates> {
  const made = await backend('PostgreSQL', services);
  try {
    const { batchedPerSecond: batched } = await overHttp(made, { withoutHistory });
    const { perSecond: queued, publishingPerSecond: published } = await flood(made, { withoutHistory });
    return { batched, queued, published };
  } finally {
    await made.drop();
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

try {
  const [kept, none]: [Rates[], Rates[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    kept.push(await measure(false));
    none.push(await measure(true));
  }
  const names = {
    batched: 'events over HTTP in batches of 500',
    queued: 'events of the queue',
    published: 'events of the queue, beside publishing',
  };
  console.log('\nEvents a second with the history and without it, PostgreSQL, medians of 3:');
  console.table(
    (Object.keys(names) as (keyof Rates)[]).map((name) => {
      const [with_, without] = [median(kept.map((one) => one[name])), median(none.map((one) => one[name]))];
      return {
        rate: names[name],
        with: Math.round(with_),
        without: Math.round(without),
        'with / without': bounds.atLeast(`${names[name]}: with / without`, with_ / without, 0.9),
      };
    }),
  );
  bounds.end();
} finally {
  await services.stop();
}
