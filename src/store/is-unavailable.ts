/**
 * SQLSTATE classes: connection exceptions, transactions that gave way to others (a deadlock), insufficient resources,
 * operator intervention (a server that stops).
 */
const SQLSTATE = /^(08|40|53|57P)/;
const SYSTEM = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENETUNREACH)/;
/** What `pg` and PGlite say without a code. */
const MESSAGE =
  /connection terminated|connection ended|timeout (exceeded )?when trying to connect|timeout expired|not queryable|PGlite (is|instance) clos|cannot use a pool after/i;

/** Whether an error says that the database cannot serve just now, rather than that a statement is wrong. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    SQLSTATE.test(code) || SYSTEM.test(code) || MESSAGE.test(error.message) || isUnavailable(error.cause)
  );
}
