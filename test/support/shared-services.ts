// Where the run's PostgreSQL and Redis are: set before the first test file starts, read by what tests call.

export type SharedService = 'DATABASE_URL' | 'REDIS_URL';

const PREFIX = 'SLOTKEEPER_TEST_';
const FAILURE = `${PREFIX}SERVICES_FAILURE`;

/** Throws, with the reason, where the run has no such server. */
export function sharedServiceUrl(service: SharedService): string {
  const url = process.env[PREFIX + service];
  if (url !== undefined) return url;
  throw new Error(
    process.env[FAILURE] ?? 'This run has no services: Jest was asked for tests that need none',
  );
}

export function shareServices(urls: Readonly<Record<SharedService, string>>): void {
  process.env[`${PREFIX}DATABASE_URL`] = urls.DATABASE_URL;
  process.env[`${PREFIX}REDIS_URL`] = urls.REDIS_URL;
}

/** The tests that need a server will fail with this reason; those that need none still run. */
export function shareFailure(reason: string): void {
  process.env[FAILURE] = reason;
}

export function shareNothing(): void {
  for (const name of [`${PREFIX}DATABASE_URL`, `${PREFIX}REDIS_URL`, FAILURE]) delete process.env[name];
}
