// A short chaos run on each backend, always with the same seeds. `npm run chaos` makes long ones with new seeds.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Backend, type ChaosReport, runChaos } from './chaos.js';

const LONGEST_MS = 240_000;

const short = (backend: Backend, seed: number, scarce: boolean): Promise<ChaosReport> =>
  runChaos({ backend, seed, seconds: 10, restWithinSeconds: 150, severe: false, scarce });

/** Everything acknowledged is published, nothing overlapped or was overspent: see `calm.ts` and `witness.ts`. */
function expectAllWell({ log, wrong, ...report }: ChaosReport): void {
  expect({ ...report, wrong, log: log.slice(-5_000) }).toMatchObject({ wrong: [] });
  expect(report.events).toBeGreaterThan(100);
  expect(report.writes).toBeGreaterThan(10);
  expect(report.kills + report.outages).toBeGreaterThan(0);
}

describe('after chaos the marketplace shows what the clinics said', () => {
  let scarce: Promise<ChaosReport>;

  // Its account has to wait for its budget for most of a minute. The other runs do not wait for that.
  beforeAll(() => {
    scarce = short('postgresql', 2, true);
    scarce.catch(() => undefined);
  });

  test(
    'with everything embedded in one process',
    async () => {
      expectAllWell(await short('pglite', 1, false));
    },
    LONGEST_MS,
  );

  test(
    'with PostgreSQL and Redis, and several workers',
    async () => {
      expectAllWell(await short('redis', 3, false));
    },
    LONGEST_MS,
  );

  test(
    'with PostgreSQL, several workers, and an account whose budget is scarce',
    async () => {
      expectAllWell(await scarce);
    },
    LONGEST_MS,
  );
});
