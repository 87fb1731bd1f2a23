// 409: the resource is already in the requested state, or the booking was already moved or deleted.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Errors. The caller should read and compare the state before it acts. */
export class ConflictError extends DocplannerError {
  override readonly name = 'ConflictError';

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, 'was refused: it is in that state already', details);
  }
}
