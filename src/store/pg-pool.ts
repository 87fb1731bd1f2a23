/** A pool of connections to PostgreSQL that outlives the server's absence. */
import pg from 'pg';

/** BullMQ's statements are unqualified: its schema comes first. */
export const SEARCH_PATH = 'bullmq, public';
const OID_DATE = 1082;

export interface PgPoolOptions {
  readonly url: string;
  /** Connections at most. */
  readonly size: number;
  /** A connection broke; the next one that is needed is made anew. */
  readonly onError: (error: Error) => void;
}

export function openPgPool({ url, size, onError }: PgPoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    options: `-c search_path=${SEARCH_PATH.replace(' ', '')}`,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    // Statements that do not wait for each other's answers are sent at once (at-once.ts, preparing-pool.ts).
    pipeline: true,
    application_name: 'slotkeeper',
    types: {
      // A date is a date: `pg` would make it an instant in this machine's zone.
      getTypeParser: (oid, format) =>
        oid === OID_DATE ? (value: string) => value : pg.types.getTypeParser(oid, format),
    } as pg.CustomTypesConfig,
  });
  // A connection that breaks without a listener takes the process down. The pool listens to idle ones only, so
  // one that is in use, by a transaction or by LISTEN, needs a listener of its own.
  pool.on('connect', (client) => client.on('error', onError));
  // What it has heard of an idle one was told above.
  pool.on('error', () => undefined);
  return pool;
}
