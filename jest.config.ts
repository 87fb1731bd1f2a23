/** @jest-config-loader-options {"skipProject": true, "transpileOnly": true, "compilerOptions": {"module": "CommonJS", "ignoreDeprecations": "6.0"}} */
import { availableParallelism } from 'node:os';
import type { Config } from 'jest';

type Project = Exclude<NonNullable<Config['projects']>[number], string>;

const everyProject: Project = {
  testEnvironment: '<rootDir>/test/support/jest/environment.mjs',
  runtime: '<rootDir>/test/support/jest/runtime.mjs',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: 'tsconfig.json' }] },
};

const config: Config = {
  projects: [
    {
      ...everyProject,
      displayName: 'main',
      testMatch: ['**/*.test.ts', '!**/*.{backends,random}.test.ts'],
    },
    // What differs between the databases and queues that the engine runs on.
    { ...everyProject, displayName: 'backends', testMatch: ['**/*.backends.test.ts'] },
    // Random cases: a sample in each run, and many more with `npm run test:long`. The sequencer starts these first.
    { ...everyProject, displayName: 'random', testMatch: ['**/*.random.test.ts'] },
  ],
  // What a run has once, however many projects take part in it.
  globalSetup: '<rootDir>/test/support/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/jest/global-teardown.mjs',
  reporters: ['default', '<rootDir>/test/support/jest/closing-line.mjs'],
  testSequencer: '<rootDir>/test/support/jest/sequencer.mjs',
  // Lets a run without test files reach the reporter, which fails it.
  passWithNoTests: true,
  // How long a test may take on a machine that is busy with others; none waits for that by itself.
  testTimeout: 240_000,
  // More than six would want more connections than the run's PostgreSQL has.
  maxWorkers: Math.min(6, availableParallelism() + 1),
  workerIdleMemoryLimit: '1GB',
};

export default config;
