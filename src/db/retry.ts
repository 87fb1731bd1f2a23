/** Repeats transactions that the database aborted because of a conflict with another one. */

/**
 * SQLSTATE: serialization failure, deadlock detected, unique violation by a row that another transaction inserted meanwhile. The
 * database rolled the transaction back; it may be repeated.
 */
const RETRYABLE = new Set(['40001', '40P01', '23505']);
const MAX_ATTEMPTS = 5;

/**
 * Repeats a transaction or a statement that the database aborted to resolve a deadlock: event ingestion and the reconciler may
 * lock the same days in different orders.
 */
export async function retryDeadlock<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!RETRYABLE.has(code) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
