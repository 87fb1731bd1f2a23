// There is no access token, and the token endpoint is left alone until `retryAfterMs` has passed.

import { DocplannerError, type ErrorContext } from './docplanner-error.js';

/** Contract: Authorization. `cause` is why: UnauthorizedError, FirewallError, ServerError, ConnectionError and so on. */
export class TokenUnavailableError extends DocplannerError {
  override readonly name = 'TokenUnavailableError';
  override readonly cause: DocplannerError;
  override readonly retryAfterMs: number;

  constructor(context: ErrorContext, cause: DocplannerError, retryAfterMs: number) {
    super(context, `was not sent, there is no access token (${cause.message})`);
    this.cause = cause;
    this.retryAfterMs = retryAfterMs;
  }
}
