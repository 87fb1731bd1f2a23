// 409: what was asked for is already so, or the booking was already moved or deleted.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Errors. Read and compare before anything else. */
export class ConflictError extends DocplannerError {
  override readonly name = 'ConflictError';

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, 'was refused: it is in that state already', details);
  }
}
