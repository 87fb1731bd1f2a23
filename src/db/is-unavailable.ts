import { types } from 'node:util';

/**
 * SQLSTATE classes: connection exceptions, transactions that gave way to others (a deadlock), insufficient resources,
 * operator intervention (a server that stops); and a server that only reads, as one does for a while after a failover, a
 * statement or a transaction that was cancelled because it took too long.
 */
const SQLSTATE = /^(08|40|53|57P|57014|25006|25P0[34])/;
const SYSTEM = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENETUNREACH)/;
/** What `pg` and PGlite say without a code. */
const MESSAGE =
  /connection terminated|connection ended|timeout (exceeded )?when trying to connect|timeout expired|not queryable|PGlite (is|instance) clos|cannot use a pool after/i;

/** Whether an error says that the database cannot serve just now, rather than that a statement is wrong. */
export function isUnavailable(error: unknown): boolean {
  // Node's own errors are of another realm where a program runs in one.
  if (!types.isNativeError(error)) return false;
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.some(isUnavailable);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    SQLSTATE.test(code) || SYSTEM.test(code) || MESSAGE.test(error.message) || isUnavailable(error.cause)
  );
}
