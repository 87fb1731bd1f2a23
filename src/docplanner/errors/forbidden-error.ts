// 403: the client is authenticated but not permitted to do this.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Errors. Only for a 403 of the API; an HTML 403 is a FirewallError. */
export class ForbiddenError extends DocplannerError {
  override readonly name = 'ForbiddenError';

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, "was refused: outside the client's estate, or the calendar may not be edited", details);
  }
}
