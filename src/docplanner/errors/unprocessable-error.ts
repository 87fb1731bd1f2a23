// 422: the request violates a business rule of the marketplace.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Errors. For example an address that is not commercial, or a paid booking that cannot move. */
export class UnprocessableError extends DocplannerError {
  override readonly name = 'UnprocessableError';

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, 'was refused by a rule of the marketplace', details);
  }
}
