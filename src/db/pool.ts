/** A pool of connections to PostgreSQL that survives an outage of the server and gives every statement a time limit. */
import pg from 'pg';
import { MINUTE } from '../core/duration.js';
import { SEARCH_PATH } from './search-path.js';
import { StatementTimeout } from './statement-timeout.js';

const OID_DATE = 1082;
/** Together below 15 s, so that an HTTP request whose first statement is not answered ends within that time. */
const CONNECT_TIMEOUT_MS = 4_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 10_000;
/** The limit during the start, because a migration may take minutes and waits for that of another process. */
const START_TIMEOUT_MS = 10 * MINUTE;
const CLOSE_TIMEOUT_MS = 5_000;

export interface OpenPgPool {
  readonly pool: pg.Pool;
  /** From now on a statement that takes longer fails. @param ms default 10,000 */
  setStatementTimeout(ms?: number): void;
  /** Ends within seconds, whether the server answers or not. */
  close(): Promise<void>;
}

export interface PgPoolOptions {
  readonly url: string;
  /** Maximum number of connections. */
  readonly size: number;
  /** Called when a connection breaks. The pool opens a new one on demand. */
  readonly onError: (error: Error) => void;
}

export function openPgPool({ url, size, onError }: PgPoolOptions): OpenPgPool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    options: `-c search_path=${SEARCH_PATH.replace(' ', '')}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // Limits how long an idle connection stays dead after a failover.
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    // Statements that do not wait for each other's results are sent at once (pipeline.ts, prepared-statements.ts).
    pipeline: true,
    application_name: 'slotkeeper',
    types: {
      // A date stays text: `pg` would convert it to an instant in this machine's zone.
      getTypeParser: (oid, format) =>
        oid === OID_DATE ? (value: string) => value : pg.types.getTypeParser(oid, format),
    } as pg.CustomTypesConfig,
  });
  // A connection that breaks without a listener ends the process. The pool listens to idle connections only, so a
  // connection in use, by a transaction or by LISTEN, needs a listener of its own.
  pool.on('connect', (client) => client.on('error', onError));
  // The listener above reports the errors of idle connections too, so this one ignores them.
  pool.on('error', () => undefined);
  const timeout = new StatementTimeout(pool, START_TIMEOUT_MS);
  return {
    pool,
    setStatementTimeout: (ms = STATEMENT_TIMEOUT_MS) => timeout.setLimit(ms),
    close: async () => {
      if (pool.ending) return;
      // `end()` resolves before the connections are closed, and never where a connection in use is not released.
      void pool.end();
      await timeout.close(CLOSE_TIMEOUT_MS);
    },
  };
}
