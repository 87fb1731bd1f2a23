// 401: the marketplace does not accept the token or the client credentials.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Errors. Thrown by an operation when a newly issued token is refused too. */
export class UnauthorizedError extends DocplannerError {
  override readonly name = 'UnauthorizedError';

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, 'was refused: the token or the credentials are not accepted', details);
  }
}
