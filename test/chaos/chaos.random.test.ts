// A short chaos run on each backend, always with the same seeds. `npm run chaos` makes long ones with new seeds.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type ChaosOptions, type ChaosReport, runChaos } from './chaos.js';

const LONGEST_MS = 400_000;

type Storm = Pick<ChaosOptions, 'backend' | 'seed' | 'seconds'> & Partial<ChaosOptions>;

/** @param storm long enough for something to be killed or taken away, and for most of what clinics and people do */
const short = (storm: Storm): Promise<ChaosReport> =>
  runChaos({ restWithinSeconds: 240, severe: false, scarce: false, ...storm });

/** Everything acknowledged is published, nothing overlapped or was overspent: see `calm.ts` and `witness.ts`. */
function expectAllWell({ log, wrong, ...report }: ChaosReport): void {
  expect({ ...report, wrong, log: log.slice(-5_000) }).toMatchObject({ wrong: [] });
  expect(report.events).toBeGreaterThan(100);
  expect(report.writes).toBeGreaterThan(10);
  expect(report.hidings).toBeGreaterThan(10);
  expect(report.placeholders).toBeGreaterThan(0);
  expect(report.switches).toBeGreaterThan(0);
  expect(report.resyncs).toBeGreaterThan(0);
  expect(report.kills + report.outages).toBeGreaterThan(0);
}

describe('after chaos the marketplace shows what the clinics said', () => {
  test(
    'with everything embedded in one process',
    async () => {
      expectAllWell(await short({ backend: 'pglite', seed: 1, seconds: 6, slower: 2 }));
    },
    LONGEST_MS,
  );

  describe('with PostgreSQL', () => {
    let scarce: Promise<ChaosReport>;

    // Its account has to wait for its budget for most of a minute. The other run begins when its storm is over.
    beforeAll(async () => {
      await new Promise<void>((resolve) => {
        const onProgress = (what: string): void => {
          if (what === 'it is calm') resolve();
        };
        scarce = short({ backend: 'postgresql', seed: 2, seconds: 8, scarce: true, onProgress });
        scarce.catch(() => undefined).finally(resolve);
      });
    }, LONGEST_MS);

    test(
      'and Redis, and several workers',
      async () => {
        const report = await short({ backend: 'redis', seed: 3, seconds: 8 });
        expectAllWell(report);
        expect(report.visits).toBeGreaterThan(0);
      },
      LONGEST_MS,
    );

    test(
      'several workers, and an account whose budget is scarce',
      async () => {
        expectAllWell(await scarce);
      },
      LONGEST_MS,
    );
  });
});
