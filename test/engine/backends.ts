// The three backends of an engine's database and queue.
import type { SlotkeeperOptions } from '../../src/engine.js';
import { ENCRYPTION_KEY, embeddedFolder, postgresDatabase } from '../db/databases.js';
import { freshRedisUrl } from '../support/redis.js';

export type Place = Pick<SlotkeeperOptions, 'data' | 'databaseUrl' | 'redisUrl' | 'encryptionKey'>;

export interface Backend {
  readonly name: string;
  /** A backend that nothing else uses. */
  readonly fresh: () => Promise<Place>;
}

export const backends: readonly Backend[] = [
  { name: 'PGlite', fresh: async () => ({ data: await embeddedFolder() }) },
  { name: 'PostgreSQL', fresh: async () => ({ databaseUrl: await postgresDatabase() }) },
  {
    name: 'PostgreSQL and Redis',
    fresh: async () => ({ databaseUrl: await postgresDatabase(), redisUrl: await freshRedisUrl() }),
  },
];

/** The same backend, with a key where it does not create one. */
export const keyed = (place: Place): Place =>
  place.databaseUrl === undefined ? place : { encryptionKey: ENCRYPTION_KEY, ...place };

/** The same backend, as environment variables of a process. */
export function environmentOf({
  data,
  databaseUrl,
  redisUrl,
  encryptionKey = ENCRYPTION_KEY,
}: Place): Record<string, string> {
  return {
    ...(data === undefined ? {} : { SLOTKEEPER_DATA: data }),
    ...(databaseUrl === undefined
      ? {}
      : { DATABASE_URL: databaseUrl, SLOTKEEPER_ENCRYPTION_KEY: encryptionKey }),
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
  };
}
