/** SQLSTATE: serialization failure, deadlock detected. The database undid the one and asks for it again. */
const ASKED_AGAIN = new Set(['40001', '40P01']);
const MAX_TIMES = 5;

/**
 * Runs a transaction or a statement again when the database chose it to lose against another one: intake and the
 * reconciler may touch the same days in different orders.
 */
export async function retryDeadlock<T>(work: () => Promise<T>): Promise<T> {
  for (let time = 1; ; time += 1) {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!ASKED_AGAIN.has(code) || time === MAX_TIMES) throw error;
    }
  }
}
