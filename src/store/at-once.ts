/**
 * Statements of one session that do not wait for each other's answers: they are sent at once and carried out in their
 * order, each seeing what those before it did. On the way to a server, each answer that is waited for counts.
 */
import { type RawBuilder, sql } from 'kysely';
import type { Db } from './schema.js';

/** Ends the transaction that it is sent in. Where a statement before it failed, nothing is committed. */
export const COMMIT = sql<object>`commit`;

/** Sends a statement; resolves with its rows. */
export type Ask = <Row>(statement: RawBuilder<Row>) => Promise<readonly Row[]>;

/**
 * @param tx a transaction
 * @param asking asks all that is to be asked in its first turn, and waits for all of it
 * @returns what that does, once everything that was asked is answered
 */
export async function atOnce<Answers>(tx: Db, asking: (ask: Ask) => Promise<Answers>): Promise<Answers> {
  return await tx.getExecutor().provideConnection(async (connection) => {
    const asked: Promise<unknown>[] = [];
    const ask = async <Row>(statement: RawBuilder<Row>): Promise<readonly Row[]> => {
      const answer = connection.executeQuery<Row>(statement.compile(tx));
      asked.push(answer);
      return (await answer).rows;
    };
    try {
      return await asking(ask);
    } finally {
      await Promise.allSettled(asked);
    }
  });
}
