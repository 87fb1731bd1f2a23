/** Distinguishes a database that is temporarily unavailable from a statement that is wrong. */
import { types } from 'node:util';

/**
 * SQLSTATE classes: connection exceptions, transaction rollbacks (a deadlock), insufficient resources, operator intervention
 * (a server that stops). Single codes: a read-only server (for a while after a failover), and a statement or a transaction
 * that was cancelled by a time limit.
 */
const SQLSTATE = /^(08|40|53|57P|57014|25006|25P0[34])/;
const SYSTEM = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENETUNREACH)/;
/** Messages of `pg` and PGlite that have no code. */
const MESSAGE =
  /connection terminated|connection ended|timeout (exceeded )?when trying to connect|timeout expired|not queryable|PGlite (is|instance) clos|cannot use a pool after/i;

/** Whether the error means that the database is temporarily unavailable. */
export function isUnavailable(error: unknown): boolean {
  // `instanceof` fails for Node's own errors where the program runs in another realm, as under Jest.
  if (!types.isNativeError(error)) return false;
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.some(isUnavailable);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    SQLSTATE.test(code) || SYSTEM.test(code) || MESSAGE.test(error.message) || isUnavailable(error.cause)
  );
}
