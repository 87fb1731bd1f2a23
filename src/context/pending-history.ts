/**
 * History of a reconcile that is not stored yet: the transaction that records its results stores it, and at the latest the release
 * of the lease.
 */
import { COMMIT, runPipelined } from '../db/pipeline.js';
import type { Db } from '../db/schema.js';
import { type NewHistoryEntry, saveHistory } from '../db/tables/history.js';

export class PendingHistory {
  readonly #entries: NewHistoryEntry[] = [];

  add(...entries: readonly NewHistoryEntry[]): void {
    this.#entries.push(...entries);
  }

  /**
   * Runs one transaction that stores the entries before its own statements.
   * @param work sends all its statements in one tick
   */
  async commit<T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T> {
    const entries = [...this.#entries];
    const [, result] = await db
      .transaction()
      .execute((tx) =>
        runPipelined(tx, (session) =>
          Promise.all([saveHistory(session, entries), work(session), COMMIT.execute(session)]),
        ),
      );
    this.#entries.splice(0, entries.length);
    return result;
  }

  /** Stores the entries that no transaction has stored. */
  async save(db: Db): Promise<void> {
    await saveHistory(db, this.#entries.splice(0));
  }
}
