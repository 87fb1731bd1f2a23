// There is no access token, and none is requested before `retryAfterMs` has passed.

import { DocplannerError, type ErrorContext } from './docplanner-error.js';

/** Contract: Authorization. `cause` is the error of the last token request, such as UnauthorizedError or ConnectionError. */
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
