/**
 * Pipelines statements of one session: they are sent at once and executed in their order, and each sees the changes of those
 * before it. Without a pipeline every statement costs a round trip to the server.
 */
import {
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely';
import type { Db, Tables } from './schema.js';

const COMMIT_TEXT = 'commit';
/**
 * Ends the transaction in which it is sent: no statement of the pipeline may follow. Where an earlier statement failed, nothing
 * is committed.
 */
export const COMMIT = sql.raw<object>(COMMIT_TEXT);

/**
 * @param tx a transaction
 * @param work sends all statements through its argument in one tick, and waits for all of them
 * @returns the result of `work`, once every statement is answered
 * @throws the error of the first statement that failed
 */
export async function runPipelined<T>(tx: Db, work: (db: Db) => Promise<T>): Promise<T> {
  return await tx.getExecutor().provideConnection(async (connection) => {
    const session = new PipelinedSession(connection);
    const db = onSession(session);
    // Kysely initialises the driver here, before the first statement, so that statements are sent in the order of the calls.
    await db.getExecutor().provideConnection(noop);
    const [done] = await Promise.allSettled([work(db)]);
    const failure = await session.firstFailure();
    if (done.status === 'fulfilled') return done.value;
    throw failure?.reason ?? done.reason;
  });
}

/** A connection whose owner opens and ends transactions itself. */
class PipelinedSession implements DatabaseConnection {
  readonly #connection: DatabaseConnection;
  readonly #sent: Promise<unknown>[] = [];
  #isCommitted = false;

  constructor(connection: DatabaseConnection) {
    this.#connection = connection;
  }

  executeQuery: DatabaseConnection['executeQuery'] = (query) => {
    // It would be executed outside of the transaction.
    if (this.#isCommitted) throw new TypeError(`a statement was sent after the commit: ${query.sql}`);
    this.#isCommitted = query.sql === COMMIT_TEXT;
    const result = this.#connection.executeQuery<never>(query);
    this.#sent.push(result);
    return result;
  };

  streamQuery: DatabaseConnection['streamQuery'] = () => {
    throw new TypeError('cursors are not supported');
  };

  /** Waits for all statements. The statements after a failed one fail because of it, with an error that names no cause. */
  async firstFailure(): Promise<PromiseRejectedResult | undefined> {
    const results = await Promise.allSettled(this.#sent);
    return results.find((result) => result.status === 'rejected');
  }
}

const noop = (): Promise<void> => Promise.resolve();
const refuseTransaction = (): never => {
  throw new TypeError('a pipeline cannot begin or end a transaction');
};

function onSession(session: DatabaseConnection): Db {
  const driver: Driver = {
    init: noop,
    acquireConnection: () => Promise.resolve(session),
    beginTransaction: refuseTransaction,
    commitTransaction: refuseTransaction,
    rollbackTransaction: refuseTransaction,
    releaseConnection: noop,
    destroy: noop,
  };
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => driver,
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}
