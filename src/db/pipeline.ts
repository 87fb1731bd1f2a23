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

/** Ends the transaction in which it is sent. Where an earlier statement failed, nothing is committed. */
export const COMMIT = sql<object>`commit`;

/**
 * @param tx a transaction
 * @param work sends all statements through its argument in one tick, and waits for all of them
 * @returns the result of `work`, once every statement is answered
 */
export async function runPipelined<T>(tx: Db, work: (db: Db) => Promise<T>): Promise<T> {
  return await tx.getExecutor().provideConnection(async (connection) => {
    const session = new PipelinedSession(connection);
    const db = onSession(session);
    // Kysely initialises the driver here, before the first statement, so that statements are sent in the order of the calls.
    await db.getExecutor().provideConnection(noop);
    try {
      return await work(db);
    } finally {
      await session.settled();
    }
  });
}

/** A connection whose owner opens and ends transactions itself. */
class PipelinedSession implements DatabaseConnection {
  readonly #connection: DatabaseConnection;
  readonly #sent: Promise<unknown>[] = [];

  constructor(connection: DatabaseConnection) {
    this.#connection = connection;
  }

  executeQuery: DatabaseConnection['executeQuery'] = (query) => {
    const result = this.#connection.executeQuery<never>(query);
    this.#sent.push(result);
    return result;
  };

  streamQuery: DatabaseConnection['streamQuery'] = () => {
    throw new TypeError('cursors are not supported');
  };

  async settled(): Promise<void> {
    await Promise.allSettled(this.#sent);
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
