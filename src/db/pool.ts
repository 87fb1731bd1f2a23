/** A pool of connections to PostgreSQL that outlives the server's absence, and waits for no answer without end. */
import pg from 'pg';
import { SEARCH_PATH } from './search-path.js';
import { StatementTimeout } from './statement-timeout.js';

const OID_DATE = 1082;
/** For a connection, and then for each statement: a request whose first one is not answered is over within 15 s. */
const CONNECT_MS = 4_000;
const STATEMENT_MS = 10_000;
const IDLE_MS = 10_000;
/** Until everything is prepared: a migration takes as long as it takes, and waits for those of others. */
const PREPARING_MS = 10 * 60_000;
const CLOSE_MS = 5_000;

export interface OpenPgPool {
  readonly pool: pg.Pool;
  /** From here on a statement that takes longer than a request may wait is given up. @param ms default 10,000 */
  setStatementTimeout(ms?: number): void;
  /** Ends within seconds, whether the server answers or not. */
  close(): Promise<void>;
}

export interface PgPoolOptions {
  readonly url: string;
  /** Connections at most. */
  readonly size: number;
  /** A connection broke; the next one that is needed is made anew. */
  readonly onError: (error: Error) => void;
}

export function openPgPool({ url, size, onError }: PgPoolOptions): OpenPgPool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    options: `-c search_path=${SEARCH_PATH.replace(' ', '')}`,
    connectionTimeoutMillis: CONNECT_MS,
    // After a failover no connection that nobody uses stays dead for longer.
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    // Statements that do not wait for each other's answers are sent at once (pipeline.ts, preparing-pool.ts).
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
  const limit = new StatementTimeout(pool, PREPARING_MS);
  return {
    pool,
    setStatementTimeout: (ms = STATEMENT_MS) => limit.setLimit(ms),
    close: async () => {
      if (pool.ending) return;
      // It resolves before its connections are closed, and not where one that is in use is never given back.
      void pool.end();
      await limit.close(CLOSE_MS);
    },
  };
}
