// Where the run's PostgreSQL and Redis are: set before the first test file starts, read by what tests call.

/** `DATABASE_PREFIX` is what the names of the run's databases begin with. */
export type SharedService = 'DATABASE_URL' | 'REDIS_URL' | 'DATABASE_PREFIX';

const PREFIX = 'SLOTKEEPER_TEST_';
const FAILURE = `${PREFIX}SERVICES_FAILURE`;

/** A server's url, or that beginning. Throws, with the reason, where the run has no servers. */
export function sharedService(service: SharedService): string {
  const url = process.env[PREFIX + service];
  if (url !== undefined) return url;
  throw new Error(
    process.env[FAILURE] ?? 'This run has no services: Jest was asked for tests that need none',
  );
}

export function shareServices(services: Readonly<Record<SharedService, string>>): void {
  for (const [name, value] of Object.entries(services)) process.env[PREFIX + name] = value;
}

/** The tests that need a server will fail with this reason; those that need none still run. */
export function shareFailure(reason: string): void {
  process.env[FAILURE] = reason;
}

export function shareNothing(): void {
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'DATABASE_PREFIX']) delete process.env[PREFIX + name];
  delete process.env[FAILURE];
}
