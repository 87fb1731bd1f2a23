// 404: the resource does not exist (any more).

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Errors. Ids change: a service that is deleted and added again has a new one. */
export class NotFoundError extends DocplannerError {
  override readonly name = 'NotFoundError';

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, 'found nothing there', details);
  }
}
