// A short chaos run on PostgreSQL and Redis with several processes, always with the same seed; longer ones on each backend
// with `npm run test:long`. `npm run chaos` makes long ones with new seeds.
import { describe, expect, test } from '@jest/globals';
import { isLong } from '../support/long.js';
import { type ChaosOptions, runChaos } from './chaos.js';

interface Run extends Pick<ChaosOptions, 'backend' | 'seed' | 'atLeast'> {
  readonly name: string;
  /** Of the storm, where there is little time for it, and where there is more. */
  readonly seconds: readonly [number, number];
  readonly slower?: number;
  readonly scarce?: boolean;
  /** Whether it takes part in every run of the tests. */
  readonly always?: boolean;
}

/** Most of what clinics and processes do. */
const ENOUGH = { events: 100, writes: 10, switches: 1, resyncs: 1, kills: 1 };

const runs: readonly Run[] = [
  {
    name: 'everything embedded in one process',
    backend: 'pglite',
    seed: 1,
    seconds: [4, 6],
    slower: 2,
    atLeast: ENOUGH,
  },
  {
    name: 'PostgreSQL and several workers',
    backend: 'postgresql',
    seed: 2,
    seconds: [4, 8],
    atLeast: { ...ENOUGH, outages: 1 },
  },
  {
    name: 'PostgreSQL, Redis and several workers',
    backend: 'redis',
    always: true,
    seed: 3,
    seconds: [4, 8],
    atLeast: { ...ENOUGH, outages: 1, visits: 1 },
  },
  {
    name: 'an account whose budget is scarce',
    backend: 'postgresql',
    seed: 2,
    seconds: [4, 8],
    scarce: true,
    atLeast: { ...ENOUGH, outages: 1 },
  },
];

/** On a machine that is busy with others everything takes longer, and nothing here may fail for that. */
const PATIENCE_SECONDS = 600;
const COMPUTED_WITHIN_MS = 15_000;

describe('after chaos the marketplace shows what the clinics said', () => {
  test.each(runs.filter(({ always = false }) => isLong || always))(
    'with $name',
    async ({ seconds: [few, many], scarce = false, name: _, always: __, ...storm }) => {
      const { log, ...report } = await runChaos({
        ...storm,
        scarce,
        seconds: isLong ? many : few,
        severe: false,
        restWithinSeconds: PATIENCE_SECONDS,
        ...(isLong ? {} : { computedWithinMs: COMPUTED_WITHIN_MS }),
      });
      // Everything acknowledged is published, nothing overlapped or was overspent: see `convergence.ts` and `invariants.ts`.
      expect({ ...report, log: log.slice(-5_000) }).toMatchObject({ wrong: [] });
      // What a short storm hides depends on how far the engine came in it.
      if (!isLong) return;
      expect(report.hidings).toBeGreaterThan(10);
      expect(report.placeholders).toBeGreaterThan(0);
    },
    4 * PATIENCE_SECONDS * 1_000,
  );
});
