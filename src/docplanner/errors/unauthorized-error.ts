// 401: the marketplace does not accept the token, or the credentials it was asked for with.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Errors. From an operation it means that a newly issued token was refused as well. */
export class UnauthorizedError extends DocplannerError {
  override readonly name = 'UnauthorizedError';

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, 'was refused: the token or the credentials are not accepted', details);
  }
}
