/**
 * Statements of one session that do not wait for each other's answers: they are sent at once and carried out in their
 * order, each seeing what those before it did. Every answer that is waited for costs a round trip to the server.
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

/** Ends the transaction that it is sent in. Where a statement before it failed, nothing is committed. */
export const COMMIT = sql<object>`commit`;

/**
 * @param tx a transaction
 * @param work sends through its argument all that is to be sent at once in one turn, and waits for all of it
 * @returns what that does, once everything that was sent is answered
 */
export async function runPipelined<T>(tx: Db, work: (db: Db) => Promise<T>): Promise<T> {
  return await tx.getExecutor().provideConnection(async (connection) => {
    const session = new PipelinedSession(connection);
    const db = onSession(session);
    // It is ready before the first statement: what is sent first is carried out first.
    await db.getExecutor().provideConnection(nothing);
    try {
      return await work(db);
    } finally {
      await session.answered();
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
    const answer = this.#connection.executeQuery<never>(query);
    this.#sent.push(answer);
    return answer;
  };

  streamQuery: DatabaseConnection['streamQuery'] = () => {
    throw new TypeError('nothing is read with a cursor');
  };

  async answered(): Promise<void> {
    await Promise.allSettled(this.#sent);
  }
}

const nothing = (): Promise<void> => Promise.resolve();
const noTransaction = (): never => {
  throw new TypeError('a pipeline is within a transaction');
};

function onSession(session: DatabaseConnection): Db {
  const driver: Driver = {
    init: nothing,
    acquireConnection: () => Promise.resolve(session),
    beginTransaction: noTransaction,
    commitTransaction: noTransaction,
    rollbackTransaction: noTransaction,
    releaseConnection: nothing,
    destroy: nothing,
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
